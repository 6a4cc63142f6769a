//! Reads follow writes: how new a view must be before it is shown.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use events::Position;
use serde::Deserialize;

use super::path;
use super::problem::Problem;
use super::query::{self, Query};
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
        let Query(wanted) = Query::<Wanted>::from_request_parts(parts, app).await?;
        let position = |text: &str| {
            path::number(text).ok_or_else(|| format!("{text:?} is no position of the log"))
        };
        match query::read("consistent_to", wanted.consistent_to.as_deref(), position)? {
            Some(position) => {
                app.unless_it_stops(app.views.wait_for(Position(position), WITHIN)).await??;
            }
            None => app.own_writes().await,
        }
        Ok(Self)
    }
}

#[cfg(test)]
mod tests;
