//! Deliveries that ended are owed again, a few at a time: planned, started, paused, cancelled.

use std::collections::BTreeSet;

use events::delivery::{
    Event, Recovery, RecoveryAdvanced, RecoveryCancelled, RecoveryFilter, RecoveryFinished,
    RecoveryId, RecoveryPaused, RecoveryPlanned, RecoveryProgress as Progress, RecoveryStarted,
    Reopened,
};
use events::{DeliveryId, Revision};

use super::{Ledger, Rejection};

/// As many recoveries as a ledger remembers; the oldest that is over is forgotten first.
const REMEMBERED_MAX: usize = 32;

/// No more are brought back while so many of them have not ended: what is new goes between them,
/// and cancelling takes hold.
pub(super) const UNDER_WAY_MAX: usize = 100;

/// The next few of a recovery shall be brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub recovery: RecoveryId,
    /// What it takes in.
    pub filter: RecoveryFilter,
    /// The last revision that it looks at.
    pub head: Revision,
    /// Where the last was queued that was passed.
    pub reached: Option<Revision>,
    /// As many as were passed.
    pub passed: u64,
}

/// The next few, to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// Of which recovery.
    pub recovery: RecoveryId,
    /// The deliveries themselves.
    pub deliveries: Vec<Reopened>,
    /// Where the last of them was queued; none when there was none left.
    pub reached: Option<Revision>,
    /// Whether there are no more.
    pub last: bool,
}

/// What can be asked of a recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Begin, or go on.
    Start,
    /// Wait.
    Pause,
    /// Go no further.
    Cancel,
    /// Only tell.
    Look,
}

impl Ledger {
    /// What is known of it.
    pub fn recovery(&self, id: RecoveryId) -> Option<&Recovery> {
        self.recoveries.iter().find(|it| it.plan.recovery == id)
    }

    /// What a running recovery owes now; at most one step at a time is under way.
    pub(super) fn step(&self) -> Option<Step> {
        if self.tally.health.replayed() >= UNDER_WAY_MAX {
            return None;
        }
        let running = self.recoveries.iter().find(|it| it.progress == Progress::Running)?;
        Some(Step {
            recovery: running.plan.recovery,
            filter: running.plan.filter.clone(),
            head: running.plan.head,
            reached: running.reached,
            passed: running.passed,
        })
    }

    /// Where no more can be remembered, the oldest that was only planned is cancelled for it; what
    /// somebody started is not.
    pub(super) fn plan(&self, plan: &RecoveryPlanned) -> Result<Vec<Event>, Rejection> {
        if self.recovery(plan.recovery).is_some() {
            return Ok(vec![]);
        }
        let mut events = vec![];
        let is_full = self.recoveries.len() >= REMEMBERED_MAX;
        if is_full && !self.recoveries.iter().any(|it| it.progress.is_over()) {
            let planned = self.recoveries.iter().find(|it| it.progress == Progress::Planned);
            let oldest = planned.ok_or(Rejection::TooManyRecoveries(REMEMBERED_MAX))?;
            events.push(RecoveryCancelled { recovery: oldest.plan.recovery }.into());
        }
        events.push(plan.clone().into());
        Ok(events)
    }

    pub(super) fn ask(&self, recovery: RecoveryId, ask: Ask) -> Result<Vec<Event>, Rejection> {
        let known = self.recovery(recovery).ok_or(Rejection::UnknownRecovery(recovery))?;
        let event: Event = match (ask, known.progress) {
            (Ask::Look, _)
            | (Ask::Start, Progress::Running | Progress::Finished)
            | (Ask::Pause, Progress::Paused)
            | (Ask::Cancel, Progress::Cancelled) => return Ok(vec![]),
            (Ask::Start, Progress::Planned | Progress::Paused) => {
                RecoveryStarted { recovery }.into()
            }
            (Ask::Pause, Progress::Running) => RecoveryPaused { recovery }.into(),
            (Ask::Cancel, Progress::Planned | Progress::Running | Progress::Paused) => {
                RecoveryCancelled { recovery }.into()
            }
            (Ask::Start, Progress::Cancelled)
            | (Ask::Pause, Progress::Planned | Progress::Finished | Progress::Cancelled)
            | (Ask::Cancel, Progress::Finished) => {
                return Err(Rejection::Recovery { recovery, progress: known.progress });
            }
        };
        Ok(vec![event])
    }

    /// What came too late, or twice, changes nothing: whatever is owed again is so once.
    pub(super) fn advance(&self, advance: &Advance) -> Vec<Event> {
        let recovery = advance.recovery;
        let Some(known) = self.recovery(recovery) else { return vec![] };
        let stale = advance.reached.is_some_and(|reached| Some(reached) <= known.reached);
        if known.progress != Progress::Running || stale {
            return vec![];
        }
        let wanted = |it: &&Reopened| {
            let delivery = it.queued.delivery;
            let taken = known.again.contains(&delivery) && !known.plan.filter.delivered;
            self.queue.get(delivery).is_none() && !taken
        };
        let mut events: Vec<Event> =
            advance.deliveries.iter().filter(wanted).map(|it| self.reopen(it)).collect();
        if let Some(reached) = advance.reached {
            let passed = known.passed + advance.deliveries.len() as u64;
            events.push(RecoveryAdvanced { recovery, reached, passed }.into());
        }
        if advance.last {
            events.push(RecoveryFinished { recovery }.into());
        }
        events
    }

    /// Ends all that are not over.
    pub(super) fn cancel_recoveries(&self) -> impl Iterator<Item = Event> {
        let open = self.recoveries.iter().filter(|it| !it.progress.is_over());
        open.map(|it| RecoveryCancelled { recovery: it.plan.recovery }.into())
    }

    pub(super) fn planned(&mut self, plan: &RecoveryPlanned) {
        if self.recoveries.len() >= REMEMBERED_MAX {
            // One is over: it was so decided. In old logs it was not, and the oldest went.
            let over = self.recoveries.iter().position(|it| it.progress.is_over());
            self.recoveries.remove(over.unwrap_or(0));
        }
        self.recoveries.push(Recovery {
            plan: plan.clone(),
            progress: Progress::Planned,
            reached: None,
            passed: 0,
            reopened: 0,
            again: BTreeSet::new(),
        });
    }

    pub(super) fn progress(&mut self, recovery: RecoveryId, progress: Progress) {
        if let Some(known) = self.known_recovery(recovery) {
            known.progress = progress;
            if progress.is_over() {
                known.again.clear();
            }
        }
    }

    pub(super) fn advanced(&mut self, advanced: &RecoveryAdvanced) {
        if let Some(known) = self.known_recovery(advanced.recovery) {
            known.reached = Some(advanced.reached);
            known.passed = advanced.passed;
        }
    }

    /// One that was only planned looks at what is there once it begins: what others bring back
    /// before, however much that is, is nothing to remember.
    pub(super) fn brought_back(&mut self, delivery: DeliveryId, by: Option<RecoveryId>) {
        let begun = |it: &&mut Recovery| it.progress.has_begun();
        for known in self.recoveries.iter_mut().filter(begun) {
            if by == Some(known.plan.recovery) {
                known.reopened += 1;
            } else {
                known.again.insert(delivery);
            }
        }
    }

    pub(super) fn given_up(&mut self, delivery: DeliveryId) {
        for known in &mut self.recoveries {
            known.again.remove(&delivery);
        }
    }

    fn known_recovery(&mut self, id: RecoveryId) -> Option<&mut Recovery> {
        self.recoveries.iter_mut().find(|it| it.plan.recovery == id)
    }
}
