//! Whether a webhook is sent anything: disabled, paused, enabled again.

use std::sync::Arc;

use actors::Context;
use actors::delivery::Command;
use actors::webhook::{Command as WebhookCommand, Settings};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use events::WebhookId;
use events::delivery::{Backlog, Standing};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::body::{self, Raw};
use crate::http::context::Cause;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::query;
use crate::http::under;

/// As long as a reason may be.
const REASON_CHARS_MAX: usize = 1_000;

/// The routes; for administrators.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(under!("/webhooks/{webhook}/enable"), post(enable))
        .route(under!("/webhooks/{webhook}/disable"), post(disable))
        .route(under!("/webhooks/{webhook}/pause"), post(pause))
}

#[derive(Default, Deserialize)]
struct Enabling {
    backlog: Option<String>,
}

#[derive(Default, Deserialize)]
struct Disabling {
    reason: Option<String>,
}

async fn enable(
    State(app): State<Arc<App>>,
    caller: Caller,
    Cause(context): Cause,
    PathId(webhook): PathId<WebhookId>,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    let given: Enabling = given(&body)?;
    let backlog = query::read("backlog", given.backlog.as_deref(), str::parse::<Backlog>)?;
    let backlog = backlog.unwrap_or(Backlog::All);
    settings(&app, &caller, &context, webhook).await?;
    let by = caller.actor.clone();
    let command = Command::Enable { by, backlog, now: context.now };
    // A long backlog that is not wanted is given up in several appends; each but the last leaves
    // the endpoint as it is.
    loop {
        let step = Context { id: uuid::Uuid::new_v4(), ..context.clone() };
        let answer = tell(&app, webhook, step, command.clone()).await?;
        if !answer.0["status"].is_null() {
            return Ok(answer);
        }
    }
}

async fn disable(
    State(app): State<Arc<App>>,
    caller: Caller,
    Cause(context): Cause,
    PathId(webhook): PathId<WebhookId>,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    let given: Disabling = given(&body)?;
    let reason = given.reason.unwrap_or_else(|| "somebody asked for it".to_owned());
    if reason.chars().count() > REASON_CHARS_MAX {
        let limit = format!("reason is longer than {REASON_CHARS_MAX} characters");
        return Err(Problem::Malformed(limit));
    }
    settings(&app, &caller, &context, webhook).await?;
    let command = Command::Disable { by: caller.actor.clone(), reason, now: context.now };
    tell(&app, webhook, context, command).await
}

async fn pause(
    State(app): State<Arc<App>>,
    caller: Caller,
    Cause(context): Cause,
    PathId(webhook): PathId<WebhookId>,
) -> Result<Json<Value>, Problem> {
    settings(&app, &caller, &context, webhook).await?;
    let command = Command::Pause { by: caller.actor.clone(), now: context.now };
    tell(&app, webhook, context, command).await
}

async fn tell(
    app: &App,
    webhook: WebhookId,
    context: Context,
    command: Command,
) -> Result<Json<Value>, Problem> {
    let enabling = matches!(command, Command::Enable { .. });
    let done = app.actors.ledgers.ask(webhook.into(), context, command).await?;
    if done.event.is_some() {
        app.acknowledge(done.position);
    }
    let told = done.answer;
    let (status, since, reason) = match &told.standing {
        Standing::Free | Standing::Probing { .. } => ("enabled", None, None),
        Standing::Paused { .. } | Standing::Disabled { .. } if enabling => {
            return Ok(Json(Value::Null));
        }
        Standing::Paused { since, .. } => ("paused", Some(*since), None),
        Standing::Disabled { since, reason, .. } => ("disabled", Some(*since), Some(reason)),
    };
    let held = if told.standing.holds() { told.pending } else { 0 };
    Ok(Json(json!({
        "id": webhook,
        "status": status,
        "since": since,
        "reason": reason,
        "pending": told.pending,
        "held": held,
        "position": done.position,
    })))
}

/// The settings of a webhook of the caller's account.
pub(super) async fn settings(
    app: &App,
    caller: &Caller,
    context: &Context,
    webhook: WebhookId,
) -> Result<Settings, Problem> {
    let step = Context { id: uuid::Uuid::new_v4(), ..context.clone() };
    let done = app.actors.webhooks.ask(webhook, step, WebhookCommand::Look).await?;
    let settings = done.answer.settings().filter(|it| it.account == caller.account);
    settings.cloned().ok_or(Problem::NoResource)
}

/// What a body says; no body at all says nothing.
pub(super) fn given<T: Default + serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.trim_ascii().is_empty() { Ok(T::default()) } else { body::parse(bytes) }
}

#[cfg(test)]
mod tests;
