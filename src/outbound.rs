//! Makes one attempt to deliver, over HTTP: the adapter of [`actors::ports::Outbound`].

use std::sync::Arc;
use std::time::Duration;

use actors::ports::{Attempt, Ended, Made, Outbound};
use events::delivery::AttemptClass;
use futures_core::future::BoxFuture;
use ipnet::IpNet;
use reqwest::{Client, Request};
use tokio::time::{Instant, timeout_at};

use crate::vault::Vault;

mod address;
mod answer;
mod client;
mod counted;
mod every;
mod failure;
mod ready;
mod resolve;
mod sign;

pub use counted::{Attempts, Counted, Ending};
pub use every::EveryWay;
pub use ready::{header_context, key_context, secret_context, shown_headers};
pub use sign::{generate_pair, generate_secret, whsec, whsk};

use address::Rules;
use failure::Failure;
use ready::Kept;

/// No exchange lasts longer, whatever is set: each one holds a place among those under way.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(3600);

/// How every attempt is made.
#[derive(Debug, Clone)]
pub struct OutboundSettings {
    /// For the whole exchange, body included, where the endpoint has no timeout of its own.
    pub default_timeout: Duration,
    /// Networks that may be reached although they are not public.
    pub allow_private: Vec<IpNet>,
}

/// Reaches endpoints over HTTP and HTTPS, on connections that are kept for the next attempt.
pub struct HttpOutbound {
    client: Client,
    rules: Arc<Rules>,
    default_timeout: Duration,
    vault: Arc<Vault>,
    kept: Kept,
}

/// Why there is no HTTP client.
#[derive(Debug, thiserror::Error)]
#[error("cannot make an HTTP client")]
pub struct NoClient(#[from] reqwest::Error);

impl HttpOutbound {
    /// An adapter with its own pool of connections.
    ///
    /// # Errors
    /// When TLS cannot be set up, as without any trusted root certificate on the machine.
    pub fn new(settings: OutboundSettings, vault: Arc<Vault>) -> Result<Self, NoClient> {
        let rules = Arc::new(Rules::allowing(settings.allow_private));
        let client = client::build(Arc::clone(&rules))?;
        let default_timeout = settings.default_timeout;
        Ok(Self { client, rules, default_timeout, vault, kept: Kept::default() })
    }

    fn request(&self, attempt: Attempt) -> Result<Request, Failure> {
        let Attempt { delivery, at, body, endpoint, .. } = attempt;
        let ready = self.kept.get(&self.vault, &endpoint, at)?;
        self.rules.check(&ready.url)?;
        let headers = ready.headers(&delivery.to_string(), at, &body);
        let request = self.client.post(ready.url.clone()).headers(headers).body(body);
        request.build().map_err(|error| failure::of(&error))
    }

    async fn exchange(&self, attempt: Attempt) -> Result<Made, Failure> {
        let limit = attempt.endpoint.timeout.unwrap_or(self.default_timeout).min(TIMEOUT_MAX);
        let now = attempt.at;
        let request = self.request(attempt)?;
        let deadline = Instant::now() + limit;
        let late = || format!("the exchange took longer than {limit:?}");
        let sent = timeout_at(deadline, self.client.execute(request)).await;
        let mut response = match sent {
            Ok(sent) => sent.map_err(|error| failure::of(&error))?,
            Err(_) => return Err(Failure { class: AttemptClass::Timeout, detail: late() }),
        };
        let mut kept = answer::Kept::default();
        let read = timeout_at(deadline, kept.read(&mut response)).await;
        let broken = match read {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(failure::of(&error)),
            Err(_) => Some(Failure { class: AttemptClass::Timeout, detail: late() }),
        };
        let address = response.remote_addr().map(|address| address.to_string());
        Ok(Made { ended: kept.judge(&response, broken, now), address })
    }
}

impl Outbound for HttpOutbound {
    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Made> {
        Box::pin(async move {
            self.exchange(attempt).await.unwrap_or_else(|Failure { class, detail }| {
                Ended::Failed { class, detail, response: None, retry_after: None }.into()
            })
        })
    }
}

#[cfg(test)]
mod tests;
