//! The four calls that report on an inbox's authorization.

use std::sync::Arc;

use actors::inbox::{Action, Command};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use events::evidence::{Class, Scope, Verdict};
use events::reauthorization::Command as Report;
use events::{InboxId, Position};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::body::{self, Raw};
use crate::http::context::Cause;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::under;
use crate::providers::{self, BadReport};

/// As many characters of a prompt's reason as are kept.
const REASON_MAX: usize = 500;

#[derive(Serialize)]
struct Shown {
    authorization_error_count: u32,
    threshold: u32,
    reauthorization_required: bool,
    class: Option<Class>,
    scope: Option<Scope>,
    rule: Option<String>,
    position: Position,
}

#[derive(Default, Deserialize)]
struct Prompt {
    reason: Option<String>,
}

impl From<BadReport> for Problem {
    fn from(bad: BadReport) -> Self {
        match bad {
            BadReport::Unreadable(error) if error.is_data() => {
                Self::Invalid { message: error.to_string(), attributes: vec![] }
            }
            BadReport::Unreadable(error) => {
                Self::Malformed(format!("the body is no JSON: {error}"))
            }
            BadReport::Status(_) => Self::invalid("status", bad.to_string()),
        }
    }
}

/// The routes; for ingest.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(under!("/inboxes/{inbox}/authorization_errors"), post(error))
        .route(under!("/inboxes/{inbox}/authorization_successes"), post(success))
        .route(under!("/inboxes/{inbox}/prompt_reauthorization"), post(prompt))
        .route(under!("/inboxes/{inbox}/reauthorized"), post(reauthorized))
}

async fn error(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<InboxId>,
    cause: Cause,
    Raw(body): Raw,
) -> Result<Json<Shown>, Problem> {
    let evidence = providers::evidence(&body)?;
    let verdict = providers::classify(&evidence);
    let report = Report::RecordError { evidence, verdict: verdict.clone() };
    record(&app, &caller, id, cause, report, Some(verdict)).await
}

async fn success(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<InboxId>,
    cause: Cause,
    _: Raw,
) -> Result<Json<Shown>, Problem> {
    record(&app, &caller, id, cause, Report::RecordSuccess, None).await
}

async fn prompt(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<InboxId>,
    cause: Cause,
    Raw(body): Raw,
) -> Result<Json<Shown>, Problem> {
    let given = match body.trim_ascii() {
        b"" => Prompt::default(),
        json => body::parse(json)?,
    };
    let reason = given.reason.map(|reason| {
        let reason: String = reason.chars().take(REASON_MAX).collect();
        providers::redacted(&reason)
    });
    record(&app, &caller, id, cause, Report::Prompt { reason }, None).await
}

async fn reauthorized(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<InboxId>,
    cause: Cause,
    _: Raw,
) -> Result<Json<Shown>, Problem> {
    record(&app, &caller, id, cause, Report::Reauthorize, None).await
}

async fn record(
    app: &App,
    caller: &Caller,
    id: InboxId,
    Cause(context): Cause,
    report: Report,
    verdict: Option<Verdict>,
) -> Result<Json<Shown>, Problem> {
    let command = Command { account: caller.account, action: Action::Report(report) };
    let done = app.actors.inboxes.ask(id, context, command).await?;
    app.acknowledge(done.position);
    let (class, scope, rule) = match verdict {
        Some(Verdict { class, scope, rule }) => (Some(class), Some(scope), rule),
        None => (None, None, None),
    };
    Ok(Json(Shown {
        authorization_error_count: done.answer.authorization_error_count,
        threshold: done.answer.threshold,
        reauthorization_required: done.answer.reauthorization_required,
        class,
        scope,
        rule,
        position: done.position,
    }))
}

#[cfg(test)]
mod tests;
