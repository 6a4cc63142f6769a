//! The ledger of one endpoint decides what is attempted when, and when to give up; and whether the
//! endpoint can take anything at all.
//!
//! Attempts under way are nowhere in its state: after a crash they are owed as before, so that
//! a crash repeats at most the attempts it interrupted and loses none.

mod attempts;
mod by_hand;
mod endpoint;
mod gate;
mod memory;
mod places;
mod queue;
mod recovery;
mod replay;
mod retention;
mod schedule;
mod targets;
mod trouble;
mod verdict;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use events::delivery::{
    AbandonReason, Abandoned, AttemptClass, Backlog, EndpointMoved, Event, Health, Queued,
    RecoveryId, RecoveryPlanned, RecoveryProgress as Progress, Reopened, Standing, Tally, Trim,
};
use events::webhook::Ordering;
use events::{AccountId, Actor, Category, DeliveryId, EndpointId, Fold, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::aggregate::{Aggregate, Effect, Next};
use crate::ports::Ended;
use memory::Memory;
use queue::Queue;
use schedule::between_words;
use verdict::is_withdrawal;

pub use attempts::{Delivery, Rules};
pub use events::delivery::Recovery;
pub use recovery::{Advance, Ask, Step};
pub use replay::{Found, matching};
pub use retention::{Trimming, trimming};
pub use schedule::wait_after;
pub use targets::ActorTargets;

/// As many deliveries as a ledger knows again when they are queued anew: those queued last,
/// whether or not they have ended. The fan-out goes back less far: see [`crate::fanout`].
pub const REMEMBERED_MAX: usize = 8192;

/// As many as are abandoned in one append, which every server takes: who has more asks again.
const ABANDONED_MAX: usize = 1024;

/// What one endpoint is owed, and how it is doing.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    queue: Queue,
    tally: Tally,
    recoveries: Vec<Recovery>,
    memory: Memory,
    /// Raised when somebody says of what is owed that it is not: attempts may wait for their turn.
    withdrawn: u64,
    /// When the event was recorded that was taken in last.
    now: Timestamp,
    /// Since when something has happened that is not summed up.
    unsummed_since: Option<Timestamp>,
    /// What was removed last.
    trimmed: Option<Trim>,
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
    /// Where the connection led to, if there was one.
    pub address: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// When it ended: waits count from here.
    pub now: Timestamp,
    /// Waits between attempts.
    pub schedule: Vec<Duration>,
    /// An endpoint that takes nothing for so long is disabled; none is one that never is.
    pub disable_after: Option<Duration>,
}

/// What can be asked of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// An event is owed.
    Queue(Arc<Queued>),
    /// An attempt ended.
    Record(Arc<Report>),
    /// Make no further attempt.
    Abandon {
        /// Of which delivery; none means of all.
        delivery: Option<DeliveryId>,
        /// Why.
        reason: AbandonReason,
    },
    /// Make an attempt now: in place of the one that is planned, or although it has ended.
    Retry(Box<Reopened>),
    /// Put one aside.
    Park(DeliveryId),
    /// Let this order hold.
    Order(Ordering),
    /// Forget how it was doing: it has another url.
    Move,
    /// Hold what it is owed.
    Disable {
        /// Who asks.
        by: Actor,
        /// Why, in words.
        reason: String,
        /// When.
        now: Timestamp,
    },
    /// Hold what it is owed for a while.
    Pause {
        /// Who asks.
        by: Actor,
        /// When.
        now: Timestamp,
    },
    /// Hold nothing. Of a backlog that does not fit one append, some is abandoned and the rest
    /// held on: whoever asks does so again until nothing is held.
    Enable {
        /// Who asks.
        by: Actor,
        /// What becomes of what was held.
        backlog: Backlog,
        /// When.
        now: Timestamp,
    },
    /// Remember what a recovery would bring back.
    Plan(Box<RecoveryPlanned>),
    /// Let a recovery begin, wait or end.
    Recovery(RecoveryId, Ask),
    /// Some more of a recovery are owed again.
    Advance(Box<Advance>),
    /// Tell what it has come to, if that is not told of something that happened long ago.
    SumUp {
        /// Long is so long.
        every: Duration,
        /// When.
        now: Timestamp,
    },
    /// Do without what stands before a summary, if nothing that is owed stands there.
    Trim(Box<Trimming>),
    /// Only look.
    Look,
}

