//! What has ended is owed again: planned first, then started, paused, cancelled.

use std::sync::Arc;
use std::time::Duration;

use actors::Context;
use actors::delivery::{Ask, Command, Found, Recovery, matching};
use actors::webhook::Settings;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use events::delivery::{RecoveryFilter, RecoveryId, RecoveryPlanned};
use events::{Category, Revision, StreamName, Timestamp, WebhookId};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::endpoints::settings;
use crate::app::App;
use crate::config::duration;
use crate::http::auth::Caller;
use crate::http::body::{self, Json as Body};
use crate::http::context::Cause;
use crate::http::damages::Damages;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::under;

/// What an attempt is taken to last where none was made yet.
const ATTEMPT_TAKES: Duration = Duration::from_millis(50);

/// The routes; for administrators.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(under!("/webhooks/{webhook}/recover"), post(recover))
        .route(under!("/recoveries/{recovery}"), get(show))
        .route(under!("/recoveries/{recovery}/start"), post(start))
        .route(under!("/recoveries/{recovery}/pause"), post(pause))
        .route(under!("/recoveries/{recovery}/cancel"), post(cancel))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    since: Option<String>,
    until: Option<String>,
    event: Option<String>,
    key: Option<String>,
    /// `abandoned`, which is what it is without, and `delivered`.
    status: Option<Vec<String>>,
    #[serde(default)]
    dry_run: bool,
}

async fn recover(
    State(app): State<Arc<App>>,
    Extension(damages): Extension<Damages>,
    caller: Caller,
    Cause(context): Cause,
    PathId(webhook): PathId<WebhookId>,
    Body(asked): Body<Asked>,
) -> Result<Json<Value>, Problem> {
    let dry_run = asked.dry_run;
    let filter = filter(asked)?;
    let settings = settings(&app, &caller, &context, webhook).await?;
    check_kept(&app, webhook, &filter)?;
    let found = matching(&*app.store, webhook.into(), &filter, None);
    let ledger = [StreamName::new(Category::Ledger, webhook)];
    let found = damages.named(&app, &caller, &ledger, found).await?;
    let recovery = RecoveryId::of(context.id, webhook);
    let plan = RecoveryPlanned {
        recovery,
        filter,
        head: found.head.unwrap_or(Revision::FIRST),
        count: found.deliveries.len() as u64,
        bytes: found.bytes,
    };
    let mut shown = plan_shown(&plan, lasts(&app, &settings, &found));
    if dry_run {
        shown["id"] = Value::Null;
        return Ok(Json(json!({ "plan": shown, "dry_run": true })));
    }
    let command = Command::Plan(Box::new(plan));
    let done = app.actors.ledgers.ask(webhook.into(), context, command).await?;
    if done.event.is_some() {
        app.acknowledge(done.position);
    }
    Ok(Json(json!({ "plan": shown, "dry_run": false, "position": done.position })))
}

/// What is asked for must still be there: a recovery of a part would look like one of all.
fn check_kept(app: &App, webhook: WebhookId, filter: &RecoveryFilter) -> Result<(), Problem> {
    let trimmed = app.views.delivery_log.read(|view| view.trimmed(webhook.into()));
    match trimmed.filter(|trim| filter.since < trim.summed_at) {
        Some(trim) => Err(Problem::Removed(format!(
            "retention removed what was queued before {}: since can be no earlier",
            trim.summed_at
        ))),
        None => Ok(()),
    }
}

fn filter(asked: Asked) -> Result<RecoveryFilter, Problem> {
    let time = |text: &str| text.parse::<Timestamp>();
    let since = body::field("since", asked.since.as_deref(), time)?;
    let since = since.ok_or_else(|| Problem::invalid("since", "since is missing"))?;
    let until = body::field("until", asked.until.as_deref(), time)?;
    if let Some(until) = until.filter(|until| *until <= since) {
        let message = format!("since: {since} is not earlier than until, which is {until}");
        let attributes = vec!["since", "until"];
        return Err(Problem::Invalid { message, attributes, details: vec![] });
    }
    let status = asked.status.unwrap_or_else(|| vec!["abandoned".to_owned()]);
    let unknown = status.iter().find(|it| !matches!(it.as_str(), "abandoned" | "delivered"));
    if let Some(unknown) = unknown {
        let known = "status must be a list of abandoned and delivered";
        return Err(Problem::invalid("status", format!("{known}; {unknown:?} is neither")));
    }
    let has = |word: &str| status.iter().any(|it| it == word);
    Ok(RecoveryFilter {
        since,
        until,
        event: asked.event,
        key: asked.key,
        abandoned: has("abandoned"),
        delivered: has("delivered"),
    })
}

