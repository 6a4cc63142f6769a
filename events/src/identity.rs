//! Who and which: every id is a type of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::EndpointId;

/// A text that is not an id of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {kind} id")]
pub struct ParseIdError {
    kind: &'static str,
    text: String,
}

impl ParseIdError {
    pub(crate) fn new(kind: &'static str, text: &str) -> Self {
        Self { kind, text: text.to_owned() }
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse()
                    .map(Self)
                    .map_err(|_| ParseIdError { kind: $kind, text: text.to_owned() })
            }
        }
    };
}

number!(
    /// A tenant. Everything belongs to exactly one.
    AccountId, "account"
);
number!(
    /// One channel connection of an account; the host platform gives the number.
    InboxId, "inbox"
);
number!(
    /// A subscriber's endpoint; Relink gives the number, unique in the installation.
    WebhookId, "webhook"
);
number!(
    /// An integration hook; Relink gives the number, unique in the installation.
    HookId, "hook"
);
number!(
    /// An automation rule; Relink gives the number, unique in the installation.
    RuleId, "rule"
);
number!(
    /// An API token; the number is shown, the token itself never again.
    TokenId, "token"
);

/// One record of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl EventId {
    /// The id of the `nth` event that `cause` brings about in `stream`: the same cause repeated
    /// gives the same ids, so that a repeated append is recognised.
    pub fn caused_by(cause: Uuid, stream: &str, nth: usize) -> Self {
        Self(Uuid::new_v5(&cause, format!("{stream}/{nth}").as_bytes()))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One event owed to one endpoint.
///
/// Derived from both, so fanning out twice owes nothing twice. The first six bytes are the
/// endpoint's kind (four bits) and number, so that a delivery is found from its id alone; the
/// rest is a hash. It is a UUID of version 8 (RFC 9562, section 5.8: custom).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(pub Uuid);

impl DeliveryId {
    /// The delivery of `event` to `endpoint`.
    pub fn of(event: EventId, endpoint: impl Into<EndpointId>) -> Self {
        let number = endpoint.into().packed().to_be_bytes();
        let hash = Uuid::new_v5(&event.0, &number);
        let mut bytes = *hash.as_bytes();
        bytes[..6].copy_from_slice(&number[2..]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The endpoint that this delivery is owed to.
    pub fn endpoint(self) -> EndpointId {
        let mut number = [0; 8];
        number[2..].copy_from_slice(&self.0.as_bytes()[..6]);
        EndpointId::unpacked(u64::from_be_bytes(number))
    }

    /// The webhook that this delivery is owed to, where it is one.
    pub fn webhook(self) -> Option<WebhookId> {
        self.endpoint().webhook()
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for DeliveryId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| ParseIdError { kind: "delivery", text: text.to_owned() })
    }
}

/// Names a sealing key without telling anything about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(const_hex::Buffer::<8>::new().format(&self.0))
    }
}

/// Who acted: `token/3`, `admin`, or a part of Relink such as `relink/fanout`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(std::borrow::Cow<'static, str>);

impl Actor {
    /// The installation's administrator, known by `RELINK_ADMIN_TOKEN`.
    pub const ADMIN: Self = Self(std::borrow::Cow::Borrowed("admin"));
    /// The fan-out, which turns events into deliveries.
    pub const FANOUT: Self = Self(std::borrow::Cow::Borrowed("relink/fanout"));
    /// The delivery actor, which records how attempts ended.
    pub const DELIVERY: Self = Self(std::borrow::Cow::Borrowed("relink/delivery"));
    /// The start of the service, which records settings that the log must know.
    pub const STARTUP: Self = Self(std::borrow::Cow::Borrowed("relink/startup"));
    /// The removal of what was kept for long enough.
    pub const RETENTION: Self = Self(std::borrow::Cow::Borrowed("relink/retention"));
    /// The look at credentials that end soon.
    pub const EXPIRY: Self = Self(std::borrow::Cow::Borrowed("relink/expiry"));
    /// Somebody at the command line of the machine.
    pub const COMMAND_LINE: Self = Self(std::borrow::Cow::Borrowed("relink/cli"));

    /// The holder of an API token.
    pub fn token(token: TokenId) -> Self {
        Self(format!("token/{token}").into())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests;
