//! The ledger of one endpoint decides what is attempted when, and when to give up.
//!
//! Attempts under way are nowhere in its state: after a crash they are owed as before, so that
//! a crash repeats at most the attempts it interrupted and loses none.

mod attempts;
mod targets;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use events::delivery::{
    AbandonReason, Abandoned, AttemptClass, AttemptFailed, Delivered, Event, Queued,
};
use events::{AccountId, Category, DeliveryId, EndpointId, Fold, Timestamp};

use crate::aggregate::{Aggregate, Effect, Next};
use crate::ports::Ended;

pub use attempts::{Delivery, Rules};
pub use targets::ActorTargets;

/// As many deliveries as a ledger knows again when they are queued anew: those queued last,
/// whether or not they have ended. The fan-out goes back less far: see [`crate::fanout`].
pub const REMEMBERED_MAX: usize = 8192;

/// As many deliveries as are abandoned at once, so that they fit one append. Those left over
/// are abandoned one by one when they come due.
const ABANDONED_MAX: usize = 4096;

/// What one endpoint is owed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Ledger {
    pending: BTreeMap<DeliveryId, Pending>,
    /// By when, then in the order of queueing.
    due: BTreeSet<(Timestamp, u64, DeliveryId)>,
    queued: u64,
    /// Those queued last, the oldest first.
    recent: VecDeque<DeliveryId>,
    recent_ids: BTreeSet<DeliveryId>,
}

/// A delivery that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pending {
    account: AccountId,
    event: String,
    body: Bytes,
    attempts: u32,
    due: Timestamp,
    number: u64,
}

/// How an attempt ended, to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// The first is 1.
    pub attempt: u32,
    /// How.
    pub ended: Ended,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// When it ended: waits count from here.
    pub now: Timestamp,
    /// Waits between attempts.
    pub schedule: Vec<Duration>,
}

/// What can be asked of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// An event is owed.
    Queue(Box<Queued>),
    /// An attempt ended.
    Record(Box<Report>),
    /// Make no further attempt.
    Abandon {
        /// Of which delivery; none means of all.
        delivery: Option<DeliveryId>,
        /// Why.
        reason: AbandonReason,
    },
}

/// Why a ledger says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// It never heard of the delivery.
    #[error("delivery {0} is not known")]
    Unknown(DeliveryId),
}

/// An attempt that is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// The first is 1.
    pub attempt: u32,
    /// The tenant.
    pub account: AccountId,
    /// What the receiver calls the event.
    pub event: String,
    /// The exact bytes.
    pub body: Bytes,
}

impl Effect for Owed {
    type Key = DeliveryId;

    fn key(&self) -> DeliveryId {
        self.delivery
    }
}

/// The wait before the attempt that follows `attempt`: the schedule's, give or take a fifth, so
/// that what failed together does not come back together. None when the schedule is at its end.
///
/// The jitter is a hash of both: nobody rolls dice, and the same story is told twice alike.
pub fn wait_after(schedule: &[Duration], delivery: DeliveryId, attempt: u32) -> Option<Duration> {
    let wait = schedule.get(usize::try_from(attempt).ok()?.checked_sub(1)?)?;
    let (high, low) = delivery.0.as_u64_pair();
    let spread = mix(high ^ mix(low ^ u64::from(attempt))) % 4001;
    let micros = wait.as_micros() * (8000 + u128::from(spread)) / 10_000;
    Some(Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)))
}

