//! What of an account cannot go on, as JSON.

use events::store::Slice;
use events::{AccountId, HookId, InboxId, Metadata, Revision, RuleId, StreamName, WebhookId};
use serde_json::{Value, json};

use crate::app::App;

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

/// Whose stream it is; none when it is nobody's, or cannot be told.
async fn owner(app: &App, stream: &StreamName) -> Option<AccountId> {
    let number = stream.number()?;
    let known = match stream.category() {
        "account" | "platform" => Some(AccountId(number)),
        "inbox" => {
            let inbox = InboxId(number);
            app.views.inbox_health.read(|view| view.inbox(inbox).map(|inbox| inbox.account))
        }
        "webhook" | "ledger" => {
            let webhook = WebhookId(number);
            app.views.webhook_health.read(|view| view.webhook(webhook).map(|it| it.account))
        }
        "hook" => app.views.hook_health.read(|view| view.hook(HookId(number)).map(|it| it.account)),
        "rule" => app.views.rule_health.read(|view| view.rule(RuleId(number)).map(|it| it.account)),
        _ => return None,
    };
    match known {
        Some(account) => Some(account),
        // The record that the views could not read may be the one that says whose it is.
        None => first_account(app, stream).await,
    }
}

/// The account that the metadata of a stream's first record names.
async fn first_account(app: &App, stream: &StreamName) -> Option<AccountId> {
    let first = app.store.read_stream(stream, Slice::From(Revision::FIRST), 1).await.ok()?.pop()?;
    serde_json::from_slice::<Metadata>(&first.metadata).ok()?.account
}

/// Whether administrators are written to, and why not.
pub(super) fn mail(app: &App) -> Value {
    let detail = "no mail is sent: neither RELINK_SMTP_URL nor SMTP_ADDRESS is set";
    json!({ "configured": app.mail, "detail": (!app.mail).then_some(detail) })
}