/// Why a ledger says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// It never heard of the delivery.
    #[error("delivery {0} is not known")]
    Unknown(DeliveryId),
    /// It never heard of the recovery, or has forgotten it.
    #[error("recovery {0} is not known")]
    UnknownRecovery(RecoveryId),
    /// All that it can remember are under way.
    #[error("{0} recoveries are not over yet, and there may be no more")]
    TooManyRecoveries(usize),
    /// That cannot be done to a recovery that is there.
    #[error("recovery {recovery} is {progress} already")]
    Recovery {
        /// Which.
        recovery: RecoveryId,
        /// Where it is.
        progress: Progress,
    },
    /// What is disabled is not paused.
    #[error("the endpoint is disabled")]
    Disabled,
}

/// What whoever asked is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whether deliveries flow.
    pub standing: Standing,
    /// How many have not ended.
    pub pending: usize,
    /// The recovery that was asked about.
    pub recovery: Option<Box<Recovery>>,
    /// What may be removed from its stream, or is.
    pub trimmed: Option<Trim>,
    /// How the endpoint is doing, for who only looks, or says whether it is sent anything.
    pub health: Option<Box<Health>>,
}

/// What a ledger owes to the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owed {
    /// An attempt.
    Attempt(OwedAttempt),
    /// The next few of a recovery.
    Step(Box<Step>),
}

/// An attempt that is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedAttempt {
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
    /// How often anything had been withdrawn from the ledger when it owed this.
    pub withdrawn: u64,
    /// Set when it is made to see how the endpoint is doing, while others wait.
    pub probe: Option<Probe>,
}

/// What a probe may leave untold: one that fails as the last did says nothing new, and is
/// repeated, until there is something to tell or it is time for a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// How the last attempt of the same delivery failed, if one did.
    pub failed_as: Option<AttemptClass>,
    /// When a failure is written whatever it is.
    pub quiet_until: Timestamp,
}

impl Effect for Owed {
    type Key = Uuid;

    fn key(&self) -> Uuid {
        match self {
            Self::Attempt(attempt) => attempt.delivery.0,
            Self::Step(step) => step.recovery.0,
        }
    }
}

impl Ledger {
    /// How many deliveries have not ended.
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// When the last of the attempts began that have ended.
    pub fn attempted_at(&self) -> Option<Timestamp> {
        self.tally.attempted_at
    }

    /// How the endpoint is doing.
    pub fn health(&self) -> &Health {
        &self.tally.health
    }

    fn knows(&self, delivery: DeliveryId) -> bool {
        self.queue.get(delivery).is_some() || self.memory.knows(delivery)
    }

    /// The delivery that is tried while the others wait; none unless it is known to fail.
    fn prober(&self) -> Option<DeliveryId> {
        match self.tally.health.standing {
            Standing::Probing { .. } => self.queue.oldest(),
            Standing::Free | Standing::Paused { .. } | Standing::Disabled { .. } => None,
        }
    }

    fn attempt(&self, delivery: DeliveryId, quiet_until: Option<Timestamp>) -> Owed {
        let pending = self.queue.get(delivery).expect("what is due is pending");
        Owed::Attempt(OwedAttempt {
            delivery,
            attempt: pending.attempts + 1,
            account: pending.account,
            event: pending.event.clone(),
            body: pending.body.clone(),
            withdrawn: self.withdrawn,
            probe: quiet_until
                .map(|quiet_until| Probe { failed_as: pending.failed_as, quiet_until }),
        })
    }

