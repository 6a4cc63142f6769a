//! Whether an endpoint is sent anything: disabled, paused, enabled again. It is a webhook, that of
//! an API inbox, or the mail of the account.

use std::sync::Arc;

use actors::delivery::Command;
use actors::webhook::{Command as WebhookCommand, Settings};
use actors::{Context, account, inbox};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use events::delivery::{Backlog, Standing};
use events::{EndpointId, WebhookId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::body::{self, Raw};
use crate::http::context::Cause;
use crate::http::path::PathEndpoint;
use crate::http::problem::Problem;
use crate::http::under;

/// As long as a reason may be.
const REASON_CHARS_MAX: usize = 1_000;

/// The routes; for administrators.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(under!("/webhooks/{webhook}/enable"), post(enable))
        .route(under!("/webhooks/{webhook}/disable"), post(disable))
        .route(under!("/webhooks/{webhook}/pause"), post(pause))
        .route(under!("/inboxes/{inbox}/webhook/enable"), post(enable))
        .route(under!("/inboxes/{inbox}/webhook/disable"), post(disable))
        .route(under!("/inboxes/{inbox}/webhook/pause"), post(pause))
        .route(under!("/mail/enable"), post(enable))
        .route(under!("/mail/disable"), post(disable))
        .route(under!("/mail/pause"), post(pause))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Enabling {
    backlog: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Disabling {
    reason: Option<String>,
}

async fn enable(
    State(app): State<Arc<App>>,
    caller: Caller,
    Cause(context): Cause,
    PathEndpoint(endpoint): PathEndpoint,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    let given: Enabling = given(&body)?;
    let backlog = body::field("backlog", given.backlog.as_deref(), str::parse::<Backlog>)?;
    let backlog = backlog.unwrap_or(Backlog::All);
    is_there(&app, &caller, &context, endpoint).await?;
    let by = caller.actor.clone();
    let command = Command::Enable { by, backlog, now: context.now };
    // A long backlog that is not wanted is given up in several appends; each but the last leaves
    // the endpoint as it is.
    loop {
        let step = Context { id: uuid::Uuid::new_v4(), ..context.clone() };
        let answer = tell(&app, endpoint, step, command.clone()).await?;
        if !answer.0["status"].is_null() {
            return Ok(answer);
        }
    }
}

async fn disable(
    State(app): State<Arc<App>>,
    caller: Caller,
    Cause(context): Cause,
    PathEndpoint(endpoint): PathEndpoint,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    let given: Disabling = given(&body)?;
    let reason = given.reason.unwrap_or_else(|| "somebody asked for it".to_owned());
    if reason.chars().count() > REASON_CHARS_MAX {
        let limit = format!("reason is longer than {REASON_CHARS_MAX} characters");
        return Err(Problem::invalid("reason", limit));
    }
    is_there(&app, &caller, &context, endpoint).await?;
    let command = Command::Disable { by: caller.actor.clone(), reason, now: context.now };
    tell(&app, endpoint, context, command).await
}

async fn pause(
    State(app): State<Arc<App>>,
    caller: Caller,
    Cause(context): Cause,
    PathEndpoint(endpoint): PathEndpoint,
) -> Result<Json<Value>, Problem> {
    is_there(&app, &caller, &context, endpoint).await?;
    let command = Command::Pause { by: caller.actor.clone(), now: context.now };
    tell(&app, endpoint, context, command).await
}

async fn tell(
    app: &App,
    endpoint: EndpointId,
    context: Context,
    command: Command,
) -> Result<Json<Value>, Problem> {
    let enabling = matches!(command, Command::Enable { .. });
    let done = app.actors.ledgers.ask(endpoint, context, command).await?;
    if done.event.is_some() {
        app.acknowledge(done.position);
    }
    let told = done.answer;
    let (since, reason) = match &told.standing {
        Standing::Free | Standing::Probing { .. } => (None, None),
        Standing::Paused { .. } | Standing::Disabled { .. } if enabling => {
            return Ok(Json(Value::Null));
        }
        Standing::Paused { since, .. } => (Some(*since), None),
        Standing::Disabled { since, reason, .. } => (Some(*since), Some(reason)),
    };
    let (status, _) = told.health.as_ref().ok_or(Problem::Bug)?.doing();
    let held = if told.standing.holds() { told.pending } else { 0 };
    Ok(Json(json!({
        "id": number(endpoint),
        "status": status.as_str(),
        "since": since,
        "reason": reason,
        "pending": told.pending,
        "held": held,
        "position": done.position,
    })))
}

/// The number that its path has.
pub(super) fn number(endpoint: EndpointId) -> u64 {
    match endpoint {
        EndpointId::Webhook(webhook) => webhook.0,
        EndpointId::Inbox(inbox) => inbox.0,
        EndpointId::Mail(account) => account.0,
    }
}

/// Whether the caller's account has such an endpoint, as those say who have the settings.
pub(super) async fn is_there(
    app: &App,
    caller: &Caller,
    context: &Context,
    endpoint: EndpointId,
) -> Result<(), Problem> {
    let step = Context { id: uuid::Uuid::new_v4(), ..context.clone() };
    match endpoint {
        EndpointId::Webhook(webhook) => settings(app, caller, context, webhook).await.map(drop),
        EndpointId::Inbox(id) => {
            let look = app.command(caller.account, inbox::Action::Look);
            let profile = app.actors.inboxes.ask(id, step, look).await?.answer.profile;
            let has_webhook = profile.is_some_and(|profile| profile.webhook_url().is_some());
            has_webhook.then_some(()).ok_or(Problem::NoResource)
        }
        EndpointId::Mail(id) => {
            let look = account::Command::Look;
            let profile = app.actors.accounts.ask(id, step, look).await?.answer;
            profile.map(drop).ok_or(Problem::NoResource)
        }
    }
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
