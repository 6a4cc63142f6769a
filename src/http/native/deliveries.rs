//! What an endpoint is owed and was delivered, and one delivery with all its attempts.

mod attempts;
mod page;

use std::sync::Arc;

use actors::delivery::{Command, Rejection, Told as Ledger};
use actors::{Context, Done, Refused};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use events::delivery::AbandonReason;
use events::{
    Category, DeliveryId, EndpointId, InboxId, Revision, StreamName, Timestamp, WebhookId,
};
use projections::delivery_log::{Delivery, DeliveryStatus, Filter};
use serde::Deserialize;
use serde_json::{Value, json};

use super::endpoints;
use crate::app::App;
use crate::http::auth::Caller;
use crate::http::context::Cause;
use crate::http::fresh::Fresh;
use crate::http::path::{self, PathId};
use crate::http::problem::Problem;
use crate::http::query::{self, Query};
use crate::http::under;
use attempts::{Hint, Told};

pub(in crate::http) use page::Paging;

const LIMIT: usize = 50;
const LIMIT_MAX: usize = 200;

#[derive(Deserialize)]
struct Asked {
    status: Option<String>,
    event: Option<String>,
    before: Option<String>,
    after: Option<String>,
    limit: Option<String>,
}

/// The routes; for administrators, because bodies are shown.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(under!("/webhooks/{webhook}/deliveries"), get(of_webhook))
        .route(under!("/inboxes/{inbox}/deliveries"), get(of_inbox))
        .route(under!("/mail/deliveries"), get(of_mail))
        .route(under!("/deliveries/{delivery}"), get(show))
        .route(under!("/deliveries/{delivery}/retry"), post(retry))
        .route(under!("/deliveries/{delivery}/skip"), post(skip))
        .route(under!("/deliveries/{delivery}/park"), post(park))
}

async fn of_webhook(
    State(app): State<Arc<App>>,
    Extension(paging): Extension<Paging>,
    caller: Caller,
    PathId(webhook): PathId<WebhookId>,
    Query(asked): Query<Asked>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    list(&app, (&paging, &caller), webhook.into(), asked).await
}

/// To the webhook of an API inbox.
async fn of_inbox(
    State(app): State<Arc<App>>,
    Extension(paging): Extension<Paging>,
    caller: Caller,
    PathId(inbox): PathId<InboxId>,
    Query(asked): Query<Asked>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    list(&app, (&paging, &caller), EndpointId::Inbox(inbox), asked).await
}

/// To the account's administrators, by mail.
async fn of_mail(
    State(app): State<Arc<App>>,
    Extension(paging): Extension<Paging>,
    caller: Caller,
    Query(asked): Query<Asked>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    list(&app, (&paging, &caller), EndpointId::Mail(caller.account), asked).await
}

async fn list(
    app: &App,
    (paging, caller): (&Paging, &Caller),
    endpoint: EndpointId,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    check_owner(app, caller, endpoint)?;
    let page = paging.page(app, caller, endpoint, filter(asked)?).await?;
    let deliveries: Vec<Value> = page.deliveries.iter().map(shown).collect();
    Ok(Json(json!({ "deliveries": deliveries, "next_before": page.next_before })))
}

async fn show(
    State(app): State<Arc<App>>,
    Extension(paging): Extension<Paging>,
    caller: Caller,
    PathId(id): PathId<DeliveryId>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    check_owner(&app, &caller, id.endpoint())?;
    let known = app.views.delivery_log.read(|view| view.delivery(id));
    if let Some((delivery, at)) = known.and_then(|it| it.removed_at.map(|at| (it, at))) {
        return Ok(Json(left(&delivery, at)));
    }
    let hint = hint(&app, id);
    let told = told(&app, (&paging, &caller), id, hint).await?;
    told.shown(id, hint).map(Json).ok_or_else(|| unknown(&app, id))
}

/// What is left of a delivery whose body and attempts are no longer kept.
fn left(delivery: &Delivery, at: Timestamp) -> Value {
    json!({
        "id": delivery.id,
        "webhook_id": delivery.id.webhook(),
        "event": delivery.event,
        "key": delivery.key,
        "blocked_behind": null,
        "status": delivery.status.as_str(),
        "created_at": delivery.created_at,
        "finished_at": delivery.finished_at,
        "source": null,
        "body": null,
        "attempts": [],
        "attempt_count": delivery.attempts,
        "next_attempt_at": null,
        "reason": delivery.abandoned_for.map(|reason| reason.as_str()),
        "removed_at": at,
        "removed": format!("body and attempts were removed by retention on {at}"),
    })
}

