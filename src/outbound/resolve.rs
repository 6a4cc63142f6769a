//! Finds the addresses of a name at the moment of connecting, and lets only the allowed through.
//!
//! Checking a name earlier would be no protection: it may resolve to something else by then. What
//! was found is remembered for a moment, and checked at each connection all the same.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::Instant;

use super::address::{Refused, Rules};

/// A name without addresses.
#[derive(Debug, thiserror::Error)]
#[error("{name} does not resolve: {source}")]
pub(super) struct Unresolvable {
    name: String,
    source: io::Error,
}

/// As long as addresses of a name are remembered: many connections at once need one look-up, and
/// a receiver that moves is found at its new place before a retry.
const REMEMBERED_FOR: Duration = Duration::from_secs(30);

/// As many names are remembered; beyond that all are looked up anew.
const REMEMBERED_MAX: usize = 1_024;

/// Addresses of names, as they were found.
#[derive(Default)]
pub(super) struct Memory(DashMap<String, (Instant, Vec<SocketAddr>)>);

impl Memory {
    fn recall(&self, name: &str) -> Option<Vec<SocketAddr>> {
        let found = self.0.get(name)?;
        let (at, addresses) = found.value();
        (at.elapsed() < REMEMBERED_FOR).then(|| addresses.clone())
    }

    fn remember(&self, name: &str, addresses: &[SocketAddr]) {
        if self.0.len() >= REMEMBERED_MAX {
            self.0.clear();
        }
        self.0.insert(name.to_owned(), (Instant::now(), addresses.to_vec()));
    }

    /// The addresses of a name, looked up where they are not remembered. A name that is not found
    /// is looked up again the next time.
    pub(super) async fn find<F>(
        &self,
        name: &str,
        look_up: impl FnOnce() -> F,
    ) -> io::Result<Vec<SocketAddr>>
    where
        F: Future<Output = io::Result<Vec<SocketAddr>>>,
    {
        if let Some(addresses) = self.recall(name) {
            return Ok(addresses);
        }
        let found = look_up().await?;
        self.remember(name, &found);
        Ok(found)
    }
}

pub(super) struct Guarded {
    rules: Arc<Rules>,
    memory: Arc<Memory>,
}

impl Guarded {
    pub(super) fn by(rules: Arc<Rules>) -> Self {
        Self { rules, memory: Arc::default() }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (rules, memory) = (Arc::clone(&self.rules), Arc::clone(&self.memory));
        Box::pin(async move {
            let name = name.as_str();
            // The port is reqwest's business: it puts the url's in place of 0.
            let look_up =
                || async { tokio::net::lookup_host((name, 0)).await.map(Iterator::collect) };
            let found = memory
                .find(name, look_up)
                .await
                .map_err(|source| Unresolvable { name: name.to_owned(), source })?;
            Ok(Box::new(allowed(&rules, name, found.into_iter())?.into_iter()) as Addrs)
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

#[cfg(test)]
mod tests;
