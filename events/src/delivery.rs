//! The ledger of what a webhook is owed: each delivery from its queueing to its end.

use serde::{Deserialize, Serialize};

use crate::vocabulary::vocabulary;
use crate::words;
use crate::{AccountId, DeliveryId, EventId, Timestamp};

/// An event is owed. The body is fixed here and the same on every attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// Which.
    pub delivery: DeliveryId,
    /// The tenant.
    pub account: AccountId,
    /// What the receiver calls the event: `inbox_updated`.
    pub event: String,
    /// The record that brought it about.
    pub source: EventId,
    /// The exact bytes to deliver, JSON.
    pub body: String,
    /// When the first attempt may be made.
    pub due: Timestamp,
}

/// An attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFailed {
    /// Which.
    pub delivery: DeliveryId,
    /// The first attempt is 1.
    pub attempt: u32,
    /// What kind of failure.
    pub class: AttemptClass,
    /// What happened, in words.
    pub detail: String,
    /// What the receiver answered, if it did.
    pub response: Option<Response>,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// When the next attempt may be made; none when this was the last.
    pub retry_at: Option<Timestamp>,
}

/// The receiver took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// Which.
    pub delivery: DeliveryId,
    /// The first attempt is 1.
    pub attempt: u32,
    /// What the receiver answered.
    pub response: Response,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// How long it took, in microseconds.
    pub duration_us: u64,
}

/// No further attempt will be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abandoned {
    /// Which.
    pub delivery: DeliveryId,
    /// Why.
    pub reason: AbandonReason,
}

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The beginning of the body, lossily as text.
    pub body: String,
    /// Whether there was more of it.
    pub truncated: bool,
}

words! {
    /// What kind of end an attempt had.
    pub enum AttemptClass {
        /// 2xx.
        Ok = "ok",
        /// 3xx and 4xx without a class of their own.
        Client = "client",
        /// 401 and 403.
        Auth = "auth",
        /// 410.
        Gone = "gone",
        /// 429.
        Throttled = "throttled",
        /// 5xx.
        Server = "server",
        /// The exchange took too long.
        Timeout = "timeout",
        /// The name does not resolve.
        Dns = "dns",
        /// No connection, or it broke.
        Connect = "connect",
        /// No TLS.
        Tls = "tls",
        /// The address may not be reached.
        Blocked = "blocked",
        /// Our fault.
        Ours = "ours",
    }
}

words! {
    /// Why a delivery was given up.
    pub enum AbandonReason {
        /// The schedule is at its end.
        Exhausted = "exhausted",
        /// The webhook is gone.
        WebhookDeleted = "webhook_deleted",
        /// The address may never be reached.
        Blocked = "blocked",
    }
}

vocabulary! {
    category "delivery";
    /// What can happen to a delivery.
    pub enum Event {
        /// See [`Queued`].
        Queued = "queued" v 1,
        /// See [`AttemptFailed`].
        AttemptFailed = "attempt_failed" v 1,
        /// See [`Delivered`].
        Delivered = "delivered" v 1,
        /// See [`Abandoned`].
        Abandoned = "abandoned" v 1,
    }
}

impl Event {
    /// The delivery it is about.
    pub fn delivery(&self) -> DeliveryId {
        match self {
            Self::Queued(event) => event.delivery,
            Self::AttemptFailed(event) => event.delivery,
            Self::Delivered(event) => event.delivery,
            Self::Abandoned(event) => event.delivery,
        }
    }
}
