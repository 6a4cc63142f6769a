//! The ledger of what an endpoint is owed: each delivery from its queueing to its end, and
//! whether the endpoint can take any.

use serde::{Deserialize, Serialize};

use crate::codec::delivery::{
    AttemptFailedV1, AttemptFailedV2, DeliveredV1, EndpointDisabledV1, QueuedV1,
};
use crate::vocabulary::vocabulary;
use crate::words;
use crate::{AccountId, DeliveryId, EventId, Timestamp};

mod endpoint;
mod health;
mod recovery;
mod retention;
mod tally;

pub use endpoint::{
    Backlog, DisableRule, EndpointDisabled, EndpointEnabled, EndpointFailing, EndpointMoved,
    EndpointPaced, EndpointPaused, EndpointRecovered, EndpointWarned, Warning,
};
pub use health::{Failing, Health, Standing};
pub use recovery::{
    RecoveryAdvanced, RecoveryCancelled, RecoveryFilter, RecoveryFinished, RecoveryId,
    RecoveryPaused, RecoveryPlanned, RecoveryProgress, RecoveryStarted,
};
pub use retention::{Outcome, Recovery, SummedUp, Trim, Trimmed};
pub use tally::{Counts, FailedAttempt, Tally, WebhookStatus};

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
    /// What it shares with those that it may have to wait for: `conversation/5`, else
    /// `contact/3`, else `inbox/42`; none when the body names none of them.
    pub key: Option<String>,
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
    /// Whether it used up one wait of the schedule. What is our fault, what an endpoint asked to
    /// be put off, and the probes of one that is known to fail use up none.
    pub charged: bool,
    /// Until when the endpoint asked to be left alone (`Retry-After`).
    pub throttled_until: Option<Timestamp>,
    /// Where the connection led to, as `192.0.2.1:443`; none when there was none.
    pub address: Option<String>,
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
    /// Where the connection led to, as `192.0.2.1:443`; none when there was none.
    pub address: Option<String>,
}

/// No further attempt will be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abandoned {
    /// Which.
    pub delivery: DeliveryId,
    /// Why.
    pub reason: AbandonReason,
}

/// Somebody asked for the next attempt now, in place of the one that was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRequested {
    /// Which.
    pub delivery: DeliveryId,
    /// When the next attempt may be made.
    pub due: Timestamp,
}

/// A delivery that had ended is owed again: the same delivery, the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopened {
    /// What is owed, and from when on.
    pub queued: Queued,
    /// Attempts that were made before; they go on counting.
    pub attempts: u32,
    /// The recovery that it belongs to; none when somebody asked for this one.
    pub recovery: Option<RecoveryId>,
}

/// It is put aside until somebody asks for it; those that waited for it go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Which.
    pub delivery: DeliveryId,
}

/// Stands for a record that retention had removed before the log was copied into another engine,
/// so that revisions stay what they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {}

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
        /// Somebody said so.
        Skipped = "skipped",
        /// The endpoint was enabled without its backlog.
        Backlog = "backlog",
    }
}

vocabulary! {
    category "delivery";
    /// What can happen to a delivery and to the endpoint it is owed to.
    pub enum Event {
        /// See [`Queued`].
        Queued = "queued" v 2 lifts 1 QueuedV1,
        /// See [`AttemptFailed`].
        AttemptFailed = "attempt_failed" v 3 lifts 1 AttemptFailedV1 lifts 2 AttemptFailedV2,
        /// See [`Delivered`].
        Delivered = "delivered" v 2 lifts 1 DeliveredV1,
        /// See [`Abandoned`].
        Abandoned = "abandoned" v 1,
        /// See [`RetryRequested`].
        RetryRequested = "retry_requested" v 1,
        /// See [`Reopened`].
        Reopened = "reopened" v 1,
        /// See [`Parked`].
        Parked = "parked" v 1,
        /// See [`EndpointPaced`].
        EndpointPaced = "endpoint_paced" v 1,
        /// See [`EndpointMoved`].
        EndpointMoved = "endpoint_moved" v 1,
        /// See [`EndpointFailing`].
        EndpointFailing = "endpoint_failing" v 1,
        /// See [`EndpointRecovered`].
        EndpointRecovered = "endpoint_recovered" v 1,
        /// See [`EndpointWarned`].
        EndpointWarned = "endpoint_warned" v 1,
        /// See [`EndpointDisabled`].
        EndpointDisabled = "endpoint_disabled" v 2 lifts 1 EndpointDisabledV1,
        /// See [`EndpointPaused`].
        EndpointPaused = "endpoint_paused" v 1,
        /// See [`EndpointEnabled`].
        EndpointEnabled = "endpoint_enabled" v 1,
        /// See [`RecoveryPlanned`].
        RecoveryPlanned = "recovery_planned" v 1,
        /// See [`RecoveryStarted`].
        RecoveryStarted = "recovery_started" v 1,
        /// See [`RecoveryPaused`].
        RecoveryPaused = "recovery_paused" v 1,
        /// See [`RecoveryAdvanced`].
        RecoveryAdvanced = "recovery_advanced" v 1,
        /// See [`RecoveryFinished`].
        RecoveryFinished = "recovery_finished" v 1,
        /// See [`RecoveryCancelled`].
        RecoveryCancelled = "recovery_cancelled" v 1,
        /// See [`SummedUp`].
        SummedUp = "summed_up" v 1,
        /// See [`Trimmed`].
        Trimmed = "trimmed" v 1,
        /// See [`Removed`].
        Removed = "removed" v 1,
    }
}

impl Event {
    /// The delivery it is about; none when it is about the endpoint or a recovery.
    pub fn delivery(&self) -> Option<DeliveryId> {
        match self {
            Self::Queued(event) => Some(event.delivery),
            Self::AttemptFailed(event) => Some(event.delivery),
            Self::Delivered(event) => Some(event.delivery),
            Self::Abandoned(event) => Some(event.delivery),
            Self::RetryRequested(event) => Some(event.delivery),
            Self::Reopened(event) => Some(event.queued.delivery),
            Self::Parked(event) => Some(event.delivery),
            Self::EndpointPaced(_)
            | Self::EndpointMoved(_)
            | Self::EndpointFailing(_)
            | Self::EndpointRecovered(_)
            | Self::EndpointWarned(_)
            | Self::EndpointDisabled(_)
            | Self::EndpointPaused(_)
            | Self::EndpointEnabled(_)
            | Self::RecoveryPlanned(_)
            | Self::RecoveryStarted(_)
            | Self::RecoveryPaused(_)
            | Self::RecoveryAdvanced(_)
            | Self::RecoveryFinished(_)
            | Self::RecoveryCancelled(_)
            | Self::SummedUp(_)
            | Self::Trimmed(_)
            | Self::Removed(_) => None,
        }
    }
}
