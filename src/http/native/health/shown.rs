//! What of an account cannot go on, as JSON.

use events::AccountId;
use serde_json::{Value, json};

use crate::app::App;

/// The streams of this account that cannot go on, or that no view shows fully.
pub(super) fn halted(app: &App, account: AccountId) -> Vec<Value> {
    let ours = |stream: &events::StreamName| {
        let Some(number) = stream.number() else { return false };
        match stream.category() {
            "account" | "platform" => number == account.0,
            "inbox" => app.views.inbox_health.read(|view| {
                view.inbox(events::InboxId(number)).is_some_and(|it| it.account == account)
            }),
            "webhook" | "ledger" => app.views.webhook_health.read(|view| {
                view.webhook(events::WebhookId(number)).is_some_and(|it| it.account == account)
            }),
            _ => false,
        }
    };
    let halted = app.halted.list().into_iter().filter(|(stream, _)| ours(stream)).map(
        |(stream, halt)| {
            json!({ "stream": stream.as_str(), "reason": halt.reason, "since": halt.since })
        },
    );
    let left_out = app.quarantine.list().into_iter().filter(|it| ours(&it.stream)).map(|it| {
        let (stream, reason) = (it.stream.as_str(), it.reason);
        json!({ "stream": stream, "reason": reason, "since": null, "position": it.position })
    });
    halted.chain(left_out).collect()
}
