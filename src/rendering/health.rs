//! The health of one inbox and of one webhook as JSON, the same over HTTP and in `relink at`.

use projections::inbox_health::Inbox;
use projections::webhook_health::Webhook;
use serde_json::{Value, json};
use url::Url;

/// An inbox's health.
pub fn inbox(inbox: &Inbox<'_>) -> Value {
    json!({
        "id": inbox.id,
        "name": inbox.name,
        "state": inbox.state.as_str(),
        "since": inbox.since,
        "channel_type": inbox.channel_type,
        "cause": inbox.cause,
        "last_success_at": inbox.last_success_at,
        "last_error_at": inbox.last_error_at,
        "last_error_class": inbox.last_error_class.map(|class| class.as_str()),
        "authorization_error_count": inbox.authorization_error_count,
        "threshold": inbox.threshold,
        "reauthorization_required": inbox.reauthorization_required,
        "next_action": inbox.next_action,
    })
}

/// A webhook's health; of its url only scheme and host.
pub fn webhook(webhook: &Webhook) -> Value {
    let failure = webhook.last_failure;
    json!({
        "id": webhook.id,
        "name": webhook.name,
        "url": origin(&webhook.url),
        "state": webhook.status.as_str(),
        "status": webhook.status.as_str(),
        "since": webhook.since,
        "cause": webhook.cause.map(|class| class.as_str()),
        "pending": webhook.counts.pending,
        "delivered": webhook.counts.delivered,
        "abandoned": webhook.counts.abandoned,
        "held": webhook.counts.held,
        "last_delivered_at": webhook.last_delivered_at,
        "last_failure_at": failure.map(|failure| failure.at),
        "last_failure_class": failure.map(|failure| failure.class.as_str()),
    })
}

/// The url without its path, which agents need not see: it may be a secret by itself.
fn origin(url: &str) -> String {
    Url::parse(url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}
