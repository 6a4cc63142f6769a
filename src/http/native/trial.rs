//! A test of a webhook: a delivery like any other, queued for it alone.

use std::sync::Arc;

use actors::Context;
use actors::delivery;
use actors::webhook::Command;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use events::delivery::Queued;
use events::{DeliveryId, EventId, WebhookId};
use serde_json::{Value, json};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::context::Cause;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::under;

/// What the receiver is told the event is.
const EVENT: &str = "webhook_test";

/// The route; for administrators.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new().route(under!("/webhooks/{webhook}/test"), post(test))
}

/// Queues it: addresses, headers, signatures and retries are those of any delivery, because
/// nothing from here on tells it from one.
async fn test(
    State(app): State<Arc<App>>,
    caller: Caller,
    cause: Cause,
    PathId(id): PathId<WebhookId>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let looked = app.actors.webhooks.ask(id, cause.step("look"), Command::Look).await?;
    let settings = looked.answer.settings().filter(|it| it.account == caller.account);
    let name = settings.ok_or(Problem::NoResource)?.name.clone();
    let look = actors::account::Command::Look;
    let account = app.actors.accounts.ask(caller.account, cause.step("account"), look).await?;
    let called = account.answer.map(|profile| profile.name);
    let Cause(context) = cause;
    let queued = queued(&context, &caller, id, (name, called));
    let delivery = queued.delivery;
    let command = delivery::Command::Queue(Arc::new(queued));
    let done = app.actors.ledgers.ask(id.into(), context, command).await?;
    app.acknowledge(done.position);
    let shown = json!({ "id": delivery, "event": EVENT, "position": done.position });
    Ok((StatusCode::ACCEPTED, Json(shown)))
}

/// Its cause is the request itself, so that a repeated one queues nothing more.
fn queued(
    context: &Context,
    caller: &Caller,
    webhook: WebhookId,
    (name, called): (Option<String>, Option<String>),
) -> Queued {
    let source = EventId(context.id);
    let account = caller.account;
    let body = json!({
        "id": webhook,
        "name": name,
        "message": "this is a test; nothing has happened",
        "created_at": context.now,
        "account": { "id": account, "name": called },
        "event": EVENT,
    });
    Queued {
        delivery: DeliveryId::of(source, webhook),
        account,
        event: EVENT.to_owned(),
        source,
        body: body.to_string(),
        due: context.now,
        key: None,
    }
}

#[cfg(test)]
mod tests;
