//! The webhooks of an account, in Chatwoot's shapes; what they have besides, such as `delivery` and
//! the `details` of a refusal, its clients pass over.

mod desk;
mod headers;
mod params;
mod policy;
pub(in crate::http) mod shown;
mod turns;

use std::sync::Arc;

use actors::webhook::Settings;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, patch};
use axum::{Extension, Json, Router};
use events::WebhookId;
use projections::webhook_health::Webhook;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::body::Raw;
use crate::http::chatwoot::params::read;
use crate::http::context::Cause;
use crate::http::fresh::Fresh;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::under;
use desk::{Desk, Written};
use params::Params;
use shown::Doing;
use turns::Turns;

/// The routes; for administrators.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(under!("/webhooks"), get(list).post(create))
        .route(under!("/webhooks/{webhook}"), patch(change).put(change).delete(delete))
        .layer(Extension(Turns::default()))
}

async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    let webhooks: Vec<_> = app.views.webhook_health.read(|view| {
        view.of_account(caller.account).map(|it| (it.id, settings(it), Doing::seen(it))).collect()
    });
    let webhooks: Result<Vec<_>, _> = webhooks
        .into_iter()
        .map(|(id, settings, doing)| shown::show(&app, id, &settings, doing))
        .collect();
    Ok(Json(json!({ "payload": { "webhooks": webhooks? } })))
}

async fn create(
    State(app): State<Arc<App>>,
    Extension(turns): Extension<Turns>,
    caller: Caller,
    cause: Cause,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    let params = Params::read(&read(&body)?, true)?;
    let _turn = turns.take(caller.account).await;
    let written = desk(&app, &caller, cause).create(params).await?;
    answer(&app, &written).await
}

async fn change(
    State(app): State<Arc<App>>,
    Extension(turns): Extension<Turns>,
    caller: Caller,
    cause: Cause,
    PathId(id): PathId<WebhookId>,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    let params = Params::read(&read(&body)?, false)?;
    let _turn = turns.take(caller.account).await;
    let written = desk(&app, &caller, cause).change(id, params).await?;
    answer(&app, &written).await
}

async fn delete(
    State(app): State<Arc<App>>,
    Extension(turns): Extension<Turns>,
    caller: Caller,
    cause: Cause,
    PathId(id): PathId<WebhookId>,
) -> Result<StatusCode, Problem> {
    let _turn = turns.take(caller.account).await;
    desk(&app, &caller, cause).delete(id).await?;
    Ok(StatusCode::OK)
}

fn desk<'a>(app: &'a App, caller: &Caller, Cause(context): Cause) -> Desk<'a> {
    Desk { app, context, account: caller.account }
}

async fn answer(app: &App, written: &Written) -> Result<Json<Value>, Problem> {
    let Written { id, settings, position } = written;
    if settings.inbox.is_some() {
        // Its name is shown, which a view knows: it may have been registered a moment ago.
        app.own_writes().await;
    }
    let webhook = shown::show(app, *id, settings, Doing::of(app, *id))?;
    Ok(Json(json!({ "payload": { "webhook": webhook }, "position": position })))
}

fn settings(webhook: &Webhook) -> Settings {
    let Webhook { account, url, name, inbox, subscriptions, keys, policy, .. } = webhook.clone();
    Settings { account, url, name, inbox, subscriptions, keys, policy }
}

#[cfg(test)]
mod tests;
