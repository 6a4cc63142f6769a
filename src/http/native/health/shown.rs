//! What of an account cannot go on, as JSON.

use events::AccountId;
use serde_json::{Value, json};

use crate::app::App;
use crate::damage::Damage;
use crate::http::halted::owner;

/// The streams of this account that cannot go on, or that no view shows fully.
pub(super) async fn halted(app: &App, account: AccountId) -> Vec<Value> {
    let mut shown = vec![];
    for (stream, halt) in app.halted.list() {
        if owner(app, &stream).await == Some(account) {
            let stream = stream.as_str();
            shown.push(json!({ "stream": stream, "reason": halt.reason, "since": halt.since }));
        }
    }
    for left_out in app.quarantine.list() {
        if owner(app, &left_out.stream).await == Some(account) {
            shown.push(json!({
                "stream": left_out.stream.as_str(),
                "reason": left_out.reason,
                "since": null,
                "position": left_out.position,
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
            let (since, position) = (Value::Null, *position);
            halted.push(
                json!({ "stream": stream, "reason": reason, "since": since, "position": position }),
            );
        }
    }
}

/// Marks the rows of one kind whose streams cannot be told: what they show may be untrue.
pub(super) fn mark(rows: &mut [Value], kind: &str, halted: &[String]) {
    for row in rows {
        let own = format!("{kind}-{}", row["id"]);
        let ledger = (kind == "webhook").then(|| format!("ledger-{}", row["id"]));
        if halted.iter().any(|stream| *stream == own || Some(stream) == ledger.as_ref()) {
            row["halted"] = true.into();
        }
    }
}

/// Whether administrators are written to, and why not.
pub(super) fn mail(app: &App) -> Value {
    let detail = "no mail is sent: neither RELINK_SMTP_URL nor SMTP_ADDRESS is set";
    json!({ "configured": app.mail, "detail": (!app.mail).then_some(detail) })
}
