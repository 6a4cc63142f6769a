//! What an endpoint's deliveries have come to so far: its ledger carries it on, views show it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{AttemptClass, Event, Health, Standing};
use crate::reauthorization::threshold;
use crate::{DeliveryId, Fold, Timestamp, words};

words! {
    /// How an endpoint is doing.
    pub enum WebhookStatus {
        /// The last attempt that ended was taken, or none was made yet.
        Healthy = "healthy",
        /// The last attempts that ended were not.
        Failing = "failing",
        /// It asked for fewer.
        Throttled = "throttled",
        /// So much failed that it is tried with one delivery at a time.
        Probing = "probing",
        /// What it is owed is held for a while.
        Paused = "paused",
        /// What it is owed is held.
        Disabled = "disabled",
    }
}

/// How many deliveries of one webhook are where.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Owed.
    pub pending: u64,
    /// Taken by the receiver.
    pub delivered: u64,
    /// Given up.
    pub abandoned: u64,
    /// Owed, but held: because the endpoint is disabled or paused, or each by itself.
    pub held: u64,
}

/// An attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// When its failure was recorded.
    pub at: Timestamp,
    /// What kind of failure.
    pub class: AttemptClass,
}

/// What the deliveries of one endpoint have come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How it is doing.
    pub status: WebhookStatus,
    /// Since when.
    pub since: Timestamp,
    /// The failure that the status began with.
    pub cause: Option<AttemptClass>,
    /// Where its deliveries are.
    pub counts: Counts,
    /// When a delivery was last taken.
    pub last_delivered_at: Option<Timestamp>,
    /// The last attempt that failed.
    pub last_failure: Option<FailedAttempt>,
    /// Attempts that were answered 401 or 403 since one was taken.
    pub authorization_error_count: u32,
    /// Since when there are too many of them: somebody must see to the endpoint's authorization.
    pub action_needed_since: Option<Timestamp>,
    /// When the last of the attempts began that have ended.
    pub attempted_at: Option<Timestamp>,
    /// How the endpoint is doing, in full.
    pub health: Health,
    /// Those that are held by themselves.
    pub parked: BTreeSet<DeliveryId>,
}

impl Default for Tally {
    fn default() -> Self {
        Self::begun(Timestamp::from_micros(0))
    }
}

impl Health {
    /// In one word, and the failure that it began with.
    pub fn doing(&self) -> (WebhookStatus, Option<AttemptClass>) {
        let cause = self.failing.as_ref().map(|failing| failing.class);
        let status = match &self.standing {
            Standing::Disabled { .. } => WebhookStatus::Disabled,
            Standing::Paused { .. } => WebhookStatus::Paused,
            Standing::Free | Standing::Probing { .. } if self.throttled_until.is_some() => {
                WebhookStatus::Throttled
            }
            Standing::Probing { .. } => WebhookStatus::Probing,
            Standing::Free if cause.is_some() => WebhookStatus::Failing,
            Standing::Free => WebhookStatus::Healthy,
        };
        (status, cause)
    }
}

impl Tally {
    /// Of an endpoint that began at this moment and was sent nothing yet.
    pub fn begun(since: Timestamp) -> Self {
        Self {
            status: WebhookStatus::Healthy,
            since,
            cause: None,
            counts: Counts::default(),
            last_delivered_at: None,
            last_failure: None,
            authorization_error_count: 0,
            action_needed_since: None,
            attempted_at: None,
            health: Health::default(),
            parked: BTreeSet::new(),
        }
    }

    /// Takes one event in that was recorded at this moment.
    pub fn take(&mut self, at: Timestamp, event: &Event) {
        let counted = |health: &Health, delivery| !health.is_replayed(delivery);
        match event {
            Event::Queued(_) | Event::Reopened(_) => self.counts.pending += 1,
            Event::AttemptFailed(failed) => {
                self.attempted_at = self.attempted_at.max(Some(failed.started_at));
                if counted(&self.health, failed.delivery) {
                    self.last_failure = Some(FailedAttempt { at, class: failed.class });
                    if failed.class == AttemptClass::Auth {
                        self.refuse(at);
                    }
                }
            }
            Event::Delivered(delivered) => {
                self.attempted_at = self.attempted_at.max(Some(delivered.started_at));
                self.end(delivered.delivery);
                self.counts.delivered += 1;
                if counted(&self.health, delivered.delivery) {
                    self.last_delivered_at = Some(at);
                    self.authorize();
                }
            }
            Event::Abandoned(abandoned) => {
                self.end(abandoned.delivery);
                self.counts.abandoned += 1;
            }
            Event::Parked(parked) => {
                self.parked.insert(parked.delivery);
            }
            Event::RetryRequested(asked) => {
                self.parked.remove(&asked.delivery);
            }
            Event::EndpointMoved(_) => self.authorize(),
            Event::EndpointPaced(_)
            | Event::EndpointFailing(_)
            | Event::EndpointRecovered(_)
            | Event::EndpointWarned(_)
            | Event::EndpointDisabled(_)
            | Event::EndpointPaused(_)
            | Event::EndpointEnabled(_)
            | Event::RecoveryPlanned(_)
            | Event::RecoveryStarted(_)
            | Event::RecoveryPaused(_)
            | Event::RecoveryAdvanced(_)
            | Event::RecoveryFinished(_)
            | Event::RecoveryCancelled(_) => {}
            // They tell what is known: nothing has happened.
            Event::SummedUp(_) | Event::Trimmed(_) | Event::Removed(_) => return,
        }
        self.health.evolve(event);
        let holds = self.health.standing.holds();
        let parked = self.parked.len() as u64;
        self.counts.held = if holds { self.counts.pending } else { parked };
        let (status, cause) = self.health.doing();
        self.turn(status, at, cause);
    }

    /// It took one, or is another endpoint now.
    pub fn authorize(&mut self) {
        self.authorization_error_count = 0;
        self.action_needed_since = None;
    }

    fn end(&mut self, delivery: DeliveryId) {
        self.counts.pending = self.counts.pending.saturating_sub(1);
        self.parked.remove(&delivery);
    }

    /// Refusals are an endpoint's evidence, counted like any other subject's.
    fn refuse(&mut self, at: Timestamp) {
        self.authorization_error_count = self.authorization_error_count.saturating_add(1);
        if self.authorization_error_count >= threshold("Webhook") {
            self.action_needed_since.get_or_insert(at);
        }
    }

    /// Time and cause are those of the change, not of its last confirmation.
    fn turn(&mut self, status: WebhookStatus, at: Timestamp, cause: Option<AttemptClass>) {
        if self.status != status {
            (self.status, self.since, self.cause) = (status, at, cause);
        }
    }
}
