//! What a ledger has come to, so that what stands before can be removed; and that it was.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{AbandonReason, AttemptClass, RecoveryPlanned, RecoveryProgress, Tally};
use crate::webhook::Ordering;
use crate::{DeliveryId, Revision, Timestamp};

/// Everything that a ledger has come to but the deliveries that have not ended: who reads from
/// here on, and finds those ended, knows as much as who read everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummedUp {
    /// When.
    pub at: Timestamp,
    /// As many deliveries as were queued so far, those that were owed again included.
    pub queued: u64,
    /// How often somebody said of something that was owed that it is not.
    pub withdrawn: u64,
    /// What waits for what.
    pub ordering: Ordering,
    /// Those queued last, the oldest first, and how many attempts of each have ended: who queues
    /// one of them anew queues nothing.
    pub recent: Vec<(DeliveryId, u32)>,
    /// What is known of recoveries.
    pub recoveries: Vec<Recovery>,
    /// What deliveries have come to.
    pub tally: Box<Tally>,
    /// What was removed last.
    pub trimmed: Option<Trim>,
}

/// A recovery as its events tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// What was planned.
    pub plan: RecoveryPlanned,
    /// Where it is.
    pub progress: RecoveryProgress,
    /// Where the last was queued that was passed.
    pub reached: Option<Revision>,
    /// As many as were passed.
    pub passed: u64,
    /// As many of them as were owed again.
    pub reopened: u64,
    /// Those that somebody else brought back meanwhile, and that were not given up since.
    pub again: BTreeSet<DeliveryId>,
}

/// What retention removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trim {
    /// The first record that stays: a summary.
    pub before: Revision,
    /// When that was written: what was queued by then has no body any more.
    pub summed_at: Timestamp,
    /// When it was removed.
    pub at: Timestamp,
}

/// Retention removes what stands before a summary. The fact comes first, then the truncation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trimmed {
    /// What.
    pub trim: Trim,
    /// How deliveries ended whose bodies and attempts are removed, now or before, those that
    /// ended last.
    pub outcomes: Vec<Outcome>,
}

/// How a delivery ended, without body and attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which.
    pub delivery: DeliveryId,
    /// What the receiver calls the event.
    pub event: String,
    /// Where it was queued.
    pub revision: Revision,
    /// What it shares with those that it may have had to wait for.
    pub key: Option<String>,
    /// Attempts that were made.
    pub attempts: u32,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Whether it was delivered; if not, it was given up.
    pub delivered: bool,
    /// Why it was given up.
    pub reason: Option<AbandonReason>,
    /// How the last attempt ended.
    pub last_class: Option<AttemptClass>,
    /// The HTTP status of the last attempt, where the receiver answered.
    pub last_status_code: Option<u16>,
}
