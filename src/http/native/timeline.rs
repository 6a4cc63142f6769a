//! What happened to a subject, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use events::{Category, HookId, InboxId, Position, RuleId, StreamName, Subject, WebhookId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::fresh::Fresh;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::query::{self, Query};
use crate::http::under;
use crate::rendering::{Rendered, render};
use crate::timeline;

const LIMIT: usize = 50;
const LIMIT_MAX: usize = 200;

#[derive(Deserialize)]
struct Asked {
    before: Option<String>,
    limit: Option<String>,
}

/// The route of inboxes; for agents too.
pub(in crate::http) fn of_inboxes() -> Router<Arc<App>> {
    Router::new().route(under!("/inboxes/{inbox}/timeline"), get(inbox))
}

/// The routes of what only administrators see: they show whole urls, bodies and settings.
pub(in crate::http) fn for_administrators() -> Router<Arc<App>> {
    Router::new()
        .route(under!("/webhooks/{webhook}/timeline"), get(webhook))
        .route(under!("/integrations/hooks/{hook}/timeline"), get(hook))
        .route(under!("/automation_rules/{rule}/timeline"), get(rule))
}

/// Also of an inbox that is removed: its history is not.
async fn inbox(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<InboxId>,
    Query(asked): Query<Asked>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    let account = app.views.inbox_health.read(|view| view.inbox(id).map(|inbox| inbox.account));
    account.filter(|account| *account == caller.account).ok_or(Problem::NoResource)?;
    page(&app, &[Subject::Inbox(id).stream()], &asked).await
}

/// Also of a webhook that is deleted; what it was owed is part of it.
async fn webhook(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<WebhookId>,
    Query(asked): Query<Asked>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    let account = app.views.webhook_health.read(|view| view.webhook(id).map(|it| it.account));
    account.filter(|account| *account == caller.account).ok_or(Problem::NoResource)?;
    let streams = [Subject::Webhook(id).stream(), StreamName::new(Category::Ledger, id)];
    page(&app, &streams, &asked).await
}

/// Also of a hook that is deleted.
async fn hook(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<HookId>,
    Query(asked): Query<Asked>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    let account = app.views.hook_health.read(|view| view.hook(id).map(|it| it.account));
    account.filter(|account| *account == caller.account).ok_or(Problem::NoResource)?;
    page(&app, &[Subject::Hook(id).stream()], &asked).await
}

/// Also of a rule that is deleted.
async fn rule(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<RuleId>,
    Query(asked): Query<Asked>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    let account = app.views.rule_health.read(|view| view.rule(id).map(|it| it.account));
    account.filter(|account| *account == caller.account).ok_or(Problem::NoResource)?;
    page(&app, &[Subject::Rule(id).stream()], &asked).await
}

async fn page(app: &App, streams: &[StreamName], asked: &Asked) -> Result<Json<Value>, Problem> {
    let before = query::read("before", asked.before.as_deref(), |text| {
        text.parse().map(Position).map_err(|_| format!("{text:?} is no position of the log"))
    })?;
    let limit = query::limit(asked.limit.as_deref(), LIMIT, LIMIT_MAX)?;
    let page = timeline::page(&*app.store, streams, before, limit).await?;
    let events: Vec<Rendered> = page.records.iter().map(render).collect();
    Ok(Json(json!({ "events": events, "next_before": page.next_before })))
}

#[cfg(test)]
mod tests;
