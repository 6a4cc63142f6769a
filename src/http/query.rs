//! What stands behind the question mark of a path.

use axum::extract::{FromRequestParts, Query as AxumQuery};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The parameters of a query, each of them a text at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match AxumQuery::try_from_uri(&parts.uri) {
            Ok(AxumQuery(query)) => Ok(Self(query)),
            Err(error) => Err(Problem::Malformed(error.body_text())),
        }
    }
}

/// The parameter `name` as `read` understands it; an empty one is as good as none.
///
/// # Errors
/// When it is given and means nothing; the text names it and says what would do.
pub fn read<T, E: std::fmt::Display>(
    name: &str,
    text: Option<&str>,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    read(text).map(Some).map_err(|problem| Problem::Malformed(format!("{name}: {problem}")))
}

/// A number of records from 1 to `most`.
///
/// # Errors
/// When it is given and is none.
pub fn limit(text: Option<&str>, default: usize, most: usize) -> Result<usize, Problem> {
    let within = |text: &str| {
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| format!("{text:?} is no number from 1 to {most}"))
    };
    Ok(read("limit", text, within)?.unwrap_or(default))
}
