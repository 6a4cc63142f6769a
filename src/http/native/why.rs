//! Why an inbox is as it is: what decided it, by which policy, and what to do.

mod decided;

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use events::{InboxId, Subject};
use projections::inbox_health::{HealthState, Inbox};
use serde_json::{Value, json};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::fresh::Fresh;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::under;
use crate::rendering::{health, incidents};

use decided::Decided;

/// The route; for agents too.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new().route(under!("/inboxes/{inbox}/why"), get(show))
}

async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<InboxId>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    let subject = Subject::Inbox(id);
    let (mut shown, state, in_words) = {
        let view = app.views.inbox_health.reading();
        let inbox = view.inbox(id).filter(|it| it.account == caller.account && !it.removed);
        let inbox = inbox.ok_or(Problem::NoResource)?;
        (health::inbox(&inbox), inbox.state, in_words(&inbox))
    };
    let decided = Decided::read(&*app.store, subject, state).await?;
    shown["explanation"] = json!(explained(in_words, &decided));
    shown["policy"] = json!(decided.policy.map(|version| version.to_string()));
    shown["decided_at"] = json!(decided.transition);
    shown["evidence"] = json!(decided.evidence);
    let view = app.views.incidents.reading();
    let now = app.clock.now();
    shown["incident"] = json!(view.open_of(subject).map(|one| incidents::incident(one, now)));
    let apps = view.of_installation();
    let apps = apps.filter(|one| one.healed.is_none() && one.affected.contains(&subject));
    let apps = apps.filter_map(|one| incidents::app(one, &view, Some(caller.account), now));
    shown["installation"] = json!(apps.collect::<Vec<_>>());
    Ok(Json(shown))
}

/// The state in a sentence without its evidence.
fn in_words(inbox: &Inbox<'_>) -> String {
    let since = inbox.since;
    let state = match inbox.state {
        HealthState::Healthy => format!("the last that was heard is good news, since {since}"),
        HealthState::Unknown => format!("nothing was heard of it since it was registered, {since}"),
        HealthState::Degraded => format!("calls fail since {since}, and not often enough to act"),
        HealthState::ActionNeeded => format!("reauthorization is required since {since}"),
        HealthState::Blocked => format!("reauthorizing will not help; it is blocked since {since}"),
        HealthState::Expiring => format!("its credential ends soon; told at {since}"),
    };
    match &inbox.cause {
        Some(cause) => format!("{state}: {cause}"),
        None => state,
    }
}

fn explained(state: String, decided: &Decided) -> String {
    match (decided.evidence.len(), decided.policy) {
        (0, _) => state,
        (1, Some(policy)) => format!("{state}; one report decided it, by policy {policy}"),
        (count, Some(policy)) => format!("{state}; {count} reports decided it, by policy {policy}"),
        (1, None) => format!("{state}; one report says so"),
        (count, None) => format!("{state}; {count} reports say so"),
    }
}

#[cfg(test)]
mod tests;
