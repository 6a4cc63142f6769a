//! `GET /inboxes` and `GET /inboxes/{id}`, as Chatwoot shows them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderName;
use axum::routing::get;
use axum::{Json, Router};
use events::{InboxId, Timestamp};
use projections::inbox_health::{HealthState, Inbox};
use serde::Serialize;

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::etag;
use crate::http::fresh::Fresh;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::under;

#[derive(Serialize)]
struct List {
    payload: Vec<Shown>,
}

/// One inbox, to whoever reads it and to whoever has changed it.
#[derive(Serialize)]
pub(in crate::http) struct Shown {
    pub(in crate::http) id: InboxId,
    pub(in crate::http) name: String,
    pub(in crate::http) channel_type: String,
    pub(in crate::http) reauthorization_required: bool,
    pub(in crate::http) authorization_error_count: u32,
    pub(in crate::http) threshold: u32,
    pub(in crate::http) state: HealthState,
    pub(in crate::http) since: Timestamp,
    pub(in crate::http) expires_at: Option<Timestamp>,
}

impl From<Inbox<'_>> for Shown {
    fn from(inbox: Inbox<'_>) -> Self {
        Self {
            id: inbox.id,
            name: inbox.name.to_owned(),
            channel_type: inbox.channel_type.to_owned(),
            reauthorization_required: inbox.reauthorization_required,
            authorization_error_count: inbox.authorization_error_count,
            threshold: inbox.threshold,
            state: inbox.state,
            since: inbox.since,
            expires_at: inbox.expires_at,
        }
    }
}

/// The routes; for agents too.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new().route(under!("/inboxes"), get(list)).route(under!("/inboxes/{inbox}"), get(show))
}

async fn list(State(app): State<Arc<App>>, caller: Caller, _: Fresh) -> Json<List> {
    let inboxes = app.views.inbox_health.reading();
    let payload = inboxes.of_account(caller.account).map(Shown::from).collect();
    Json(List { payload })
}

async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<InboxId>,
    _: Fresh,
) -> Result<([(HeaderName, String); 1], Json<Shown>), Problem> {
    let inboxes = app.views.inbox_health.reading();
    let inbox = inboxes.inbox(id).filter(|it| it.account == caller.account && !it.removed);
    inbox.map(|inbox| (etag::of(inbox.version), Json(inbox.into()))).ok_or(Problem::NoResource)
}
