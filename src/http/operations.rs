//! Routes outside of accounts, for whoever runs the service; they need no token.

pub(super) mod metrics;
mod ready;

use std::sync::Arc;

use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Extension, Router};

use crate::app::App;
use metrics::Metrics;

/// Every route with its parameters, bodies and answers.
const OPENAPI: &str = include_str!("openapi.json");

const PAGE: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>Relink</title>
<h1>Relink</h1>
<p>Keeps the third-party connections of a customer-support platform alive.</p>
<ul>
<li><a href=\"/healthz\">/healthz</a>: the process lives
<li><a href=\"/readyz\">/readyz</a>: the log answers and the views have caught up
<li><a href=\"/metrics\">/metrics</a>: measurements for Prometheus
<li><a href=\"/openapi.json\">/openapi.json</a>: the API
</ul>
";

/// The routes that are measured like all others.
pub(super) fn routes(metrics: Metrics) -> Router<Arc<App>> {
    Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/healthz", get(healthz))
        .route("/readyz", get(ready::show))
        .route("/metrics", get(metrics::show))
        .route("/openapi.json", get(openapi))
        .layer(Extension(metrics))
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
