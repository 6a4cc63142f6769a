//! Whether requests can be answered well: the log answers, the views and the fan-out follow it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::app::App;

/// As long as the log may take to answer.
const LOG_WITHIN: Duration = Duration::from_secs(2);

/// As many records as the views and the fan-out may be behind the log.
const LAG_MAX: u64 = 10_000;

/// As many positions a record takes at least where an engine counts bytes.
const RECORD_BYTES: u64 = 1024;

/// 200 when all is well, else 503; both say how each part is doing. A stream that cannot go on is
/// listed and makes nothing unready: all others go on.
pub(super) async fn show(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let (head, log) = match tokio::time::timeout(LOG_WITHIN, app.store.head()).await {
        Ok(Ok(head)) => (Some(head), None),
        Ok(Err(failure)) => (None, Some(hidden(&failure, "the log cannot be read"))),
        Err(_) => (None, Some(format!("the log does not answer within {LOG_WITHIN:?}"))),
    };
    let lag_max = if app.store.is_dense() { LAG_MAX } else { LAG_MAX * RECORD_BYTES };
    let views = app.view_status.borrow().clone();
    let late = if !views.caught_up {
        Some("the views have not caught up yet".to_owned())
    } else if views.lag > lag_max {
        Some(format!("the views are {} positions behind the log", views.lag))
    } else {
        views.failing.map(|reason| hidden(&reason, "the views cannot read the log"))
    };
    let fanout = app.fanout.borrow().clone();
    let behind = head.map_or(0, |head| head.0.saturating_sub(fanout.position.0));
    let unpaid = if !fanout.caught_up {
        Some("the fan-out has not caught up yet".to_owned())
    } else if behind > lag_max {
        Some(format!("the fan-out is {behind} positions behind the log"))
    } else {
        fanout.failing.map(|reason| hidden(&reason, "the fan-out cannot go on"))
    };
    let halted: Vec<_> =
        app.halted.list().into_iter().map(|(stream, _)| stream.to_string()).collect();
    let quarantined: Vec<_> =
        app.quarantine.list().into_iter().map(|it| it.stream.to_string()).collect();
    let ready = log.is_none() && late.is_none() && unpaid.is_none();
    let body = json!({
        "status": if ready { "ready" } else { "not ready" },
        "node": app.share.name(),
        "log": { "failing": log },
        "views": { "failing": late, "position": views.position, "lag": views.lag },
        "fanout": { "failing": unpaid, "position": fanout.position, "lag": behind },
        "halted": halted,
        "quarantined": quarantined,
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body))
}

/// Anybody may ask here, and an engine's reasons name its hosts and files: those are told in the
/// log of the service.
fn hidden(reason: &dyn std::fmt::Display, shown: &str) -> String {
    tracing::warn!("not ready: {shown}: {reason}");
    shown.to_owned()
}
