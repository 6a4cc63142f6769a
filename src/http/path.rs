//! The numbers in a path.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use events::{AccountId, EndpointId, HookId, InboxId, RuleId, WebhookId};

use super::problem::Problem;

/// The last parameter of the path; what is no such id does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathId<T>(pub T);

/// The last parameter of the path as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathWord(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathWord {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| Problem::NoResource)?;
        let last = params.iter().last().map(|(_, text)| text.to_owned());
        last.map(Self).ok_or(Problem::NoResource)
    }
}

/// The endpoint that a path is about: `webhooks/{webhook}`, that of `inboxes/{inbox}`, else the
/// mail of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathEndpoint(pub EndpointId);

impl<S: Send + Sync> FromRequestParts<S> for PathEndpoint {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| Problem::NoResource)?;
        let (name, text) = params.iter().last().ok_or(Problem::NoResource)?;
        let number = number(text).ok_or(Problem::NoResource)?;
        Ok(Self(match name {
            "webhook" => EndpointId::Webhook(WebhookId(number)),
            "inbox" => EndpointId::Inbox(InboxId(number)),
            _ => EndpointId::Mail(AccountId(number)),
        }))
    }
}

/// An id that can be the last parameter of a path.
pub trait Identifies: Sized {
    /// The id that the text stands for.
    fn from_path(text: &str) -> Option<Self>;
}

impl Identifies for InboxId {
    fn from_path(text: &str) -> Option<Self> {
        number(text).map(Self)
    }
}

impl Identifies for WebhookId {
    fn from_path(text: &str) -> Option<Self> {
        number(text).map(Self)
    }
}

impl Identifies for HookId {
    fn from_path(text: &str) -> Option<Self> {
        number(text).map(Self)
    }
}

impl Identifies for RuleId {
    fn from_path(text: &str) -> Option<Self> {
        number(text).map(Self)
    }
}

impl Identifies for events::DeliveryId {
    fn from_path(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Identifies for events::delivery::RecoveryId {
    fn from_path(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl<S: Send + Sync, T: Identifies> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| Problem::NoResource)?;
        let last = params.iter().last().and_then(|(_, text)| T::from_path(text));
        last.map(Self).ok_or(Problem::NoResource)
    }
}

/// The largest number that every reader of JSON holds exactly (RFC 8259, section 6).
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// Whether something new may have this id, which answers tell as a number.
///
/// # Errors
/// When a client may read another one there.
pub(super) fn check_new(id: u64) -> Result<(), Problem> {
    if id <= NUMBER_MAX {
        return Ok(());
    }
    Err(Problem::invalid("id", format!("Id must be less than or equal to {NUMBER_MAX}")))
}

/// Digits only: no sign, unlike [`str::parse`].
pub(super) fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