/// Why nothing is known of a delivery.
pub(super) fn unknown(app: &App, id: DeliveryId) -> Problem {
    let (removed_at, known) =
        app.views.delivery_log.read(|view| (view.removed_at(id), view.delivery(id).is_some()));
    match removed_at {
        Some(at) if known => Problem::Removed(format!(
            "delivery {id} is not kept any more: retention removed bodies and attempts on {at}"
        )),
        // Whether there ever was one of this id is not known any more either.
        Some(at) => Problem::Removed(format!(
            "delivery {id} is not known, or removed by retention, which was at work last on {at}"
        )),
        None => Problem::NoResource,
    }
}

/// What its ledger tells of it: where the view does not say where it stands, that is long to read,
/// and takes a place.
async fn told(
    app: &App,
    (paging, caller): (&Paging, &Caller),
    id: DeliveryId,
    hint: Hint,
) -> Result<Told, Problem> {
    let place = paging.place(app, caller, hint.revision).await?;
    let reading = async move {
        let _place = place;
        attempts::of(&*app.store, id, hint).await
    };
    let ledger = [StreamName::new(Category::Ledger, id.endpoint())];
    paging.damages().named(app, caller, &ledger, reading).await
}

/// What the view knows of it.
fn hint(app: &App, id: DeliveryId) -> Hint {
    app.views.delivery_log.read(|view| {
        let Some(it) = view.delivery(id) else {
            return Hint { until: view.last_again(id.endpoint()), ..Hint::default() };
        };
        Hint {
            revision: view.queued_at(id),
            until: view.told_to(id),
            owed: matches!(it.status, DeliveryStatus::Pending | DeliveryStatus::Held),
            held: it.status == DeliveryStatus::Held,
            behind: it.behind,
        }
    })
}

/// Makes an attempt now: in place of the one that is planned, or although it has ended.
async fn retry(
    State(app): State<Arc<App>>,
    Extension(paging): Extension<Paging>,
    caller: Caller,
    Cause(context): Cause,
    PathId(id): PathId<DeliveryId>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    check(&app, &caller, &context, id).await?;
    if app.views.delivery_log.read(|view| view.delivery(id)?.removed_at).is_some() {
        return Err(unknown(&app, id));
    }
    let told = told(&app, (&paging, &caller), id, hint(&app, id)).await?;
    let again = told.again(context.now).ok_or(Problem::NoResource)?;
    let command = Command::Retry(Box::new(again));
    let done = app.actors.ledgers.ask(id.endpoint(), context, command).await?;
    Ok(answer(&app, id, &done))
}

/// Gives one up, so that those behind it go on.
async fn skip(
    State(app): State<Arc<App>>,
    Extension(paging): Extension<Paging>,
    caller: Caller,
    Cause(context): Cause,
    PathId(id): PathId<DeliveryId>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    check(&app, &caller, &context, id).await?;
    let command = Command::Abandon { delivery: Some(id), reason: AbandonReason::Skipped };
    let done = app.actors.ledgers.ask(id.endpoint(), context, command).await?;
    if done.event.is_none() {
        let over = over(&app, (&paging, &caller), id).await?;
        // One that was given up before is as it shall be.
        if over != Some(DeliveryStatus::Abandoned) {
            return Err(not_owed(id, over));
        }
    }
    Ok(answer(&app, id, &done))
}

/// Puts one aside until somebody retries it, so that those behind it go on.
async fn park(
    State(app): State<Arc<App>>,
    Extension(paging): Extension<Paging>,
    caller: Caller,
    Cause(context): Cause,
    PathId(id): PathId<DeliveryId>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    check(&app, &caller, &context, id).await?;
    match app.actors.ledgers.ask(id.endpoint(), context, Command::Park(id)).await {
        Err(Refused::Rejected(Rejection::Unknown(_))) => {
            Err(not_owed(id, over(&app, (&paging, &caller), id).await?))
        }
        done => Ok(answer(&app, id, &done?)),
    }
}

