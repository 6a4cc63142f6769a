//! When an account's labels, inboxes and teams last changed, for clients that keep them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::fresh::Fresh;
use crate::http::under;

/// Chatwoot's (`AccountsController#cache_keys`).
const CACHED: &str = "max-age=10, private, stale-while-revalidate=300";

/// The route; for agents too.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new().route(under!("/cache_keys"), get(show))
}

async fn show(State(app): State<Arc<App>>, caller: Caller, _: Fresh) -> Response {
    let keys = app.views.cache_keys.read(|view| view.of_account(caller.account));
    let keys = keys.unwrap_or_default();
    let keys = json!({ "label": keys.label, "inbox": keys.inbox, "team": keys.team });
    ([(CACHE_CONTROL, CACHED)], Json(json!({ "cache_keys": keys }))).into_response()
}

#[cfg(test)]
mod tests;
