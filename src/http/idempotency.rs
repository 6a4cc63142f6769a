//! `Idempotency-Key`: the same key and request get the same answer, and happen once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actors::Context;
use actors::request::Command;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use events::request::Answered;
use events::{AccountId, Actor};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::auth::{Caller, Operator};
use super::body;
use super::context::{BrokenOff, Derived};
use super::problem::Problem;
use super::turns::Turns;
use crate::app::App;

/// The header.
pub const HEADER: &str = "idempotency-key";

/// As long as a key may be.
const KEY_MAX: usize = 255;

/// As many lines as a body with a key may have: their answers are kept in one record.
const LINES_MAX: usize = 10_000;

/// What the ids of requests derive from.
const NAMESPACE: Uuid = Uuid::from_bytes(*b"relink/request/1");

/// The keys of requests that are being answered by this process: who comes with one of them waits
/// for that answer.
#[derive(Debug, Clone, Default)]
pub struct UnderWay(Turns<Uuid>);

/// Whose key it is: another's, or another account's, is another key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    actor: Actor,
    /// None where it is about the installation.
    account: Option<AccountId>,
}

impl From<&Caller> for Holder {
    fn from(caller: &Caller) -> Self {
        Self { actor: caller.actor.clone(), account: Some(caller.account) }
    }
}

impl From<&Operator> for Holder {
    fn from(operator: &Operator) -> Self {
        Self { actor: operator.actor.clone(), account: None }
    }
}

/// Told by an answer of several parts: whether one of them may be a better one next time.
#[derive(Debug, Clone, Default)]
pub(super) struct Unsettled(Arc<AtomicBool>);

impl Unsettled {
    /// One of them may.
    pub(super) fn tell(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_told(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether the request is one that [`once`] answers.
pub(super) fn asked_for(request: &Request) -> bool {
    request.method() == Method::POST && request.headers().contains_key(HEADER)
}

/// Answers a POST with a key as it was answered before, or runs it and keeps the answer: to its
/// end, also when whoever asked goes away half way.
pub(super) async fn once(
    app: Arc<App>,
    under_way: UnderWay,
    holder: Holder,
    request: Request,
    next: Next,
) -> Response {
    let run = async move { try_once(&app, &under_way, &holder, request, next).await };
    match tokio::spawn(run).await {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => problem.into_response(),
        Err(panic) => {
            tracing::error!("a handler fell over: {panic}");
            Problem::Bug.into_response()
        }
    }
}

async fn try_once(
    app: &App,
    under_way: &UnderWay,
    holder: &Holder,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = key(request.headers())?;
    let (mut parts, body) = request.into_parts();
    let id = id(holder, parts.method.as_str(), parts.uri.path(), key.as_bytes());
    let body = body::read(body).await?;
    if body::is_ndjson(&parts.headers)
        && body.iter().filter(|byte| **byte == b'\n').count() > LINES_MAX
    {
        let text = format!("a body with an Idempotency-Key has at most {LINES_MAX} lines");
        return Err(Problem::Malformed(text));
    }
    let query = parts.uri.query().unwrap_or("");
    let fingerprint = fingerprint(parts.method.as_str(), parts.uri.path(), query, &body);
    let turn = app.unless_it_stops(under_way.0.wait(id)).await?;
    let _turn = turn.ok_or(Problem::UnderWay)?;
    let received = Command::Receive { fingerprint };
    let known = app.actors.requests.ask(id, context(app, holder), received).await?;
    if let Some(answered) = known.answer {
        return replay(app, id, &answered);
    }
    parts.extensions.insert(Derived(id));
    if known.event.is_none() {
        parts.extensions.insert(BrokenOff(known.position));
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    keep(app, holder, id, response).await
}

fn key(headers: &HeaderMap) -> Result<HeaderValue, Problem> {
    let key = headers.get(HEADER).cloned().unwrap_or(HeaderValue::from_static(""));
    if key.is_empty() || key.len() > KEY_MAX || key.to_str().is_err() {
        let text = format!("an Idempotency-Key has 1 to {KEY_MAX} visible characters of ASCII");
        return Err(Problem::Malformed(text));
    }
    Ok(key)
}

fn id(holder: &Holder, method: &str, path: &str, key: &[u8]) -> Uuid {
    let account = holder.account.map_or_else(String::new, |account| account.to_string());
    let mut name = format!("{account}\n{}\n{method} {path}\n", holder.actor).into_bytes();
    name.extend_from_slice(key);
    Uuid::new_v5(&NAMESPACE, &name)
}

fn fingerprint(method: &str, path: &str, query: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(format!("{method} {path}?{query}\n"));
    hash.update(body);
    hash.finalize().into()
}

/// Not of the derived id: two commands go to the same stream, and each may be repeated anyway.
fn context(app: &App, holder: &Holder) -> Context {
    let id = Uuid::new_v4();
    let Holder { actor, account } = holder.clone();
    Context { id, correlation: id, actor, account, now: app.clock.now() }
}

fn place(id: Uuid) -> String {
    format!("request/{id}")
}

fn replay(app: &App, id: Uuid, answered: &Answered) -> Result<Response, Problem> {
    let body = app.vault.unseal(&place(id), &answered.body).map_err(|unsealable| {
        tracing::error!(request.id = %id, "the answer of request {id} stays shut: {unsealable}");
        Problem::Bug
    })?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answered.status).map_err(|_| Problem::Bug)?;
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::from_str(&answered.content_type)
        && !content_type.is_empty()
    {
        headers.insert(CONTENT_TYPE, content_type);
    }
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(response)
}

/// Keeps an answer that would be the same again; one that may be better next time is only given.
async fn keep(
    app: &App,
    holder: &Holder,
    id: Uuid,
    response: Response,
) -> Result<Response, Problem> {
    let passing = response.extensions().get().is_some_and(Problem::may_pass);
    if passing || response.status().is_server_error() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| Problem::Bug)?.to_bytes();
    if parts.extensions.get().is_some_and(Unsettled::is_told) {
        return Ok(Response::from_parts(parts, Body::from(body)));
    }
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let answered = Answered {
        status: parts.status.as_u16(),
        content_type: content_type.unwrap_or("").to_owned(),
        body: app.vault.seal(&place(id), &body),
    };
    let answer = Command::Answer(answered);
    if let Err(refused) = app.actors.requests.ask(id, context(app, holder), answer).await {
        // It has happened: the caller is told. A repetition has the same command id.
        tracing::warn!(request.id = %id, "the answer of request {id} is not kept: {refused}");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

#[cfg(test)]
mod tests;
