//! What a webhook is owed and was delivered, and one delivery with all its attempts.

mod attempts;

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use events::{DeliveryId, Timestamp, WebhookId};
use projections::delivery_log::{Delivery, DeliveryStatus, Filter};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::fresh::Fresh;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::query::{self, Query};
use crate::http::under;

const LIMIT: usize = 50;
const LIMIT_MAX: usize = 200;

#[derive(Deserialize)]
struct Asked {
    status: Option<String>,
    event: Option<String>,
    before: Option<String>,
    after: Option<String>,
    limit: Option<String>,
}

/// The routes; for administrators, because bodies are shown.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(under!("/webhooks/{webhook}/deliveries"), get(list))
        .route(under!("/deliveries/{delivery}"), get(show))
}

async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(webhook): PathId<WebhookId>,
    Query(asked): Query<Asked>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    check_owner(&app, &caller, webhook)?;
    let filter = filter(asked)?;
    let deliveries: Vec<Value> = app
        .views
        .delivery_log
        .read(|view| view.list(webhook, &filter).into_iter().map(shown).collect());
    Ok(Json(json!({ "deliveries": deliveries })))
}

async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<DeliveryId>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    check_owner(&app, &caller, id.webhook().ok_or(Problem::NoResource)?)?;
    let hint = app.views.delivery_log.read(|view| view.delivery(id).map(|it| it.revision));
    attempts::of(&*app.store, id, hint).await?.map(Json).ok_or(Problem::NoResource)
}

/// A webhook that is deleted still has its history.
pub(super) fn check_owner(app: &App, caller: &Caller, webhook: WebhookId) -> Result<(), Problem> {
    let account = app.views.webhook_health.read(|view| view.webhook(webhook).map(|it| it.account));
    let owned = account.is_some_and(|account| account == caller.account);
    if owned { Ok(()) } else { Err(Problem::NoResource) }
}

fn filter(asked: Asked) -> Result<Filter, Problem> {
    // A plus sign in a query is a blank by the time it gets here.
    let time = |text: &str| text.replace(' ', "+").parse::<Timestamp>();
    Ok(Filter {
        status: query::read("status", asked.status.as_deref(), str::parse::<DeliveryStatus>)?,
        event: asked.event.filter(|event| !event.is_empty()),
        before: query::read("before", asked.before.as_deref(), time)?,
        after: query::read("after", asked.after.as_deref(), time)?,
        limit: query::limit(asked.limit.as_deref(), LIMIT, LIMIT_MAX)?,
    })
}

fn shown(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "event": delivery.event,
        "status": delivery.status.as_str(),
        "attempts": delivery.attempts,
        "next_attempt_at": delivery.next_attempt_at,
        "created_at": delivery.created_at,
        "finished_at": delivery.finished_at,
        "last_class": delivery.last_class.map(|class| class.as_str()),
        "last_status": delivery.last_status_code,
    })
}

#[cfg(test)]
mod tests;
