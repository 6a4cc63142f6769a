//! Everything that can go wrong with a request; the only place that chooses HTTP statuses.
//!
//! A [`Problem`] answers in problem+json (RFC 9457); behind [`chatwoot`] it answers in Chatwoot's
//! shapes instead.

pub(in crate::http) mod brief;
mod refused;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// Why a request is not answered as hoped. The texts are Chatwoot's where Chatwoot has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no token.
    #[error("You need to sign in or sign up before continuing.")]
    SignedOut,
    /// Nobody has this token.
    #[error("Invalid Access Token")]
    BadToken,
    /// The token is another account's.
    #[error("You are not authorized to access this account")]
    OtherAccount,
    /// The token's role does not allow this.
    #[error("You are not authorized to do this action")]
    Forbidden,
    /// There is no such thing in this account.
    #[error("Resource could not be found")]
    NoResource,
    /// There is nothing at this path.
    #[error("there is nothing at this path")]
    NoRoute,
    /// The path is right and the method is not.
    #[error("this path does not answer this method")]
    WrongMethod,
    /// The body, the query or a header cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// A required parameter is not there.
    #[error("param is missing or the value is empty: {0}")]
    Missing(&'static str),
    /// Attributes have values that they cannot have.
    #[error("{message}")]
    Invalid {
        /// What is wrong, in whole sentences of Rails' kind: `Url is invalid`.
        message: String,
        /// Of which attributes.
        attributes: Vec<&'static str>,
        /// What would do, where the message is Chatwoot's and does not say it.
        details: Vec<String>,
    },
    /// It cannot be done, in the shape of those of Chatwoot's routes that tell it as `error`: a
    /// text, or messages by attribute.
    #[error("{0}")]
    Unprocessable(Value),
    /// It was there, and retention has removed it.
    #[error("{0}")]
    Removed(String),
    /// The thing exists already, or is being made at this moment.
    #[error("{0}")]
    Conflict(String),
    /// It is not, or not any more, as the request says that it must be (`If-Match`).
    #[error("{0}")]
    Changed(String),
    /// The body is larger than it may be.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What is: `the body`.
        what: &'static str,
        /// As many as it may have.
        limit: usize,
    },
    /// The body does not come.
    #[error("the body did not come in time")]
    Slow,
    /// The `Idempotency-Key` came with another request before.
    #[error("the Idempotency-Key was used with another request")]
    KeyReused,
    /// The same request is being answered at this moment.
    #[error("a request with this Idempotency-Key is under way; try again in a second")]
    UnderWay,
    /// As much waits already as may.
    #[error("too much is waiting for the same thing; try again in a second")]
    Busy,
    /// It may work later.
    #[error("{0}")]
    Unavailable(String),
    /// A stream cannot go on before somebody looks.
    #[error("{stream} is halted: {reason}")]
    Halted {
        /// Which.
        stream: String,
        /// Why.
        reason: String,
    },
    /// Our mistake.
    #[error("something went wrong on our side")]
    Bug,
}

impl Problem {
    /// One attribute has a value that it cannot have; `message` begins with its name as Rails
    /// writes it: `Url is invalid`.
    pub fn invalid(attribute: &'static str, message: impl Into<String>) -> Self {
        let (message, attributes) = (message.into(), vec![attribute]);
        Self::Invalid { message, attributes, details: vec![] }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            // Chatwoot answers 401 where others answer 403.
            Self::SignedOut | Self::BadToken | Self::OtherAccount | Self::Forbidden => {
                StatusCode::UNAUTHORIZED
            }
            Self::NoResource | Self::NoRoute => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Removed(_) => StatusCode::GONE,
            Self::Conflict(_) | Self::UnderWay => StatusCode::CONFLICT,
            Self::Changed(_) => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Missing(_) | Self::Invalid { .. } | Self::Unprocessable(_) | Self::KeyReused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) | Self::Halted { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Bug => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A word for programs, stable like a wire name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::BadToken => "bad_token",
            Self::OtherAccount => "other_account",
            Self::Forbidden => "forbidden",
            Self::NoResource => "no_resource",
            Self::NoRoute => "no_route",
            Self::WrongMethod => "wrong_method",
            Self::Malformed(_) => "malformed",
            Self::Missing(_) => "missing",
            Self::Invalid { .. } | Self::Unprocessable(_) => "invalid",
            Self::Removed(_) => "removed",
            Self::Conflict(_) => "conflict",
            Self::Changed(_) => "changed",
            Self::TooLarge { .. } => "too_large",
            Self::Slow => "slow",
            Self::KeyReused => "key_reused",
            Self::UnderWay => "under_way",
            Self::Busy => "busy",
            Self::Unavailable(_) => "unavailable",
            Self::Halted { .. } => "halted",
            Self::Bug => "bug",
        }
    }

    /// Whether the same request may well succeed in a second.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::UnderWay | Self::Busy | Self::Unavailable(_))
    }

    /// Whether the same request may succeed some day.
    pub fn may_pass(&self) -> bool {
        self.is_passing() || self.status().is_server_error()
    }

    /// The body of problem+json: RFC 9457's members, `code`, and Chatwoot's members for its
    /// clients.
    pub fn native_body(&self) -> Value {
        let (status, text) = (self.status(), brief::text(&self.to_string()));
        let mut body = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": text,
            "code": self.code(),
        });
        if let Some(body) = body.as_object_mut() {
            body.insert("error".to_owned(), text.into());
            body.append(&mut self.chatwoot_body());
        }
        body
    }

    fn chatwoot_body(&self) -> Map<String, Value> {
        let text = Value::from(brief::text(&self.to_string()));
        let mut body = Map::new();
        match self {
            Self::SignedOut => {
                body.insert("errors".to_owned(), Value::from(vec![text]));
            }
            Self::Invalid { message: _, attributes, details } => {
                body.insert("message".to_owned(), text);
                body.insert("attributes".to_owned(), Value::from(attributes.clone()));
                if !details.is_empty() {
                    let details = details.iter().map(|detail| brief::text(detail));
                    body.insert("details".to_owned(), details.collect());
                }
            }
            Self::Unprocessable(error) => {
                body.insert("error".to_owned(), error.clone());
            }
            Self::BadToken
            | Self::OtherAccount
            | Self::Forbidden
            | Self::NoResource
            | Self::NoRoute
            | Self::WrongMethod
            | Self::Malformed(_)
            | Self::Missing(_)
            | Self::Removed(_)
            | Self::Conflict(_)
            | Self::Changed(_)
            | Self::TooLarge { .. }
            | Self::Slow
            | Self::KeyReused
            | Self::UnderWay
            | Self::Busy
            | Self::Unavailable(_)
            | Self::Halted { .. }
            | Self::Bug => {
                body.insert("error".to_owned(), text);
            }
        }
        body
    }

    fn response(self, body: Value, content_type: &'static str) -> Response {
        let mut response = (self.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if self.is_passing() {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.native_body();
        self.response(body, "application/problem+json")
    }
}

/// Answers problems in Chatwoot's shapes; a layer of the routes that Chatwoot has too.
pub async fn chatwoot(mut response: Response) -> Response {
    match response.extensions_mut().remove::<Problem>() {
        Some(problem) => {
            let body = Value::Object(problem.chatwoot_body());
            problem.response(body, "application/json")
        }
        None => response,
    }
}

/// There is nothing at this path.
pub async fn no_route() -> Problem {
    Problem::NoRoute
}

/// The path is right and the method is not.
pub async fn wrong_method() -> Problem {
    Problem::WrongMethod
}

#[cfg(test)]
mod tests;
