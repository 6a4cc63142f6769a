//! `GET /live`: what happens in an account, as server-sent events, from now on or from a position.

mod follower;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use events::Position;
use hyper::body::Frame;
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::places::Places;
use crate::http::problem::Problem;
use crate::http::query::{self, Query};
use crate::http::under;
use follower::Follower;

/// As many followers as there are at once: each reads the log for itself.
const FOLLOWERS_MAX: usize = 256;

/// As many of them as are one account's.
const ACCOUNT_FOLLOWERS_MAX: usize = 32;

/// As many events as wait for one reader.
const UNREAD_MAX: usize = 64;

/// What a client sends that comes again (HTML, section 9.2.4).
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

#[derive(Deserialize)]
struct Asked {
    /// For clients that cannot set the header.
    after: Option<String>,
}

/// The route; for agents too.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    let places = Places::new(FOLLOWERS_MAX, ACCOUNT_FOLLOWERS_MAX);
    Router::new().route(under!("/live"), get(follow)).layer(Extension(places))
}

async fn follow(
    State(app): State<Arc<App>>,
    Extension(places): Extension<Places>,
    caller: Caller,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let seen = headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or("?"));
    let seen = seen.filter(|id| !id.is_empty());
    let header = query::read("Last-Event-ID", seen, position)?;
    let after = header.or(query::read("after", asked.after.as_deref(), position)?);
    let head = app.store.head().await?;
    // A position that is not reached yet is one of another log: what comes now is news.
    let behind = after.map_or(head, |after| after.min(head));
    let place = places.take(caller.account).ok_or_else(|| {
        let (all, own) = (FOLLOWERS_MAX, ACCOUNT_FOLLOWERS_MAX);
        let text = format!("{all} readers follow already, or {own} of this account; come later");
        Problem::Unavailable(text)
    })?;
    let (sender, receiver) = mpsc::channel(UNREAD_MAX);
    let follower = Follower::new(&app, caller, behind, sender);
    tokio::spawn(async move {
        follower.run().await;
        drop(place);
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        // Or nginx would keep the events until it has a page of them.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((StatusCode::OK, headers, Body::new(Frames(receiver))).into_response())
}

fn position(text: &str) -> Result<Position, String> {
    text.parse().map(Position).map_err(|_| format!("{text:?} is no position of the log"))
}

/// The body: it ends when the follower does.
struct Frames(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests;
