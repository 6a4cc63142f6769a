//! What administrators are told by mail, as facts: words and links are put to them when it is sent.

use events::Event;
use events::inbox::Event as InboxEvent;
use events::reauthorization::{Cause, Event as Authorization};
use serde_json::{Value, json};

use super::history::Change;
use super::subscriptions::Tenant;
use crate::inbox::Profile;

/// Somebody must act.
pub const DISCONNECTED: &str = "inbox_disconnected";

/// Nobody must any more.
pub const RECONNECTED: &str = "inbox_reconnected";

/// The mail about a transition; none where there was none, or where nobody wants to hear of the
/// incident that it belongs to. The event's name comes first.
pub(super) fn of_change(
    change: &Change,
    recorded: &Event,
    profile: &Profile,
    tenant: &Tenant,
) -> Option<(&'static str, String)> {
    let was = change.before.inbox.reauthorization();
    let is = change.after.inbox.reauthorization();
    let name = match (was.required, is.required) {
        (false, true) => DISCONNECTED,
        (true, false) => RECONNECTED,
        (true, true) | (false, false) => return None,
    };
    // What led to it is what was known while it was required.
    let known = if is.required { &change.after } else { &change.before };
    if known.inbox.reauthorization().is_muted() {
        return None;
    }
    let since = known.required_since.unwrap_or(change.at);
    let body = json!({
        "to": tenant.administrator_emails,
        "locale": tenant.locale,
        "account": { "id": profile.account, "name": tenant.name },
        "inbox": { "id": change.id, "name": profile.name, "channel_type": profile.channel_type },
        "reason": is.required.then(|| reason(change, recorded)),
        "since": since.to_millis(),
        "until": (!is.required).then(|| change.at.to_millis()),
        "evidence_count": known.inbox.reauthorization().error_count,
        "event": name,
    });
    Some((name, body.to_string()))
}

/// Who says why, in whose words. A prompt without words has none, whatever failed before it.
fn reason(change: &Change, recorded: &Event) -> Value {
    match recorded {
        Event::Inbox(InboxEvent::Reauthorization(Authorization::ReauthorizationRequired(it))) => {
            match &it.cause {
                Cause::Prompted { reason } => json!({ "cause": "prompted", "message": reason }),
                Cause::Threshold { .. } | Cause::AtOnce { .. } => last_error(change),
            }
        }
        Event::Inbox(_)
        | Event::Account(_)
        | Event::Webhook(_)
        | Event::Delivery(_)
        | Event::Platform(_)
        | Event::Installation(_)
        | Event::Fanout(_)
        | Event::Request(_)
        | Event::Hook(_)
        | Event::Rule(_) => Value::Null,
    }
}

fn last_error(change: &Change) -> Value {
    let error = change.after.last_error.as_ref();
    json!({
        "cause": "errors",
        "class": error.map(|error| error.class.as_str()),
        "provider": error.and_then(|error| error.provider.as_deref()),
        "code": error.and_then(|error| error.code.as_deref()),
        "message": error.and_then(|error| error.message.as_deref()),
    })
}