    /// What is owed to an endpoint that takes what it is sent.
    fn next_freely(&self, now: Timestamp, busy: &BTreeSet<Uuid>, most: usize) -> Next<Owed> {
        let step = self.step().filter(|step| !busy.contains(&step.recovery.0));
        if let Some(step) = step {
            return Next::Do(vec![Owed::Step(Box::new(step))]);
        }
        let free = self.queue.free(busy).map(|(due, delivery)| (self.not_before(due), delivery));
        let mut free = free.peekable();
        match free.peek() {
            None => Next::Idle,
            Some((due, _)) if *due > now => Next::Wait(*due),
            Some(_) => {
                let due = free.take_while(|(due, _)| *due <= now).take(most);
                Next::Do(due.map(|(_, delivery)| self.attempt(delivery, None)).collect())
            }
        }
    }

    /// Whoever asked to be left alone is.
    fn not_before(&self, due: Timestamp) -> Timestamp {
        self.tally.health.throttled_until.map_or(due, |until| due.max(until))
    }

    /// The oldest delivery is the probe, and nothing else is under way.
    fn next_probe(
        &self,
        (since, at): (Timestamp, Timestamp),
        now: Timestamp,
        busy: &BTreeSet<Uuid>,
    ) -> Next<Owed> {
        let at = self.not_before(at);
        match self.queue.oldest().filter(|_| busy.is_empty()) {
            None => Next::Idle,
            Some(_) if at > now => Next::Wait(at),
            Some(oldest) => {
                Next::Do(vec![self.attempt(oldest, Some(at.after(between_words(since, at))))])
            }
        }
    }
}

impl Fold for Ledger {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        let row = self.tally.health.failing.as_ref().map(|row| row.since);
        self.tally.take(self.now, event);
        if !retention::is_upkeep(event) {
            self.unsummed_since.get_or_insert(self.now);
        }
        match event {
            Event::Queued(queued) => {
                self.memory.remember(queued.delivery);
                self.queue.push(queued, 0);
            }
            Event::AttemptFailed(failed) => {
                self.memory.attempted(failed.delivery, failed.attempt);
                self.queue.change(failed.delivery, |pending| pending.fail(failed));
            }
            Event::Delivered(it) => {
                self.memory.attempted(it.delivery, it.attempt);
                self.queue.remove(it.delivery);
            }
            Event::Abandoned(Abandoned { delivery, reason }) => {
                self.withdrawn += u64::from(is_withdrawal(*reason));
                self.given_up(*delivery);
                self.queue.remove(*delivery);
            }
            Event::RetryRequested(it) => {
                self.queue.ask_for(it.delivery, it.due);
            }
            Event::Reopened(it) => {
                self.memory.remember(it.queued.delivery);
                self.memory.attempted(it.queued.delivery, it.attempts);
                self.brought_back(it.queued.delivery, it.recovery);
                self.queue.push(&it.queued, it.attempts);
            }
            Event::Parked(it) => {
                self.withdrawn += 1;
                self.queue.change(it.delivery, |pending| pending.parked = true);
            }
            Event::EndpointPaced(it) => self.queue.order_by(it.ordering),
            // Those that failed with the endpoint need not wait any longer.
            Event::EndpointRecovered(it) => {
                let since = row.unwrap_or(it.since);
                self.queue.hurry(it.at, |pending| pending.failed_at >= Some(since));
            }
            Event::EndpointEnabled(it) => {
                self.queue.hurry(it.at, |pending| pending.failed_at.is_some());
            }
            Event::EndpointMoved(EndpointMoved {})
            | Event::EndpointFailing(_)
            | Event::EndpointWarned(_)
            | Event::EndpointDisabled(_)
            | Event::EndpointPaused(_) => {}
            Event::RecoveryPlanned(it) => self.planned(it),
            Event::RecoveryStarted(it) => self.progress(it.recovery, Progress::Running),
            Event::RecoveryPaused(it) => self.progress(it.recovery, Progress::Paused),
            Event::RecoveryAdvanced(it) => self.advanced(it),
            Event::RecoveryFinished(it) => self.progress(it.recovery, Progress::Finished),
            Event::RecoveryCancelled(it) => self.progress(it.recovery, Progress::Cancelled),
            Event::SummedUp(it) => self.resume(it),
            Event::Trimmed(it) => self.trimmed = Some(it.trim),
            Event::Removed(_) => {}
        }
    }
}

