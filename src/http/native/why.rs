//! Why an inbox, a hook or a rule is as it is: what decided it, by which policy, and what to do.

mod decided;

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Json, Router};
use events::{HookId, InboxId, RuleId};
use projections::subject_health::{Health, HealthState};
use serde_json::{Value, json};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::damages::Damages;
use crate::http::fresh::Fresh;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::subject::{Reauthorizable, Seen};
use crate::http::under;
use crate::rendering::incidents;

use decided::Decided;

/// The routes; for agents too.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(under!("/inboxes/{inbox}/why"), get(show::<InboxId>))
        .route(under!("/integrations/hooks/{hook}/why"), get(show::<HookId>))
        .route(under!("/automation_rules/{rule}/why"), get(show::<RuleId>))
}

async fn show<I: Reauthorizable>(
    State(app): State<Arc<App>>,
    Extension(damages): Extension<Damages>,
    caller: Caller,
    PathId(id): PathId<I>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    let subject = id.subject();
    let Seen { mut shown, health, .. } =
        id.seen(&app, caller.account).ok_or(Problem::NoResource)?;
    let decided = Decided::read(&*app.store, subject, health.state);
    let decided = damages.named(&app, &caller, &[subject.stream()], decided).await?;
    shown["explanation"] = json!(explained(in_words(&health), &decided));
    shown["policy"] = json!(decided.policy.map(|version| version.to_string()));
    shown["decided_at"] = json!(decided.transition);
    shown["evidence"] = json!(decided.evidence);
    let view = app.views.incidents.reading();
    let now = app.clock.now();
    shown["incident"] = json!(view.open_of(subject).map(|one| incidents::incident(one, now)));
    let apps = view.of_installation();
    let apps = apps.filter(|one| one.ended.is_none() && one.affected.contains(&subject));
    let apps = apps.filter_map(|one| incidents::app(one, &view, Some(caller.account), now));
    shown["installation"] = json!(apps.collect::<Vec<_>>());
    Ok(Json(shown))
}

/// The state in a sentence without its evidence.
fn in_words(health: &Health) -> String {
    let since = health.since;
    let state = match health.state {
        HealthState::Healthy => format!("the last that was heard is good news, since {since}"),
        HealthState::Unknown => format!("nothing was heard of it since it is there, {since}"),
        HealthState::Degraded => format!("calls fail since {since}, and not often enough to act"),
        HealthState::ActionNeeded => format!("reauthorization is required since {since}"),
        HealthState::Blocked => format!("reauthorizing will not help; it is blocked since {since}"),
        HealthState::Expiring => format!("its credential ends soon; told at {since}"),
    };
    match &health.cause {
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
