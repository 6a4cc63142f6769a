//! The integrations of an account, in Chatwoot's shapes: applications, and the hooks that connect
//! them.

mod apps;
mod desk;
mod params;
mod shown;

use std::sync::Arc;

use axum::extract::{RawPathParams, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use events::HookId;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::body::Raw;
use crate::http::chatwoot::params::read;
use crate::http::context::Cause;
use crate::http::fresh::Fresh;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::under;
use desk::{Desk, Written};
use params::Creation;
use shown::Shown;

/// The routes that agents may use too.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(under!("/integrations/apps"), get(list))
        .route(under!("/integrations/apps/{app}"), get(show))
        .route(under!("/integrations/hooks/{hook}/process_event"), post(process))
}

/// The routes that change something; for administrators.
pub(in crate::http) fn writing() -> Router<Arc<App>> {
    // Chatwoot routes GET to nothing: a hook is shown with its application.
    let one = get(async || Problem::NoResource).patch(change).put(change).delete(delete);
    Router::new()
        .route(under!("/integrations/hooks"), post(create))
        .route(under!("/integrations/hooks/{hook}"), one)
}

async fn list(State(app): State<Arc<App>>, caller: Caller, _: Fresh) -> Json<Value> {
    let all = apps::App::all().map(|one| shown::application(&app, &caller, one));
    Json(json!({ "payload": all.collect::<Vec<_>>() }))
}

async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: RawPathParams,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    let named = params.iter().last().and_then(|(_, id)| apps::App::find(id));
    let named = named.ok_or(Problem::NoResource)?;
    Ok(Json(shown::application(&app, &caller, named)))
}

async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    cause: Cause,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    let creation = Creation::read(&read(&body)?)?;
    let written = desk(&app, &caller, cause).create(creation).await?;
    answer(&app, &caller, &written)
}

async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    cause: Cause,
    PathId(id): PathId<HookId>,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    let written = desk(&app, &caller, cause).change(id, &read(&body)?).await?;
    answer(&app, &caller, &written)
}

async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    cause: Cause,
    PathId(id): PathId<HookId>,
) -> Result<StatusCode, Problem> {
    desk(&app, &caller, cause).delete(id).await?;
    Ok(StatusCode::OK)
}

/// As in Chatwoot, where no hook processes an event that it is handed.
async fn process(
    State(app): State<Arc<App>>,
    caller: Caller,
    cause: Cause,
    PathId(id): PathId<HookId>,
    _: Raw,
) -> Result<Json<Value>, Problem> {
    desk(&app, &caller, cause).look(id).await?;
    Err(Problem::Unprocessable("No processor found".into()))
}

fn desk<'a>(app: &'a App, caller: &'a Caller, Cause(context): Cause) -> Desk<'a> {
    Desk { app, caller, context }
}

fn answer(app: &App, caller: &Caller, written: &Written) -> Result<Json<Value>, Problem> {
    let live = written.hook.live().ok_or(Problem::NoResource)?;
    let hook = Shown {
        id: written.id,
        facts: &live.facts,
        enabled: live.switch.is_on(),
        required: live.reauthorization.required,
    };
    let mut shown = shown::hook(app, caller, &hook);
    shown.insert("position".to_owned(), json!(written.position));
    Ok(Json(Value::Object(shown)))
}

#[cfg(test)]
mod tests;
