//! Bodies of requests: limited, and JSON whatever the content type says.

use std::fmt::Display;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use tokio::time::timeout;

use super::problem::Problem;

/// As many bytes as a body, or a line of one, may have: 1 MiB.
pub const BYTES_MAX: usize = 1 << 20;

/// As long as a whole body may take to come, and each part of one that is read as it comes.
pub const WITHIN: Duration = Duration::from_secs(30);

/// A body of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// A body of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw(pub Bytes);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        parse(&read(request.into_body()).await?).map(Self)
    }
}

impl<S: Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request.into_body()).await.map(Self)
    }
}

/// The whole body.
///
/// # Errors
/// When it is larger than [`BYTES_MAX`], breaks off, or does not come [`WITHIN`] its time.
pub async fn read(body: Body) -> Result<Bytes, Problem> {
    // Who says beforehand that it is, need not send it.
    if body.size_hint().lower() > BYTES_MAX as u64 {
        return Err(too_large());
    }
    match timeout(WITHIN, Limited::new(body, BYTES_MAX).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(broken_off()),
        Err(_) => Err(Problem::Slow),
    }
}

/// The body is larger than [`BYTES_MAX`].
pub fn too_large() -> Problem {
    Problem::TooLarge { what: "the body", limit: BYTES_MAX }
}

/// The body has an end, and not the one that was said.
pub fn broken_off() -> Problem {
    Problem::Malformed("the body breaks off".into())
}

/// What the JSON object says.
///
/// # Errors
/// When it is no JSON, with the place; or when it is no object of this shape.
pub fn parse<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, Problem> {
    if !json.trim_ascii_start().starts_with(b"{") {
        // A list would do for its fields as well.
        any::<IgnoredAny>(json)?;
        let message = "the body must be a JSON object".to_owned();
        return Err(Problem::Invalid { message, attributes: vec![], details: vec![] });
    }
    any(json)
}

/// What the JSON says, whatever it is.
///
/// # Errors
/// When it is no JSON, with the place; or when it is not of this shape.
pub fn any<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, Problem> {
    serde_json::from_slice(json).map_err(|error| match error.classify() {
        // What breaks off behind a misfit is no JSON either.
        Category::Data => match serde_json::from_slice::<IgnoredAny>(json) {
            Ok(_) => {
                Problem::Invalid { message: error.to_string(), attributes: vec![], details: vec![] }
            }
            Err(error) => no_json(json, &error),
        },
        Category::Io | Category::Syntax | Category::Eof => no_json(json, &error),
    })
}

fn no_json(body: &[u8], error: &serde_json::Error) -> Problem {
    // Rails reads forms, so that scripts for Chatwoot may send one.
    let words = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.%[]+".contains(byte);
    let named = body.iter().position(|byte| *byte == b'=');
    let is_form = named.is_some_and(|end| end > 0 && body[..end].iter().all(words));
    let hint = if is_form { "; a form is not read, send application/json" } else { "" };
    Problem::Malformed(format!("the body is no JSON: {error}{hint}"))
}

/// The field `name` as `read` understands it.
///
/// # Errors
/// When it is given and means nothing; the text names it and says what would do.
pub fn field<T, E: Display>(
    name: &'static str,
    text: Option<&str>,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Problem> {
    let wrong = |problem| Problem::invalid(name, format!("{name}: {problem}"));
    text.map(read).transpose().map_err(wrong)
}

/// Whether the body is said to be one JSON value a line.
pub fn is_ndjson(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    ["application/x-ndjson", "application/ndjson", "application/jsonl"]
        .iter()
        .any(|known| kind.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests;