/// The finaliser of SplitMix64: every bit of the input moves every bit of the output.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl Ledger {
    /// How many deliveries have not ended.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    fn knows(&self, delivery: DeliveryId) -> bool {
        self.pending.contains_key(&delivery) || self.recent_ids.contains(&delivery)
    }

    fn remember(&mut self, delivery: DeliveryId) {
        if self.recent.len() == REMEMBERED_MAX
            && let Some(oldest) = self.recent.pop_front()
        {
            self.recent_ids.remove(&oldest);
        }
        self.recent.push_back(delivery);
        self.recent_ids.insert(delivery);
    }

    fn record(&self, report: &Report) -> Result<Vec<Event>, Rejection> {
        let delivery = report.delivery;
        let Some(pending) = self.pending.get(&delivery) else {
            return if self.knows(delivery) {
                Ok(vec![])
            } else {
                Err(Rejection::Unknown(delivery))
            };
        };
        if report.attempt != pending.attempts + 1 {
            return Ok(vec![]);
        }
        let (attempt, started_at) = (report.attempt, report.started_at);
        let duration_us = u64::try_from(report.duration.as_micros()).unwrap_or(u64::MAX);
        let (class, detail, response) = match &report.ended {
            Ended::Delivered(response) => {
                let response = response.clone();
                let delivered = Delivered { delivery, attempt, response, started_at, duration_us };
                return Ok(vec![delivered.into()]);
            }
            Ended::Failed { class, detail, response } => (*class, detail.clone(), response.clone()),
        };
        let abandoned = |reason| Event::from(Abandoned { delivery, reason });
        let (retry_at, end) = if class == AttemptClass::Blocked {
            (None, Some(abandoned(AbandonReason::Blocked)))
        } else {
            match wait_after(&report.schedule, delivery, attempt) {
                Some(wait) => (Some(report.now.after(wait)), None),
                None => (None, Some(abandoned(AbandonReason::Exhausted))),
            }
        };
        let failed = AttemptFailed {
            delivery,
            attempt,
            class,
            detail,
            response,
            started_at,
            duration_us,
            retry_at,
        };
        Ok(std::iter::once(failed.into()).chain(end).collect())
    }

    fn abandon(&self, delivery: Option<DeliveryId>, reason: AbandonReason) -> Vec<Event> {
        let given_up = |delivery: &DeliveryId| Abandoned { delivery: *delivery, reason }.into();
        match delivery {
            Some(delivery) => self
                .pending
                .contains_key(&delivery)
                .then(|| given_up(&delivery))
                .into_iter()
                .collect(),
            None => {
                let all = self.due.iter().map(|(_, _, delivery)| delivery);
                all.take(ABANDONED_MAX).map(given_up).collect()
            }
        }
    }

    fn queue(&mut self, queued: &Queued) {
        self.remember(queued.delivery);
        self.queued += 1;
        self.due.insert((queued.due, self.queued, queued.delivery));
        let pending = Pending {
            account: queued.account,
            event: queued.event.clone(),
            body: Bytes::copy_from_slice(queued.body.as_bytes()),
            attempts: 0,
            due: queued.due,
            number: self.queued,
        };
        self.pending.insert(queued.delivery, pending);
    }

    fn retry(&mut self, failed: &AttemptFailed) {
        let Some(pending) = self.pending.get_mut(&failed.delivery) else { return };
        pending.attempts = failed.attempt;
        if let Some(retry_at) = failed.retry_at {
            self.due.remove(&(pending.due, pending.number, failed.delivery));
            pending.due = retry_at;
            self.due.insert((retry_at, pending.number, failed.delivery));
        }
    }

    fn finish(&mut self, delivery: DeliveryId) {
        let Some(pending) = self.pending.remove(&delivery) else { return };
        self.due.remove(&(pending.due, pending.number, delivery));
    }
}

impl Fold for Ledger {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::Queued(queued) => self.queue(queued),
            Event::AttemptFailed(failed) => self.retry(failed),
            Event::Delivered(Delivered { delivery, .. })
            | Event::Abandoned(Abandoned { delivery, .. }) => self.finish(*delivery),
        }
    }
}

impl Aggregate for Ledger {
    const CATEGORY: Category = Category::Ledger;

    type Id = EndpointId;
    type Command = Command;
    type Answer = ();
    type Effect = Owed;
    type Rejection = Rejection;

    fn narrow(event: events::Event) -> Option<Event> {
        if let events::Event::Delivery(event) = event { Some(event) } else { None }
    }

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Queue(queued) if self.knows(queued.delivery) => Ok(vec![]),
            Command::Queue(queued) => Ok(vec![Event::Queued((**queued).clone())]),
            Command::Record(report) => self.record(report),
            Command::Abandon { delivery, reason } => Ok(self.abandon(*delivery, *reason)),
        }
    }

    fn answer(&self, _: &Command) {}

    fn next(&self, now: Timestamp, busy: &BTreeSet<DeliveryId>) -> Next<Owed> {
        let waiting = self.due.iter().find(|(_, _, delivery)| !busy.contains(delivery));
        let Some((due, _, delivery)) = waiting else { return Next::Idle };
        if *due > now {
            return Next::Wait(*due);
        }
        let pending = self.pending.get(delivery).expect("what is due is pending");
        Next::Do(Owed {
            delivery: *delivery,
            attempt: pending.attempts + 1,
            account: pending.account,
            event: pending.event.clone(),
            body: pending.body.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
