//! Finds the addresses of a name at the moment of connecting, and lets only the allowed through.
//!
//! Checking a name earlier would be no protection: it may resolve to something else by then.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{Refused, Rules};

/// A name without addresses.
#[derive(Debug, thiserror::Error)]
#[error("{name} does not resolve: {source}")]
pub(super) struct Unresolvable {
    name: String,
    source: io::Error,
}

pub(super) struct Guarded(pub(super) Arc<Rules>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = Arc::clone(&self.0);
        Box::pin(async move {
            let name = name.as_str();
            // The port is reqwest's business: it puts the url's in place of 0.
            let found = tokio::net::lookup_host((name, 0))
                .await
                .map_err(|source| Unresolvable { name: name.to_owned(), source })?;
            Ok(Box::new(allowed(&rules, name, found)?.into_iter()) as Addrs)
        })
    }
}

/// Those of the addresses that may be reached; a name is refused when none remains.
pub(super) fn allowed(
    rules: &Rules,
    name: &str,
    found: impl Iterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
    let mut allowed = Vec::new();
    let mut refused: Option<Refused> = None;
    for address in found {
        match rules.permit(address.ip()) {
            Ok(()) => allowed.push(address),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match refused {
        _ if !allowed.is_empty() => Ok(allowed),
        Some(refused) => Err(refused.of(name).into()),
        None => {
            let source = io::ErrorKind::NotFound.into();
            Err(Unresolvable { name: name.to_owned(), source }.into())
        }
    }
}
