//! `POST /events`: what the host platform reports, one event or one a line.

mod earlier;
mod lines;
mod stream;
mod unread;

use std::future::Future;
use std::sync::Arc;

use actors::{Context, Refused, platform};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use events::platform::EventReceived;
use events::webhook::OPERATIONAL;
use events::{EventId, Position, credentials};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::body;
use crate::http::context::{BrokenOff, Cause};
use crate::http::idempotency::Unsettled;
use crate::http::native::accounts;
use crate::http::problem::Problem;
use crate::http::under;
use earlier::Earlier;
use stream::Desk;
use unread::Room;

/// As many characters as an event's name may have.
const NAME_MAX: usize = 100;

/// As many bytes as a delivery may have beyond the report that it tells: whatever is taken must fit
/// the log once more, in every ledger that is owed it.
const BESIDE: usize = 16 << 10;

#[derive(Deserialize)]
struct Given<'a> {
    event: Option<Value>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// What is told of an event that was taken.
#[derive(Debug, Clone, Copy, Serialize)]
struct Taken {
    id: EventId,
    position: Position,
}

/// The route; for ingest.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new().route(under!("/events"), post(take)).layer(Extension(Room::default()))
}

async fn take(
    State(app): State<Arc<App>>,
    Extension(room): Extension<Room>,
    caller: Caller,
    cause: Cause,
    request: Request,
) -> Result<Response, Problem> {
    accounts::registered(&app, &caller, cause.step("account")).await?;
    let began = request.extensions().get().map(|BrokenOff(began)| *began);
    let earlier = Earlier::read(&*app.store, caller.account, began).await?;
    if body::is_ndjson(request.headers()) {
        let unsettled = Unsettled::default();
        let desk = Desk { app, caller, context: cause.0, earlier, unsettled: unsettled.clone() };
        let body = stream::answer(desk, room, request.into_body());
        let mut response = (StatusCode::ACCEPTED, Body::new(body)).into_response();
        response.extensions_mut().insert(unsettled);
        let kind = HeaderValue::from_static("application/x-ndjson");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        return Ok(response);
    }
    let body = body::read(request.into_body()).await?;
    let event = read(&app, &caller, &body)?;
    let taken = match earlier.of(cause.0.id) {
        Some(taken) => taken,
        None => receive(&app, &caller, cause.0, event).await?,
    };
    app.acknowledge(taken.position);
    Ok((StatusCode::ACCEPTED, Json(taken)).into_response())
}

/// The event that the JSON reports.
fn read(app: &App, caller: &Caller, json: &[u8]) -> Result<EventReceived, Problem> {
    let Given { event, data } = body::parse(json)?;
    let event = match event {
        None => return Err(Problem::invalid("event", "Event can't be blank")),
        Some(Value::String(name)) if is_name(&name) => name,
        Some(_) => {
            let text =
                format!("Event is no name of [a-z][a-z0-9_.]*, at most {NAME_MAX} characters");
            return Err(Problem::invalid("event", text));
        }
    };
    if OPERATIONAL.contains(&event.as_str()) {
        let text = format!("Event {event} is Relink's own to report");
        return Err(Problem::invalid("event", text));
    }
    let Some(data) = data.filter(|data| data.get().starts_with('{')) else {
        return Err(Problem::invalid("data", "Data must be an object"));
    };
    // Raw JSON may hold what no reader takes, such as half of a surrogate pair: what is taken here
    // must be readable wherever it goes.
    let content: Map<String, Value> = serde_json::from_str(data.get())
        .map_err(|error| Problem::invalid("data", format!("Data cannot be read: {error}")))?;
    let data = without_credentials(&event, content).unwrap_or_else(|| data.get().to_owned());
    let limit = app.store.append_bytes_max().saturating_sub(BESIDE);
    if data.len() > limit {
        return Err(Problem::TooLarge { what: "the event's data", limit });
    }
    Ok(EventReceived { account: caller.account, event, data })
}

/// Chatwoot's inbox events show its channels with all their secrets, which belong into no log. None
/// where there is nothing to take away.
fn without_credentials(event: &str, content: Map<String, Value>) -> Option<String> {
    let mut content = Value::Object(content);
    (event.starts_with("inbox_") && credentials::strip(&mut content)).then(|| content.to_string())
}

/// Chatwoot's names and whatever else looks like one.
fn is_name(text: &str) -> bool {
    text.len() <= NAME_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'.'
        })
}

/// Hands the event over at once, in the order of the calls; the future waits for its place.
fn receive(
    app: &App,
    caller: &Caller,
    context: Context,
    event: EventReceived,
) -> impl Future<Output = Result<Taken, Refused<platform::Rejection>>> + Send + 'static {
    let asked = app.actors.platforms.ask(caller.account, context, event);
    async move {
        let done = asked.await?;
        let id = done.event.expect("a report that is taken is an event, also when it is repeated");
        Ok(Taken { id, position: done.position })
    }
}

#[cfg(test)]
mod tests;
