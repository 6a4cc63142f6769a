//! Why something is done: the id of the request, of the command, and who asked.

use std::sync::Arc;

use actors::{Context, caught};
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use events::{AccountId, Actor, Position};
use uuid::Uuid;

use super::auth::{Caller, Operator};
use super::problem::Problem;
use crate::app::App;

/// Echoed when it is given, made up when it is not.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// As long as a given `X-Request-Id` may be.
const REQUEST_ID_MAX: usize = 200;

/// The number of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestId(Uuid);

/// The command's id when it is derived from an `Idempotency-Key`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Derived(pub(super) Uuid);

/// A request with this `Idempotency-Key` came before and was never answered to its end. Whatever it
/// did then stands behind this position.
#[derive(Debug, Clone, Copy)]
pub(super) struct BrokenOff(pub(super) Position);

/// The context of what a request commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(pub Context);

impl Cause {
    /// The context of what this caller commands with the request that has these extensions.
    pub(super) fn of(extensions: &Extensions, caller: &Caller, app: &App) -> Self {
        Self::by(extensions, caller.actor.clone(), Some(caller.account), app)
    }

    /// The same where nothing else is known of the request than its number.
    pub(super) fn of_plain(request: RequestId, caller: &Caller, app: &App) -> Self {
        // The correlation may be the client's and come again; a command's id may not.
        let (id, correlation) = (Uuid::new_v4(), request.0);
        let (actor, account) = (caller.actor.clone(), Some(caller.account));
        Self(Context { id, correlation, actor, account, now: app.clock.now() })
    }

    fn by(extensions: &Extensions, actor: Actor, account: Option<AccountId>, app: &App) -> Self {
        let correlation = extensions.get::<RequestId>().map_or_else(Uuid::new_v4, |id| id.0);
        let derived = extensions.get::<Derived>().map(|derived| derived.0);
        let id = derived.unwrap_or_else(Uuid::new_v4);
        Self(Context { id, correlation, actor, account, now: app.clock.now() })
    }

    /// The context of one of several commands that one request gives to the same stream: a derived
    /// id must not be used twice there.
    pub fn step(&self, name: &str) -> Context {
        Context { id: step(self.0.id, name), ..self.0.clone() }
    }
}

/// Derived from `id` when that is derived itself, else new.
pub(super) fn step(id: Uuid, name: &str) -> Uuid {
    if id.get_version_num() == 5 { Uuid::new_v5(&id, name.as_bytes()) } else { Uuid::new_v4() }
}

impl FromRequestParts<Arc<App>> for Cause {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let extensions = &parts.extensions;
        if let Some(Operator { actor }) = extensions.get() {
            return Ok(Self::by(extensions, actor.clone(), None, app));
        }
        let caller: &Caller = extensions.get().ok_or(Problem::Bug)?;
        Ok(Self::of(extensions, caller, app))
    }
}

/// Numbers the request, and turns a panic into an answer.
pub(super) async fn number(
    request: Request,
    answer: impl AsyncFnOnce(Request, RequestId) -> Response,
) -> Response {
    let given = request.headers().get(X_REQUEST_ID);
    let given = given.filter(|text| text.len() <= REQUEST_ID_MAX).cloned();
    let id = given.as_ref().and_then(|text| Uuid::try_parse_ascii(text.as_bytes()).ok());
    let id = id.unwrap_or_else(Uuid::new_v4);
    // On the heap: what is moved from here up to the connection is then a pointer.
    let answered = caught(Box::pin(answer(request, RequestId(id)))).await;
    let mut response = answered.unwrap_or_else(|_| {
        tracing::error!("a handler fell over; the panic before this line says where");
        Problem::Bug.into_response()
    });
    let text = given.or_else(|| {
        let mut text = Uuid::encode_buffer();
        HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)).ok()
    });
    if let Some(text) = text {
        response.headers_mut().insert(X_REQUEST_ID, text);
    }
    response
}
