//! Reads follow writes: how new a view must be before it is shown.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::Query;
use axum::http::request::Parts;
use events::Position;
use serde::Deserialize;

use super::problem::Problem;
use crate::app::App;

/// As long as `?consistent_to=` waits.
const WITHIN: Duration = Duration::from_secs(5);

/// The views show what the caller asked for with `?consistent_to=`, else what this process has
/// acknowledged.
#[derive(Debug, Clone, Copy)]
pub struct Fresh;

#[derive(Deserialize)]
struct Wanted {
    consistent_to: Option<String>,
}

impl FromRequestParts<Arc<App>> for Fresh {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let wanted: Option<Query<Wanted>> = Query::try_from_uri(&parts.uri).ok();
        let Some(text) = wanted.and_then(|Query(wanted)| wanted.consistent_to) else {
            app.own_writes().await;
            return Ok(Self);
        };
        let position = super::path::number(&text).ok_or_else(|| {
            Problem::Malformed(format!("consistent_to is {text:?} and no position of the log"))
        })?;
        app.unless_it_stops(app.views.wait_for(Position(position), WITHIN)).await??;
        Ok(Self)
    }
}

#[cfg(test)]
mod tests;
