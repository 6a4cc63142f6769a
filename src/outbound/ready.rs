//! Endpoints made ready: url read, secrets opened, headers built, once for all attempts under the
//! same settings.

use std::sync::Arc;

use actors::ports::Endpoint;
use dashmap::DashMap;
use events::signing::{Algorithm, SigningKey, SigningKeys};
use events::webhook::{Header, HeaderValue as GivenValue};
use events::{DeliveryId, EndpointId, Timestamp};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::client;
use super::failure::Failure;
use super::sign::{self, Signer};
use crate::vault::Vault;

/// As many endpoints are kept ready; beyond that an arbitrary one makes room, and is made ready
/// again when it is its turn.
const KEPT_MAX: usize = 4_096;

/// What the secret of an endpoint is sealed for; see [`Vault::seal`].
pub fn secret_context(endpoint: impl Into<EndpointId>) -> String {
    match endpoint.into() {
        EndpointId::Webhook(webhook) => format!("webhook/{webhook}/secret"),
        EndpointId::Inbox(inbox) => format!("inbox/{inbox}/credentials"),
        EndpointId::Mail(account) => format!("account/{account}/mail"),
    }
}

/// What a key of an endpoint is sealed for.
pub fn key_context(endpoint: impl Into<EndpointId>, algorithm: Algorithm) -> String {
    match algorithm {
        Algorithm::Hmac => secret_context(endpoint),
        Algorithm::Ed25519 => format!("{}/key_pair", secret_context(endpoint)),
    }
}

/// What the value of an endpoint's header is sealed for.
pub fn header_context(endpoint: impl Into<EndpointId>, name: &str) -> String {
    format!("{}/header/{}", secret_context(endpoint), name.to_ascii_lowercase())
}

/// An endpoint as attempts need it, and what it was made of.
pub(super) struct Ready {
    url_text: String,
    keys: SigningKeys,
    given: Vec<Header>,
    pub(super) url: Url,
    signers: Vec<(SigningKey, Signer)>,
    headers: HeaderMap,
}

impl Ready {
    /// With the keys that sign at this moment: keys end with time, and none of before comes back.
    pub(super) fn of(vault: &Vault, endpoint: &Endpoint, at: Timestamp) -> Result<Self, Failure> {
        let url = Url::parse(&endpoint.url)
            .map_err(|error| Failure::ours(format!("the url cannot be read: {error}")))?;
        let signer = |key: &SigningKey| -> Result<Option<(SigningKey, Signer)>, Failure> {
            let context = key_context(endpoint.id, key.algorithm);
            let secret = vault
                .unseal(&context, &key.secret)
                .map_err(|error| Failure::ours(format!("cannot sign: {error}")))?;
            let secret = match endpoint.id {
                EndpointId::Webhook(_) | EndpointId::Mail(_) => secret,
                EndpointId::Inbox(_) => match api_secret(&secret) {
                    Some(secret) => secret,
                    None => return Ok(None),
                },
            };
            let signer = Signer::new(key.algorithm, &secret)
                .map_err(|error| Failure::ours(format!("cannot sign: {error}")))?;
            Ok(Some((key.clone(), signer)))
        };
        let signers = endpoint.keys.live(at).map(signer).filter_map(Result::transpose);
        Ok(Self {
            url_text: endpoint.url.clone(),
            keys: endpoint.keys.clone(),
            given: endpoint.headers.clone(),
            url,
            signers: signers.collect::<Result<_, _>>()?,
            headers: headers(vault, endpoint)?,
        })
    }

    fn is_of(&self, endpoint: &Endpoint) -> bool {
        self.url_text == endpoint.url
            && self.keys == endpoint.keys
            && self.given == endpoint.headers
    }

    /// All headers of an attempt but those that HTTP needs.
    pub(super) fn headers(&self, delivery: &str, at: Timestamp, body: &[u8]) -> HeaderMap {
        let live = self.signers.iter().filter(|(key, _)| key.signs_at(at));
        let signers = live.map(|(_, signer)| signer);
        let mut headers = self.headers.clone();
        // Last, so that nothing given can stand in their place.
        sign::sign(&mut headers, signers, delivery, at.as_seconds(), body);
        headers
    }
}

/// The `secret` among the credentials of an API inbox, beside the others or within `channel`. It
/// may have none, and is then sent what nobody signed, as in Chatwoot.
fn api_secret(credentials: &[u8]) -> Option<Vec<u8>> {
    let credentials: serde_json::Value = serde_json::from_slice(credentials).ok()?;
    let places = [credentials.get("secret"), credentials.pointer("/channel/secret")];
    let secret = places.into_iter().flatten().find_map(serde_json::Value::as_str)?;
    (!secret.is_empty()).then(|| secret.as_bytes().to_vec())
}

fn headers(vault: &Vault, endpoint: &Endpoint) -> Result<HeaderMap, Failure> {
    let ours = |problem: String| Failure::ours(format!("cannot make the headers: {problem}"));
    let room = endpoint.headers.len() + client::HEADERS + sign::HEADERS;
    let mut headers = HeaderMap::with_capacity(room);
    for Header { name, value } in &endpoint.headers {
        let (value, secret) = match value {
            GivenValue::Plain(text) => (HeaderValue::from_str(text), false),
            GivenValue::Sealed(sealed) => {
                let opened = vault.unseal(&header_context(endpoint.id, name), sealed);
                (HeaderValue::from_bytes(&opened.map_err(|error| ours(error.to_string()))?), true)
            }
        };
        let mut value = value.map_err(|error| ours(error.to_string()))?;
        // Not to be kept in the tables of HTTP/2, nor shown to anybody.
        value.set_sensitive(secret);
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| ours(e.to_string()))?;
        headers.append(name, value);
    }
    for (name, value) in client::headers() {
        headers.entry(name).or_insert(value);
    }
    Ok(headers)
}

/// The headers of an attempt as they are shown to people: secret ones without their value.
///
/// # Errors
/// In words, when the keys stay shut.
pub fn shown_headers(
    vault: &Vault,
    endpoint: &Endpoint,
    delivery: DeliveryId,
    at: Timestamp,
    body: &[u8],
) -> Result<Vec<(String, String)>, String> {
    let ready = Ready::of(vault, endpoint, at).map_err(|failure| failure.detail)?;
    let headers = ready.headers(&delivery.to_string(), at, body);
    let shown = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = match value.is_sensitive() {
            true => "[redacted]".into(),
            false => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        (name.to_string(), value)
    };
    Ok(headers.iter().map(shown).collect())
}

/// The endpoints that are ready.
#[derive(Default)]
pub(super) struct Kept(DashMap<EndpointId, Arc<Ready>>);

impl Kept {
    /// The endpoint as its settings are now. Settings that changed replace what was made of those
    /// before.
    pub(super) fn get(
        &self,
        vault: &Vault,
        endpoint: &Endpoint,
        at: Timestamp,
    ) -> Result<Arc<Ready>, Failure> {
        let known = self.0.get(&endpoint.id).map(|ready| Arc::clone(&ready));
        if let Some(ready) = known.filter(|ready| ready.is_of(endpoint)) {
            return Ok(ready);
        }
        // First: an endpoint that cannot be made ready is not to live on in its former state.
        self.0.remove(&endpoint.id);
        let ready = Arc::new(Ready::of(vault, endpoint, at)?);
        if self.0.len() >= KEPT_MAX {
            let other = self.0.iter().next().map(|other| *other.key());
            other.and_then(|other| self.0.remove(&other));
        }
        self.0.insert(endpoint.id, Arc::clone(&ready));
        Ok(ready)
    }
}

#[cfg(test)]
mod tests;
