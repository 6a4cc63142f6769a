//! How an endpoint is doing, told by its ledger: the same fold decides and is shown.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{AttemptClass, AttemptFailed, DisableRule, Event, Warning};
use crate::{Actor, DeliveryId, Fold, Timestamp};

/// As many different deliveries of a row of failures as are told apart.
const TOLD_APART_MAX: usize = 8;

/// How an endpoint is doing.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Whether deliveries flow.
    pub standing: Standing,
    /// The failures since something was taken last.
    pub failing: Option<Box<Failing>>,
    /// Until when it asked to be left alone, when that was the last that was heard of it.
    pub throttled_until: Option<Timestamp>,
    /// When it did: what began before says nothing of that.
    throttled_at: Option<Timestamp>,
    /// Those that a recovery brought back: how they end says nothing of the endpoint now.
    replayed: BTreeSet<DeliveryId>,
}

/// Whether deliveries flow to an endpoint.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// They do.
    #[default]
    Free,
    /// One at a time, to see whether it takes any.
    Probing {
        /// When it was seen to fail.
        since: Timestamp,
        /// When it is tried next.
        probe_at: Timestamp,
    },
    /// They are held for a while.
    Paused {
        /// Since when.
        since: Timestamp,
        /// By whom.
        by: Actor,
    },
    /// They are held.
    Disabled {
        /// Since when.
        since: Timestamp,
        /// By whom.
        by: Actor,
        /// By which rule.
        rule: DisableRule,
        /// Why, in words.
        reason: String,
    },
}

impl Standing {
    /// Whether what is owed is held until somebody says otherwise.
    pub fn holds(&self) -> bool {
        match self {
            Self::Free | Self::Probing { .. } => false,
            Self::Paused { .. } | Self::Disabled { .. } => true,
        }
    }
}

/// A row of failures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// When the first began.
    pub since: Timestamp,
    /// What kind of failure that was.
    pub class: AttemptClass,
    /// What happened then, in words.
    pub detail: String,
    /// How many there are.
    pub attempts: u64,
    /// The first few different deliveries among them.
    pub deliveries: BTreeSet<DeliveryId>,
    /// What was told of it.
    pub warned: BTreeSet<Warning>,
}

impl Failing {
    /// The row that begins with this failure.
    pub fn begun_by(failed: &AttemptFailed) -> Self {
        Self {
            since: failed.started_at,
            class: failed.class,
            detail: failed.detail.clone(),
            attempts: 1,
            deliveries: BTreeSet::from([failed.delivery]),
            warned: BTreeSet::new(),
        }
    }

    /// One more.
    pub fn add(&mut self, delivery: DeliveryId) {
        self.attempts += 1;
        if self.deliveries.len() < TOLD_APART_MAX {
            self.deliveries.insert(delivery);
        }
    }
}

impl Health {
    /// Whether how this attempt ended says something of the endpoint.
    pub fn counts(&self, delivery: DeliveryId, class: AttemptClass) -> bool {
        class != AttemptClass::Ours && !self.replayed.contains(&delivery)
    }

    /// Whether a recovery brought it back.
    pub fn is_replayed(&self, delivery: DeliveryId) -> bool {
        self.replayed.contains(&delivery)
    }

    /// As many as a recovery brought back and have not ended.
    pub fn replayed(&self) -> usize {
        self.replayed.len()
    }

    /// An attempt that began then was answered at `at`, and may have asked to be left alone.
    fn answered(&mut self, began: Timestamp, at: Timestamp, asked: Option<Timestamp>) {
        let is_news = self.throttled_at.is_none_or(|known| began >= known);
        if is_news {
            (self.throttled_until, self.throttled_at) = (asked, asked.map(|_| at));
        } else if asked > self.throttled_until {
            self.throttled_until = asked;
        }
    }

    fn forget(&mut self) {
        (self.failing, self.throttled_until, self.throttled_at) = (None, None, None);
    }

    fn fail(&mut self, failed: &AttemptFailed) {
        if failed.class != AttemptClass::Ours {
            let began = failed.started_at;
            self.answered(began, ended(began, failed.duration_us), failed.throttled_until);
        }
        if let (Standing::Probing { probe_at, .. }, Some(retry_at)) =
            (&mut self.standing, failed.retry_at)
        {
            *probe_at = retry_at;
        }
        if self.counts(failed.delivery, failed.class) {
            match &mut self.failing {
                Some(failing) => failing.add(failed.delivery),
                None => self.failing = Some(Box::new(Failing::begun_by(failed))),
            }
        }
    }
}

fn ended(began: Timestamp, duration_us: u64) -> Timestamp {
    began.after(Duration::from_micros(duration_us))
}

impl Fold for Health {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::AttemptFailed(failed) => self.fail(failed),
            Event::Delivered(it) => {
                self.answered(it.started_at, ended(it.started_at, it.duration_us), None);
                if !self.replayed.remove(&it.delivery) {
                    self.failing = None;
                }
            }
            Event::Abandoned(it) => {
                self.replayed.remove(&it.delivery);
            }
            Event::Reopened(it) => {
                if it.recovery.is_some() {
                    self.replayed.insert(it.queued.delivery);
                }
            }
            Event::EndpointFailing(it) => {
                let since = it.since;
                self.standing = Standing::Probing { since, probe_at: it.probe_at };
            }
            Event::EndpointRecovered(_) => {
                if !self.standing.holds() {
                    self.standing = Standing::Free;
                }
                self.failing = None;
            }
            Event::EndpointMoved(_) => {
                if !self.standing.holds() {
                    self.standing = Standing::Free;
                }
                self.forget();
            }
            Event::EndpointWarned(it) => {
                if let Some(failing) = &mut self.failing {
                    failing.warned.insert(it.warning);
                }
            }
            Event::EndpointDisabled(it) => {
                let (since, by, rule) = (it.at, it.by.clone(), it.rule);
                let reason = it.reason.clone();
                self.standing = Standing::Disabled { since, by, rule, reason };
            }
            Event::EndpointPaused(it) => {
                self.standing = Standing::Paused { since: it.at, by: it.by.clone() };
            }
            Event::EndpointEnabled(_) => {
                self.standing = Standing::Free;
                self.forget();
            }
            Event::Queued(_)
            | Event::RetryRequested(_)
            | Event::Parked(_)
            | Event::EndpointPaced(_)
            | Event::RecoveryPlanned(_)
            | Event::RecoveryStarted(_)
            | Event::RecoveryPaused(_)
            | Event::RecoveryAdvanced(_)
            | Event::RecoveryFinished(_)
            | Event::RecoveryCancelled(_)
            | Event::SummedUp(_)
            | Event::Trimmed(_)
            | Event::Removed(_) => {}
        }
    }
}