/// How long it would last, as far as can be told: by the rate, or by what attempts took.
fn lasts(app: &App, settings: &Settings, found: &Found) -> Duration {
    let count = u32::try_from(found.deliveries.len()).unwrap_or(u32::MAX);
    if let Some(rate) = settings.policy.rate_per_second.filter(|rate| *rate > 0) {
        return Duration::from_secs(1) * count / rate;
    }
    let took = if found.took.is_zero() { ATTEMPT_TAKES * count } else { found.took };
    let at_once = settings.policy.concurrency.unwrap_or(0);
    let at_once = if at_once > 0 { at_once } else { app.delivery.concurrency() };
    took / at_once.max(1)
}

fn plan_shown(plan: &RecoveryPlanned, lasts: Duration) -> Value {
    let filter = &plan.filter;
    let status = [("abandoned", filter.abandoned), ("delivered", filter.delivered)];
    let status: Vec<_> =
        status.into_iter().filter(|(_, wanted)| *wanted).map(|(word, _)| word).collect();
    json!({
        "id": plan.recovery,
        "webhook_id": plan.recovery.endpoint().webhook(),
        "count": plan.count,
        "bytes": plan.bytes,
        "order": "oldest_first",
        "estimated_duration": duration::format(lasts),
        "estimated_duration_ms": u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX),
        "since": filter.since,
        "until": filter.until,
        "event": filter.event,
        "key": filter.key,
        "status": status,
    })
}

async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Cause(context): Cause,
    PathId(id): PathId<RecoveryId>,
) -> Result<Json<Value>, Problem> {
    ask(&app, &caller, context, id, Ask::Look).await
}

async fn start(
    State(app): State<Arc<App>>,
    caller: Caller,
    Cause(context): Cause,
    PathId(id): PathId<RecoveryId>,
) -> Result<Json<Value>, Problem> {
    ask(&app, &caller, context, id, Ask::Start).await
}

async fn pause(
    State(app): State<Arc<App>>,
    caller: Caller,
    Cause(context): Cause,
    PathId(id): PathId<RecoveryId>,
) -> Result<Json<Value>, Problem> {
    ask(&app, &caller, context, id, Ask::Pause).await
}

async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Cause(context): Cause,
    PathId(id): PathId<RecoveryId>,
) -> Result<Json<Value>, Problem> {
    ask(&app, &caller, context, id, Ask::Cancel).await
}

async fn ask(
    app: &App,
    caller: &Caller,
    context: Context,
    id: RecoveryId,
    ask: Ask,
) -> Result<Json<Value>, Problem> {
    let webhook = id.endpoint().webhook().ok_or(Problem::NoResource)?;
    settings(app, caller, &context, webhook).await?;
    // A look is none that a stream has to remember.
    let context = match ask {
        Ask::Look => Context { id: Uuid::new_v4(), ..context },
        Ask::Start | Ask::Pause | Ask::Cancel => context,
    };
    let command = Command::Recovery(id, ask);
    let done = app.actors.ledgers.ask(webhook.into(), context, command).await?;
    if done.event.is_some() {
        app.acknowledge(done.position);
    }
    let recovery = done.answer.recovery.ok_or(Problem::NoResource)?;
    Ok(Json(json!({ "recovery": shown(&recovery), "position": done.position })))
}

fn shown(recovery: &Recovery) -> Value {
    json!({
        "id": recovery.plan.recovery,
        "webhook_id": recovery.plan.recovery.endpoint().webhook(),
        "status": recovery.progress.as_str(),
        "count": recovery.plan.count,
        "bytes": recovery.plan.bytes,
        "passed": recovery.passed,
        "reopened": recovery.reopened,
        "since": recovery.plan.filter.since,
        "until": recovery.plan.filter.until,
    })
}

#[cfg(test)]
mod tests;
