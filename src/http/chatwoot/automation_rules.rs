//! The automation rules of an account, in Chatwoot's shapes.

mod params;

use std::sync::Arc;

use actors::Context;
use actors::installation::{Command as InstallationCommand, TheOne};
use actors::rule::{Action, Live, Rule};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use events::rule::Created;
use events::{Position, RuleId, Timestamp};
use projections::rule_health::Rule as Seen;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::body::Raw;
use crate::http::chatwoot::params::read;
use crate::http::context::Cause;
use crate::http::fresh::Fresh;
use crate::http::native::accounts;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::under;

/// The routes; for administrators.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    let one = get(show).patch(change).put(change).delete(delete);
    Router::new()
        .route(under!("/automation_rules"), get(list).post(create))
        .route(under!("/automation_rules/{rule}"), one)
        .route(under!("/automation_rules/{rule}/clone"), post(duplicate))
}

async fn list(State(app): State<Arc<App>>, caller: Caller, _: Fresh) -> Json<Value> {
    let rules: Vec<_> = app
        .views
        .rule_health
        .read(|view| view.of_account(caller.account).iter().map(seen).collect());
    Json(json!({ "payload": rules }))
}

async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<RuleId>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    let rule = app.views.rule_health.read(|view| {
        let rule = view.rule(id).filter(|rule| rule.account == caller.account && !rule.removed);
        rule.as_ref().map(seen)
    });
    Ok(Json(json!({ "payload": rule.ok_or(Problem::NoResource)? })))
}

/// Chatwoot answers a new rule bare, and every other in a payload.
async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    cause: Cause,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    accounts::registered(&app, &caller, cause.step("account")).await?;
    let created = params::creation(&read(&body)?, caller.account)?;
    let (mut rule, position) = make(&app, &caller, cause, created).await?;
    rule.insert("position".to_owned(), json!(position));
    Ok(Json(Value::Object(rule)))
}

async fn duplicate(
    State(app): State<Arc<App>>,
    caller: Caller,
    cause: Cause,
    PathId(id): PathId<RuleId>,
) -> Result<Json<Value>, Problem> {
    let (live, _) = ask(&app, &caller, cause.step("look"), id, Action::Look).await?;
    let active = live.switch.is_on();
    let (rule, position) = make(&app, &caller, cause, Created { active, ..live.facts }).await?;
    Ok(Json(json!({ "payload": rule, "position": position })))
}

async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    cause: Cause,
    PathId(id): PathId<RuleId>,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    let change = params::change(&read(&body)?)?;
    let now = cause.0.now;
    let action = Action::Change(Box::new(change));
    let (live, position) = ask(&app, &caller, cause.0, id, action).await?;
    let rule = shown(id, &live, created_at(&app, id, now));
    Ok(Json(json!({ "payload": rule, "position": position })))
}

async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    cause: Cause,
    PathId(id): PathId<RuleId>,
) -> Result<StatusCode, Problem> {
    let command = app.command(caller.account, Action::Delete);
    let done = app.actors.rules.ask(id, cause.0, command).await?;
    app.acknowledge(done.position);
    Ok(StatusCode::OK)
}

/// Makes the rule under the number of this request: repeated, it is the same rule.
async fn make(
    app: &App,
    caller: &Caller,
    cause: Cause,
    created: Created,
) -> Result<(Map<String, Value>, Position), Problem> {
    let request = cause.0.id;
    let take = InstallationCommand::TakeRuleNumber(request);
    let numbered = app.actors.installation.ask(TheOne, cause.step("number"), take).await?;
    let id = numbered.answer.rules.of(request).map(RuleId).ok_or(Problem::Bug)?;
    let now = cause.0.now;
    let action = Action::Create(Box::new(created));
    let (live, position) = ask(app, caller, cause.0, id, action).await?;
    Ok((shown(id, &live, created_at(app, id, now)), position))
}

async fn ask(
    app: &App,
    caller: &Caller,
    context: Context,
    id: RuleId,
    action: Action,
) -> Result<(Live, Position), Problem> {
    let command = app.command(caller.account, action);
    let done = app.actors.rules.ask(id, context, command).await?;
    if done.event.is_some() {
        app.acknowledge(done.position);
    }
    match done.answer {
        Rule::Live(live) => Ok((*live, done.position)),
        Rule::Absent | Rule::Deleted => Err(Problem::NoResource),
    }
}

/// What no view has seen yet was made just now.
fn created_at(app: &App, id: RuleId, now: Timestamp) -> Timestamp {
    app.views.rule_health.read(|view| view.rule(id).map(|rule| rule.created_at)).unwrap_or(now)
}

fn shown(id: RuleId, live: &Live, created_at: Timestamp) -> Map<String, Value> {
    let required = live.reauthorization.required;
    rendered(id, &live.facts, live.switch.is_on(), required, created_at)
}

fn seen(rule: &Seen<'_>) -> Map<String, Value> {
    let required = rule.health.reauthorization_required;
    rendered(rule.id, rule.facts, rule.off.is_none(), required, rule.created_at)
}

/// A rule as Chatwoot shows it, and whether somebody must correct it.
fn rendered(
    id: RuleId,
    facts: &Created,
    active: bool,
    required: bool,
    created_at: Timestamp,
) -> Map<String, Value> {
    // They are JSON of ours.
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let mut shown = Map::new();
    let mut add = |key: &str, value: Value| shown.insert(key.to_owned(), value);
    add("id", json!(id));
    add("account_id", json!(facts.account));
    add("name", json!(facts.name));
    add("description", json!(facts.description));
    add("event_name", json!(facts.event_name));
    add("conditions", parsed(&facts.conditions));
    add("actions", parsed(&facts.actions));
    add("created_on", json!(created_at.as_seconds()));
    add("active", json!(active));
    add("reauthorization_required", json!(required));
    shown
}

#[cfg(test)]
mod tests;
