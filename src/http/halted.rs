//! Streams that cannot go on, or that the views could not read fully: whose they are, and that
//! nothing is told of them.

use axum::extract::{MatchedPath, RawPathParams, Request};
use axum::http::Method;
use events::store::Slice;
use events::{
    AccountId, Category, DeliveryId, EndpointId, HookId, InboxId, Metadata, Revision, RuleId,
    StreamName, Subject, WebhookId, untold_from,
};

use super::path::number;
use super::problem::Problem;
use crate::app::App;

/// What to do about any of them.
pub(super) const NEXT_ACTION: &str = "`relink verify` tells which record is bad: put a good copy \
    of the log in its place, or run the newer Relink that wrote it, and start again; until then \
    nothing of this is decided or sent";

/// The streams that a reading request is about, when it is about one subject.
pub(super) struct About(Vec<StreamName>);

impl About {
    /// What the path says; nothing where it is about many, or about to change something: then an
    /// actor is asked, which knows.
    pub(super) fn of(request: &Request, params: &RawPathParams) -> Self {
        let matched = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let last = params.iter().last().filter(|_| reads);
        let streams = last.map(|(name, text)| streams(matched, name, text));
        Self(streams.unwrap_or_default())
    }

    /// Refuses where one of them is of the account and cannot be told. To be asked behind the
    /// views: whatever they show by then, they have said what they could not read.
    pub(super) async fn refuse(&self, app: &App, account: AccountId) -> Result<(), Problem> {
        refuse(app, account, &self.0).await
    }
}

/// Refuses where one of these streams is of the account and cannot be told.
pub(super) async fn refuse(
    app: &App,
    account: AccountId,
    streams: &[StreamName],
) -> Result<(), Problem> {
    if app.halted.is_empty() && app.quarantine.is_empty() {
        return Ok(());
    }
    for stream in streams {
        let halted = app.halted.get(stream).map(|halt| halt.reason);
        let left_out = || {
            let of = app.quarantine.get(stream)?;
            Some(untold_from(of.position, &of.reason))
        };
        if let Some(reason) = halted.or_else(left_out)
            && owner(app, stream).await == Some(account)
        {
            return Err(Problem::Halted { stream: stream.to_string(), reason });
        }
    }
    Ok(())
}

/// The streams behind the last parameter of a path.
fn streams(matched: &str, name: &str, text: &str) -> Vec<StreamName> {
    let ledger = |endpoint: EndpointId| StreamName::new(Category::Ledger, endpoint);
    if name == "delivery" {
        return text.parse().map(|id: DeliveryId| ledger(id.endpoint())).into_iter().collect();
    }
    let Some(number) = number(text) else { return vec![] };
    match name {
        "inbox" => {
            let mut streams = vec![Subject::Inbox(InboxId(number)).stream()];
            if matched.ends_with("/deliveries") || matched.contains("/webhook/") {
                streams.push(ledger(EndpointId::Inbox(InboxId(number))));
            }
            streams
        }
        "webhook" => {
            let webhook = WebhookId(number);
            vec![Subject::Webhook(webhook).stream(), ledger(webhook.into())]
        }
        "hook" => vec![Subject::Hook(HookId(number)).stream()],
        "rule" => vec![Subject::Rule(RuleId(number)).stream()],
        "account" if matched.contains("/mail/") => {
            vec![ledger(EndpointId::Mail(AccountId(number)))]
        }
        _ => vec![],
    }
}

/// Whose stream it is; none when it is nobody's, or cannot be told.
pub(super) async fn owner(app: &App, stream: &StreamName) -> Option<AccountId> {
    let views = &app.views;
    let inbox = |id| views.inbox_health.read(|view| view.inbox(id).map(|inbox| inbox.account));
    let webhook = |id| views.webhook_health.read(|view| view.webhook(id).map(|it| it.account));
    let known = match (stream.category(), stream.endpoint(), stream.number()) {
        ("account" | "platform", _, Some(number)) => Some(AccountId(number)),
        ("inbox", _, Some(number)) => inbox(InboxId(number)),
        ("webhook", _, Some(number)) => webhook(WebhookId(number)),
        ("hook", _, Some(number)) => {
            views.hook_health.read(|view| view.hook(HookId(number)).map(|it| it.account))
        }
        ("rule", _, Some(number)) => {
            views.rule_health.read(|view| view.rule(RuleId(number)).map(|it| it.account))
        }
        ("ledger", Some(EndpointId::Webhook(id)), _) => webhook(id),
        ("ledger", Some(EndpointId::Inbox(id)), _) => inbox(id),
        ("ledger", Some(EndpointId::Mail(account)), _) => Some(account),
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

#[cfg(test)]
mod tests;
