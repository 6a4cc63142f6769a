//! Explanations: of a delivery from its cause to its last attempt, and of an endpoint's state.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Json, Router};
use events::{DeliveryId, WebhookId};
use serde_json::Value;

use super::deliveries::{Paging, check_owner, unknown};
use super::endpoints;
use crate::app::App;
use crate::http::auth::Caller;
use crate::http::context::Cause;
use crate::http::fresh::Fresh;
use crate::http::path::{PathEndpoint, PathId};
use crate::http::problem::Problem;
use crate::http::under;
use crate::{explain, why};

/// The routes; for administrators, because bodies and whole urls are shown.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(under!("/deliveries/{delivery}/explain"), get(delivery))
        .route(under!("/webhooks/{webhook}/why"), get(webhook))
        .route(under!("/inboxes/{inbox}/webhook/why"), get(endpoint))
        .route(under!("/mail/why"), get(endpoint))
}

async fn delivery(
    State(app): State<Arc<App>>,
    Extension(paging): Extension<Paging>,
    caller: Caller,
    PathId(id): PathId<DeliveryId>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    check_owner(&app, &caller, id.endpoint())?;
    if app.views.delivery_log.read(|view| view.delivery(id)?.removed_at).is_some() {
        return Err(unknown(&app, id));
    }
    let from = app.views.delivery_log.read(|view| view.queued_at(id));
    let _place = paging.place(&app, &caller, from).await?;
    let now = app.clock.now();
    let explained = explain::delivery(&*app.store, Some(&app.vault), id, from, now);
    let explained = app.unless_it_stops(explained).await??;
    explained.map(Json).ok_or_else(|| unknown(&app, id))
}

/// Also of a webhook that is deleted: its history is not.
async fn webhook(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<WebhookId>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    check_owner(&app, &caller, id.into())?;
    let known = app.views.webhook_health.read(|view| view.webhook(id).cloned());
    let known = known.ok_or(Problem::NoResource)?;
    let told = app.unless_it_stops(why::webhook(&*app.store, &known)).await?;
    told.map(Json).map_err(Problem::from)
}

/// Of an API inbox, or of mail. Also of a webhook that the inbox has no more: its history is there.
async fn endpoint(
    State(app): State<Arc<App>>,
    caller: Caller,
    Cause(context): Cause,
    PathEndpoint(id): PathEndpoint,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    check_owner(&app, &caller, id)?;
    let tally = app.views.webhook_health.read(|view| view.other(id).cloned());
    if tally.is_none() {
        endpoints::is_there(&app, &caller, &context, id).await?;
    }
    let told = why::endpoint(&*app.store, id, endpoints::number(id), tally.as_ref());
    let told = app.unless_it_stops(told).await?;
    told.map(Json).map_err(Problem::from)
}

#[cfg(test)]
mod tests;
