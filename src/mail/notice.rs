//! What there is to write of, told apart by the name of the event.

use serde::Deserialize;
use url::Url;

use super::disabled;
use super::facts::Facts;
use super::letter::{self, Letter};

/// The body of a delivery by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notice {
    /// A connection broke, or works again.
    Connection(Box<Facts>),
    /// A rule disabled an endpoint.
    Disabled(Box<disabled::Facts>),
}

#[derive(Deserialize)]
struct Named {
    event: String,
}

impl Notice {
    pub(super) fn read(body: &[u8]) -> serde_json::Result<Self> {
        let Named { event } = serde_json::from_slice(body)?;
        Ok(if event == actors::fanout::disabled::DISABLED {
            Self::Disabled(Box::new(serde_json::from_slice(body)?))
        } else {
            Self::Connection(Box::new(serde_json::from_slice(body)?))
        })
    }

    pub(super) fn to(&self) -> &[String] {
        match self {
            Self::Connection(facts) => &facts.to,
            Self::Disabled(facts) => &facts.to,
        }
    }

    pub(super) fn letter(&self, frontend: Option<&Url>) -> Letter {
        match self {
            Self::Connection(facts) => letter::compose(facts, frontend),
            Self::Disabled(facts) => disabled::compose(facts, frontend),
        }
    }
}