impl Aggregate for Ledger {
    const CATEGORY: Category = Category::Ledger;
    const KEPT: Option<u32> = Some(6);

    type Id = EndpointId;
    type Command = Command;
    type Answer = Told;
    type Effect = Owed;
    type Rejection = Rejection;

    fn narrow(event: events::Event) -> Option<Event> {
        if let events::Event::Delivery(event) = event { Some(event) } else { None }
    }

    fn recorded_at(&mut self, at: Timestamp) {
        self.now = at;
    }

    fn pack(&self) -> Option<Vec<u8>> {
        postcard::to_stdvec(self).ok()
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Queue(queued) if self.knows(queued.delivery) => Ok(vec![]),
            Command::Queue(queued) => Ok(vec![Event::Queued((**queued).clone())]),
            Command::Record(report) => self.record(report),
            Command::Abandon { delivery, reason } => Ok(self.abandon(*delivery, *reason)),
            Command::Retry(retry) => Ok(self.ask_for(retry)),
            Command::Park(delivery) => self.park(*delivery),
            Command::Order(ordering) => Ok(self.order(*ordering)),
            Command::Move if self.tally.health == Health::default() => Ok(vec![]),
            Command::Move => Ok(vec![EndpointMoved {}.into()]),
            Command::Disable { by, reason, now } => Ok(self.disable(by, reason, *now)),
            Command::Pause { by, now } => self.pause(by, *now),
            Command::Enable { by, backlog, now } => Ok(self.enable(by, *backlog, *now)),
            Command::Plan(plan) => self.plan(plan),
            Command::Recovery(recovery, ask) => self.ask(*recovery, *ask),
            Command::Advance(advance) => Ok(self.advance(advance)),
            Command::SumUp { every, now } => Ok(self.sum_up(*every, *now)),
            Command::Trim(trimming) => Ok(self.trim(trimming)),
            Command::Look => Ok(vec![]),
        }
    }

    fn answer(&self, command: &Command) -> Told {
        let recovery = match command {
            Command::Plan(plan) => Some(plan.recovery),
            Command::Recovery(recovery, _) => Some(*recovery),
            Command::Queue(_)
            | Command::Record(_)
            | Command::Abandon { .. }
            | Command::Retry(_)
            | Command::Park(_)
            | Command::Order(_)
            | Command::Move
            | Command::Disable { .. }
            | Command::Pause { .. }
            | Command::Enable { .. }
            | Command::Advance(_)
            | Command::SumUp { .. }
            | Command::Trim(_)
            | Command::Look => None,
        };
        let recovery = recovery.and_then(|id| self.recovery(id)).cloned().map(Box::new);
        let (standing, trimmed) = (self.tally.health.standing.clone(), self.trimmed);
        use Command::{Disable, Enable, Look, Pause};
        let told = matches!(command, Look | Disable { .. } | Pause { .. } | Enable { .. });
        let health = told.then(|| Box::new(self.tally.health.clone()));
        Told { standing, pending: self.pending(), recovery, trimmed, health }
    }

    fn next(&self, now: Timestamp, busy: &BTreeSet<Uuid>, most: usize) -> Next<Owed> {
        match &self.tally.health.standing {
            Standing::Free => self.next_freely(now, busy, most),
            Standing::Probing { since, probe_at } => {
                self.next_probe((*since, *probe_at), now, busy)
            }
            Standing::Paused { .. } | Standing::Disabled { .. } => Next::Idle,
        }
    }
}

#[cfg(test)]
mod tests;
