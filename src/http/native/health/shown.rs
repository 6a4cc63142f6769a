//! What of an account cannot go on, and who is owed deliveries beside its webhooks, as JSON.

use events::{AccountId, EndpointId};
use projections::inbox_health::InboxHealth;
use projections::webhook_health::WebhookHealth;
use serde_json::{Value, json};

use crate::app::App;
use crate::damage::Damage;
use crate::http::halted::{NEXT_ACTION, owner};
use crate::mail::NO_MAIL;
use crate::past::Past;
use crate::rendering::health;

/// The streams of this account that cannot go on, or that no view shows fully.
pub(super) async fn halted(app: &App, account: AccountId) -> Vec<Value> {
    let mut shown = vec![];
    for (stream, halt) in app.halted.list() {
        if owner(app, &stream).await == Some(account) {
            shown.push(json!({
                "stream": stream.as_str(),
                "reason": halt.reason,
                "since": halt.since,
                "next_action": NEXT_ACTION,
            }));
        }
    }
    for left_out in app.quarantine.list() {
        if owner(app, &left_out.stream).await == Some(account) {
            shown.push(json!({
                "stream": left_out.stream.as_str(),
                "reason": left_out.reason,
                "since": null,
                "position": left_out.position,
                "next_action": NEXT_ACTION,
            }));
        }
    }
    shown
}

/// Adds what was found by reading the past of this account.
pub(super) fn add(halted: &mut Vec<Value>, found: &[Damage]) {
    for Damage { stream, position, reason } in found {
        let stream = stream.as_str();
        if !halted.iter().any(|it| it["stream"] == stream) {
            halted.push(json!({
                "stream": stream,
                "reason": reason,
                "since": null,
                "position": position,
                "next_action": NEXT_ACTION,
            }));
        }
    }
}

/// Marks the rows of one kind whose streams cannot be told: what they show may be untrue.
pub(super) fn mark(rows: &mut [Value], kind: &str, halted: &[String]) {
    for row in rows {
        let own = format!("{kind}-{}", row["id"]);
        let ledger = (kind == "webhook").then(|| format!("ledger-{}", row["id"]));
        if halted.iter().any(|stream| *stream == own || Some(stream) == ledger.as_ref()) {
            mark_row(row);
        }
    }
}

/// What was to be done before says nothing any more: its mend would be recorded in that stream.
fn mark_row(row: &mut Value) {
    row["halted"] = true.into();
    row["next_action"] = NEXT_ACTION.into();
}

/// The same for endpoints that are no webhooks, which have a ledger alone.
pub(super) fn mark_endpoints(rows: &mut [Value], halted: &[String]) {
    for row in rows {
        let kind = row["kind"].as_str().unwrap_or_default();
        let ledger = format!("ledger-{kind}.{}", row["id"]);
        if halted.contains(&ledger) {
            mark_row(row);
        }
    }
}

/// The account's endpoints that are no webhooks, as far as they were ever owed anything: those of
/// its API inboxes, and the mail to its administrators.
pub(super) fn endpoints(
    account: AccountId,
    inboxes: &InboxHealth,
    deliveries: &WebhookHealth,
) -> Vec<Value> {
    let inboxes = inboxes.of_account(account).filter_map(|inbox| {
        let tally = deliveries.other(EndpointId::Inbox(inbox.id))?;
        Some(health::inbox_endpoint(inbox.id, inbox.name, tally))
    });
    let mail = deliveries.other(EndpointId::Mail(account));
    inboxes.chain(mail.map(|tally| health::mail_endpoint(account, tally))).collect()
}

/// The same at a moment of the past: an inbox was called then what it was called then.
pub(super) fn endpoints_then(account: AccountId, past: &Past) -> Vec<Value> {
    let inbox = |id| past.inboxes.iter().find(|(known, _)| *known == id);
    let shown = past.endpoints.iter().filter_map(|(endpoint, known)| {
        let tally = known.view.other(*endpoint)?;
        let shown = match endpoint {
            EndpointId::Inbox(id) => {
                let (_, known) = inbox(*id)?;
                let inbox = known.view.of_account(account).next()?;
                health::inbox_endpoint(*id, inbox.name, tally)
            }
            EndpointId::Mail(account) => health::mail_endpoint(*account, tally),
            EndpointId::Webhook(_) => return None,
        };
        Some(health::as_kept(shown, known.kept_from))
    });
    shown.collect()
}

/// Whether administrators are written to, and why not.
pub(super) fn mail(app: &App) -> Value {
    json!({ "configured": app.mail, "detail": (!app.mail).then_some(NO_MAIL) })
}
