//! What has come to an end long ago is summed up, and then not kept any longer.
//!
//! A summary is written long before what stands before it is removed. Whoever reads from a summary
//! on comes to the same state as who read everything, once all that was owed at the summary has
//! ended: those are the only deliveries that it does not tell of.

use std::time::Duration;

use events::delivery::{
    Event, Outcome, RecoveryCancelled, RecoveryProgress as Progress, SummedUp, Trim, Trimmed,
};
use events::store::{EventStore, Slice};
use events::{Category, EndpointId, Failure, Position, Revision, StreamName, Timestamp};

use super::Ledger;
use super::memory::Memory;

/// What stands before a summary is no longer to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trimming {
    /// Where the summary stands.
    pub before: Revision,
    /// As many deliveries as were queued before it.
    pub queued: u64,
    /// When it was written.
    pub summed_at: Timestamp,
    /// How what stands before it ended.
    pub outcomes: Vec<Outcome>,
    /// When it is asked for.
    pub now: Timestamp,
}

/// What is to be asked of a ledger to remove what stands before its summary at this revision; none
/// when no summary is there, or the fan-out has not come so far: it tells of what ledgers tell.
///
/// # Errors
/// When the log cannot be read.
pub async fn trimming(
    store: &dyn EventStore,
    endpoint: EndpointId,
    (before, reached): (Revision, Position),
    outcomes: Vec<Outcome>,
    now: Timestamp,
) -> Result<Option<Trimming>, Failure> {
    let stream = StreamName::new(Category::Ledger, endpoint);
    let found = store.read_stream(&stream, Slice::From(before), 1).await?.pop();
    let found = found.filter(|it| it.revision == before && it.position <= reached);
    let event = found.and_then(|record| record.decode().ok()).map(|recorded| recorded.event);
    let Some(events::Event::Delivery(Event::SummedUp(summed))) = event else { return Ok(None) };
    let (queued, summed_at) = (summed.queued, summed.at);
    Ok(Some(Trimming { before, queued, summed_at, outcomes, now }))
}

/// Whether the event is about what is kept, and not about what happened.
pub(super) fn is_upkeep(event: &Event) -> bool {
    matches!(event, Event::SummedUp(_) | Event::Trimmed(_) | Event::Removed(_))
}

impl Ledger {
    pub(super) fn sum_up(&self, every: Duration, now: Timestamp) -> Vec<Event> {
        if self.unsummed_since.is_none_or(|since| now.since(since) < every) {
            return vec![];
        }
        let summed = SummedUp {
            at: now,
            queued: self.queue.queued(),
            withdrawn: self.withdrawn,
            ordering: self.queue.ordering(),
            recent: self.memory.all(),
            recoveries: self.recoveries.clone(),
            tally: Box::new(self.tally.clone()),
            trimmed: self.trimmed,
        };
        vec![summed.into()]
    }

    /// What is owed keeps everything from its queueing on, and so does a recovery that has begun.
    /// So does what was asked for by hand, until it ends: that it waits for no other hangs on what
    /// stood before it then. A plan that takes in what goes, and that nobody
    /// has started, is given up.
    pub(super) fn trim(&self, trimming: &Trimming) -> Vec<Event> {
        let Trimming { before, queued, summed_at, outcomes, now } = trimming;
        let done = self.trimmed.is_some_and(|trimmed| trimmed.before >= *before);
        if done
            || self.queue.first_number().is_some_and(|first| first <= *queued)
            || self.queue.has_loose()
            || self.recoveries.iter().any(|it| it.progress.has_begun())
        {
            return vec![];
        }
        let stale = self
            .recoveries
            .iter()
            .filter(|it| it.progress == Progress::Planned && it.plan.filter.since < *summed_at);
        let cancelled = stale.map(|it| RecoveryCancelled { recovery: it.plan.recovery }.into());
        let trim = Trim { before: *before, summed_at: *summed_at, at: *now };
        let trimmed = Trimmed { trim, outcomes: outcomes.clone() };
        cancelled.chain([trimmed.into()]).collect()
    }

    /// Goes on from a summary; for who read everything, that changes nothing.
    pub(super) fn resume(&mut self, summed: &SummedUp) {
        self.withdrawn = summed.withdrawn;
        self.queue.resume(summed.queued, summed.ordering);
        self.tally = (*summed.tally).clone();
        self.recoveries = summed.recoveries.clone();
        self.memory = Memory::of(&summed.recent);
        self.trimmed = summed.trimmed;
        self.unsummed_since = None;
    }
}
