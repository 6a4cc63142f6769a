//! What holds for each kind of subject: of the installation, of an account, of a single one.

mod given;

use std::sync::Arc;
use std::time::Duration;

use actors::{account, installation};
use axum::extract::State;
use axum::routing::{MethodRouter, get, put};
use axum::{Json, Router};
use events::policy::{Layer, RULE};
use events::reauthorization::Command as Report;
use events::{AccountId, HookId, InboxId, Position, RuleId};
use serde_json::{Value, json};

use crate::app::App;
use crate::http::auth::{Caller, Operator};
use crate::http::body::Json as Body;
use crate::http::context::Cause;
use crate::http::fresh::Fresh;
use crate::http::path::{PathId, PathWord};
use crate::http::problem::Problem;
use crate::http::subject::Reauthorizable;
use crate::http::under;

use given::Given;

/// As long as an answer waits until the next report is decided by the new policy.
const HOLDS_WITHIN: Duration = Duration::from_secs(5);

/// The routes of an account and its subjects; for administrators.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(under!("/policies"), get(of_account))
        .route(under!("/policies/{kind}"), put(set_for_account))
        .route(under!("/inboxes/{inbox}/policy"), of_one::<InboxId>())
        .route(under!("/integrations/hooks/{hook}/policy"), of_one::<HookId>())
        .route(under!("/automation_rules/{rule}/policy"), of_one::<RuleId>())
}

fn of_one<I: Reauthorizable>() -> MethodRouter<Arc<App>> {
    get(show_one::<I>).put(set_for_one::<I>)
}

/// The routes of the installation; for its administrator.
pub(in crate::http) fn of_installation() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/policies", get(everywhere))
        .route("/api/v1/policies/{kind}", put(set_everywhere))
}

async fn everywhere(State(app): State<Arc<App>>, _: Operator, _: Fresh) -> Json<Value> {
    Json(app.views.policies.read(|policies| layer(policies.installation())))
}

async fn of_account(State(app): State<Arc<App>>, caller: Caller, _: Fresh) -> Json<Value> {
    Json(app.views.policies.read(|policies| {
        let mut shown = layer(policies.account(caller.account));
        shown["installation"] = layer(policies.installation());
        shown
    }))
}

async fn set_everywhere(
    State(app): State<Arc<App>>,
    _: Operator,
    PathWord(kind): PathWord,
    Cause(context): Cause,
    Body(given): Body<Given>,
) -> Result<Json<Value>, Problem> {
    let kind = given::kind(&kind)?;
    let policy = given.policy(kind != RULE)?;
    let shown = given::shown(&policy);
    let command = installation::Command::SetPolicy { kind: kind.clone(), policy };
    let done = app.actors.installation.ask(installation::TheOne, context, command).await?;
    answer(&app, &kind, shown, done.answer.policies.version, done.position).await
}

async fn set_for_account(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathWord(kind): PathWord,
    Cause(context): Cause,
    Body(given): Body<Given>,
) -> Result<Json<Value>, Problem> {
    let kind = given::kind(&kind)?;
    let policy = given.policy(kind != RULE)?;
    let shown = given::shown(&policy);
    let command = account::Command::SetPolicy { kind: kind.clone(), policy };
    let done = app.actors.accounts.ask(caller.account, context, command).await?;
    app.acknowledge(done.position);
    let version = held(&app, caller.account, done.position).await?;
    answer(&app, &kind, shown, version, done.position).await
}

/// The version of an account's policies, once the view has seen the last of them.
async fn held(app: &App, account: AccountId, position: Position) -> Result<u32, Problem> {
    app.views.policies.wait_for(position, HOLDS_WITHIN).await?;
    Ok(app.views.policies.read(|policies| policies.account(account).version))
}

/// Answers only when whatever is reported from now on is decided by the policy.
async fn answer(
    app: &App,
    kind: &str,
    mut shown: Value,
    version: u32,
    position: Position,
) -> Result<Json<Value>, Problem> {
    app.acknowledge(position);
    app.views.policies.wait_for(position, HOLDS_WITHIN).await?;
    shown["kind"] = json!(kind);
    shown["version"] = json!(version);
    shown["position"] = json!(position);
    Ok(Json(shown))
}

async fn show_one<I: Reauthorizable>(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<I>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    let seen = id.seen(&app, caller.account).ok_or(Problem::NoResource)?;
    let mut shown = given::shown(&seen.policy);
    shown["holds"] = app.views.policies.read(|policies| {
        let rules = policies.rules(caller.account, &seen.kind, &seen.policy);
        given::held(&rules, seen.health.threshold, I::HAS_CREDENTIAL)
    });
    Ok(Json(shown))
}

async fn set_for_one<I: Reauthorizable>(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<I>,
    Cause(context): Cause,
    Body(given): Body<Given>,
) -> Result<Json<Value>, Problem> {
    let policy = given.policy(I::HAS_CREDENTIAL)?;
    let mut shown = given::shown(&policy);
    let done = id.report(&app, caller.account, context, Report::SetPolicy(policy)).await?;
    app.acknowledge(done.position);
    shown["position"] = json!(done.position);
    Ok(Json(shown))
}

fn layer(layer: &Layer) -> Value {
    let policies = layer.kinds.iter().map(|(kind, policy)| {
        let mut shown = given::shown(policy);
        shown["kind"] = json!(kind);
        shown
    });
    json!({ "version": layer.version, "policies": policies.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests;