fn answer(app: &App, id: DeliveryId, done: &Done<Ledger>) -> Json<Value> {
    if done.event.is_some() {
        app.acknowledge(done.position);
    }
    let held = done.answer.standing.holds();
    Json(json!({ "id": id, "held": held, "position": done.position }))
}

/// How one ended that was not owed when its ledger was asked; none where it is owed again by now.
async fn over(
    app: &App,
    (paging, caller): (&Paging, &Caller),
    id: DeliveryId,
) -> Result<Option<DeliveryStatus>, Problem> {
    // What the ledger has told since, others may have asked for.
    app.own_writes().await;
    let known = app.views.delivery_log.read(|view| view.delivery(id));
    match known {
        Some(it) if it.removed_at.is_some() => return Err(unknown(app, id)),
        Some(it) if it.finished_at.is_some() => return Ok(Some(it.status)),
        Some(_) | None => {}
    }
    let told = told(app, (paging, caller), id, hint(app, id)).await?;
    if told.is_known() { Ok(told.over()) } else { Err(unknown(app, id)) }
}

fn not_owed(id: DeliveryId, over: Option<DeliveryStatus>) -> Problem {
    Problem::Conflict(match over.map(DeliveryStatus::as_str) {
        Some(over) => format!("delivery {id} is {over} already; retry makes another attempt"),
        None => format!("delivery {id} was brought back at this moment; ask again"),
    })
}

/// Whether whoever asks may change it: its endpoint is theirs, and a webhook is not deleted.
async fn check(
    app: &App,
    caller: &Caller,
    context: &Context,
    id: DeliveryId,
) -> Result<(), Problem> {
    match id.webhook() {
        Some(webhook) => endpoints::settings(app, caller, context, webhook).await.map(|_| ()),
        None => check_owner(app, caller, id.endpoint()),
    }
}

/// A webhook that is deleted still has its history, and so has an inbox.
pub(super) fn check_owner(app: &App, caller: &Caller, endpoint: EndpointId) -> Result<(), Problem> {
    let views = &app.views;
    let account = match endpoint {
        EndpointId::Webhook(id) => {
            views.webhook_health.read(|view| view.webhook(id).map(|it| it.account))
        }
        EndpointId::Inbox(id) => {
            views.inbox_health.read(|view| view.inbox(id).map(|it| it.account))
        }
        EndpointId::Mail(account) => Some(account),
    };
    let owned = account.is_some_and(|account| account == caller.account);
    if owned { Ok(()) } else { Err(Problem::NoResource) }
}

fn filter(asked: Asked) -> Result<Filter, Problem> {
    // A plus sign in a query is a blank by the time it gets here.
    let time = |text: &str| text.replace(' ', "+").parse::<Timestamp>();
    // The place where a page ended parts what is of one moment, which a time does not.
    let below = asked.before.as_deref().and_then(path::number).map(Revision);
    let before = asked.before.as_deref().filter(|_| below.is_none());
    let before = query::read("before", before, time)?;
    let after = query::read("after", asked.after.as_deref(), time)?;
    if let (Some(after), Some(before)) = (after, before)
        && before <= after
    {
        let problem = format!("after: {after} is not earlier than before, which is {before}");
        return Err(Problem::Malformed(problem));
    }
    Ok(Filter {
        status: query::read("status", asked.status.as_deref(), str::parse::<DeliveryStatus>)?,
        event: asked.event.filter(|event| !event.is_empty()),
        below,
        before,
        after,
        limit: query::limit(asked.limit.as_deref(), LIMIT, LIMIT_MAX)?,
    })
}

fn shown(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "event": delivery.event,
        "status": delivery.status.as_str(),
        "attempts": delivery.attempts,
        "next_attempt_at": delivery.next_attempt_at,
        "created_at": delivery.created_at,
        "finished_at": delivery.finished_at,
        "last_class": delivery.last_class.map(|class| class.as_str()),
        "last_status": delivery.last_status_code,
        "key": delivery.key,
        "blocked_behind": delivery.behind,
        "removed_at": delivery.removed_at,
    })
}

#[cfg(test)]
mod tests;
