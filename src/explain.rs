//! Why a delivery was made and how it went: everything the log knows of it, on one page.

mod hint;
mod ledger;
mod settings;
mod source;

use events::webhook::subscribes;
use events::{Category, DeliveryId, EndpointId, EventStore, Revision, StreamName, Timestamp};
use serde_json::{Map, Value, json};
use url::Url;

use crate::damage::{self, Untold};
use crate::outbound;
use crate::vault::Vault;

pub use hint::{hint, next_action};

use ledger::{Told, Tried};
use settings::History;

/// Everything that is known of a delivery; none when its ledger does not know it. Reading begins
/// where `from` says it was queued. Without a vault no signature is computed.
///
/// # Errors
/// When the log cannot be read, or is damaged where it tells of the delivery.
pub async fn delivery(
    store: &dyn EventStore,
    vault: Option<&Vault>,
    id: DeliveryId,
    from: Option<Revision>,
    now: Timestamp,
) -> Result<Option<Value>, Untold> {
    let ledger = [StreamName::new(Category::Ledger, id.endpoint())];
    let told = damage::named(store, &ledger, Told::read(store, id, from).await).await?;
    let Told { queued, attempts, history } = told;
    let Some((record, queued)) = queued else { return Ok(None) };
    let settings = History::read(store, id.endpoint()).await;
    let settings = damage::named(store, &History::streams(id.endpoint()), settings).await?;
    let source = source::find(store, &queued, record.position).await;
    let source = damage::named(store, &source::streams(&queued), source).await?;
    // What was subscribed is asked as of the event, as the fan-out asked it.
    let as_of = source.as_ref().map_or(record.position.0, |source| source.position);
    let subscription = settings.at(|setting| setting.position.0 <= as_of);
    let page = Page { vault, id, body: queued.body.as_bytes(), settings: &settings };
    let attempts: Vec<Value> = attempts.iter().map(|attempt| page.attempt(attempt)).collect();
    let removed = source.is_none() && source::is_removed(store, &queued).await?;
    let (curl, curl_problem) =
        page.curl(now).map_or_else(|why| (None, Some(why)), |it| (Some(it), None));
    let mut explained = json!({
        "id": id,
        "endpoint": id.endpoint().to_string(),
        "webhook_id": id.endpoint().webhook(),
        "event": queued.event,
        "queued_at": record.at,
        "source": queued.source,
        "cause": source,
        "subscription": subscription.map(|subscription| json!({
            "as_of": as_of,
            "name": subscription.name,
            "url": subscription.endpoint.url,
            "subscriptions": subscription.subscriptions,
            "matched": matched(&subscription.subscriptions, &queued.event),
            "inbox_ids": subscription.inboxes,
        })),
        "body": queued.body,
        "attempts": attempts,
        "history": history,
        "curl": curl,
        "curl_problem": curl_problem,
    });
    if removed {
        explained["cause_removed"] = "retention has removed what was recorded then".into();
    }
    Ok(Some(explained))
}

/// Which of the subscriptions asked for the event; none when nobody asked, as for a test.
fn matched<'a>(subscriptions: &'a [String], event: &str) -> Option<&'a String> {
    subscriptions.iter().find(|one| subscribes(std::slice::from_ref(*one), event))
}

/// What requests are made of.
struct Page<'a> {
    vault: Option<&'a Vault>,
    id: DeliveryId,
    body: &'a [u8],
    settings: &'a History,
}

/// A request as it can be shown.
struct Shown {
    url: String,
    headers: Result<Vec<(String, String)>, String>,
}

impl Page<'_> {
    fn attempt(&self, attempt: &Tried) -> Value {
        let request = self.request(attempt.at);
        json!({
            "number": attempt.number,
            "time": attempt.at,
            "duration_ms": attempt.duration_us / 1_000,
            "class": attempt.class.as_str(),
            "status": attempt.response.as_ref().map(|response| response.status),
            "detail": attempt.detail,
            "hint": hint(self.id.endpoint(), attempt.class),
            "response": attempt.response,
            "address": attempt.address.clone()
                .or_else(|| request.as_ref().and_then(|request| literal(&request.url))),
            "request": request.map(|Shown { url, headers }| match headers {
                Ok(headers) => json!({
                    "method": "POST",
                    "url": url,
                    "headers": headers.into_iter().map(|(name, value)| (name, value.into()))
                        .collect::<Map<String, Value>>(),
                }),
                Err(problem) => json!({ "method": "POST", "url": url, "problem": problem }),
            }),
        })
    }

    /// The request of an attempt at this moment, under the settings of then, signed again: the
    /// moment is what was signed, so the signatures are those that were sent.
    fn request(&self, at: Timestamp) -> Option<Shown> {
        let endpoint = self.settings.at(|setting| setting.at <= at)?.endpoint;
        let headers = match self.vault {
            Some(vault) => outbound::shown_headers(vault, &endpoint, self.id, at, self.body),
            None => Err("the sealing key is not at hand, so nothing can be signed".to_owned()),
        };
        Some(Shown { url: endpoint.url, headers })
    }

    /// A line for a shell that sends it again, signed at this moment: receivers refuse old ones; or
    /// why there is none.
    fn curl(&self, now: Timestamp) -> Result<String, String> {
        let Shown { url, headers } = self.request(now).ok_or_else(|| match self.id.endpoint() {
            EndpointId::Webhook(_) | EndpointId::Inbox(_) => "there is no such endpoint any more",
            EndpointId::Mail(_) => "mail is not sent over HTTP",
        })?;
        let mut line = format!("curl -sS -i -X POST {}", quoted(&url));
        for (name, value) in headers? {
            line += &format!(" -H {}", quoted(&format!("{name}: {value}")));
        }
        let body = String::from_utf8_lossy(self.body);
        Ok(line + &format!(" --data-raw {}", quoted(&body)))
    }
}

/// The address of a url that names one: what was dialled when there was no connection.
fn literal(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let port = url.port_or_known_default()?;
    match url.host()? {
        url::Host::Domain(_) => None,
        host @ (url::Host::Ipv4(_) | url::Host::Ipv6(_)) => Some(format!("{host}:{port}")),
    }
}

/// One word for a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
