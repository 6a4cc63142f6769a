//! What administrators are told by mail, as facts: words and links are put to them when it is sent.

use events::Event;
use events::reauthorization::{Cause, Event as Authorization};
use serde_json::{Value, json};

use super::followed::{About, Followed};
use super::history::{Change, Known};
use super::subscriptions::Tenant;

/// The mail about a transition, or about a credential that ends soon; none where there was neither,
/// or where nobody wants to hear of the incident that it belongs to. The event's name comes first.
pub(super) fn of_change<S: Followed>(
    change: &Change<S>,
    recorded: &Event,
    about: &About,
    tenant: &Tenant,
) -> Option<(&'static str, String)> {
    let names = &about.names;
    let (name, expires_at) = match (change.before.is_required(), change.after.is_required()) {
        (false, true) => (names.broken, None),
        (true, false) => (names.mended, None),
        (true, true) | (false, false) => {
            let Some(Authorization::Expiring(it)) = recorded.reauthorization() else { return None };
            (names.expiring, Some(it.expires_at))
        }
    };
    // What led to it is what was known while it was required.
    let known = if change.after.is_required() { &change.after } else { &change.before };
    // That a credential ends is no part of an incident.
    if known.is_muted() && expires_at.is_none() {
        return None;
    }
    let mut body = json!({
        "to": tenant.administrator_emails,
        "locale": tenant.locale,
        "account": { "id": about.account, "name": tenant.name },
        about.key: about.facts,
        "reason": (name == names.broken).then(|| reason(change, recorded)),
        "since": known.required_since.unwrap_or(change.at).to_millis(),
        "until": (name == names.mended).then(|| change.at.to_millis()),
        "evidence_count": known.error_count(),
        "event": name,
    });
    if let Some(end) = expires_at {
        body["expires_at"] = json!(end.to_millis());
    }
    Some((name, body.to_string()))
}

/// Who says why, in whose words. A prompt without words has none, whatever failed before it.
fn reason<S: Followed>(change: &Change<S>, recorded: &Event) -> Value {
    let Some(Authorization::ReauthorizationRequired(it)) = recorded.reauthorization() else {
        return Value::Null;
    };
    match &it.cause {
        Cause::Prompted { reason } => json!({ "cause": "prompted", "message": reason }),
        Cause::Threshold { .. } | Cause::AtOnce { .. } => last_error(&change.after),
    }
}

fn last_error<S>(known: &Known<S>) -> Value {
    let error = known.last_error.as_ref();
    json!({
        "cause": "errors",
        "class": error.map(|error| error.class.as_str()),
        "provider": error.and_then(|error| error.provider.as_deref()),
        "code": error.and_then(|error| error.code.as_deref()),
        "message": error.and_then(|error| error.message.as_deref()),
    })
}
