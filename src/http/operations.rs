//! Routes outside of accounts, for whoever runs the service; they need no token.

pub(super) mod metrics;
mod ready;

use std::sync::Arc;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Router};

use crate::app::App;
use crate::console;
use metrics::Metrics;

/// Every route with its parameters, bodies and answers.
const OPENAPI: &str = include_str!("openapi.json");

/// The routes that are measured like all others.
pub(super) fn routes(metrics: Metrics) -> Router<Arc<App>> {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(ready::show))
        .route("/metrics", get(metrics::show))
        .route("/openapi.json", get(openapi))
        .layer(Extension(metrics))
        .merge(console::routes())
}

/// The process lives: it touches nothing, and is what others are measured against.
async fn healthz() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], r#"{"status":"ok"}"#)
}

async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

#[cfg(test)]
mod tests;
