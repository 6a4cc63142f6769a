//! Finds in the log what a recovery takes in, and brings it back a few at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use events::delivery::{
    Event as DeliveryEvent, Queued, RecoveryFilter, RecoveryId, RecoveryProgress as Progress,
    Reopened,
};
use events::store::{PAGE_MAX, Slice, is_last};
use events::webhook::subscribes;
use events::{
    Actor, Category, DeliveryId, EndpointId, Event, EventStore, Failure, Record, Revision,
    StreamName, Timestamp,
};
use uuid::Uuid;

use super::attempts::{RETRY_FIRST, pause};
use super::recovery::{Advance, Ask, Step, UNDER_WAY_MAX};
use super::{Command, Ledger};
use crate::ports::Clock;
use crate::registry::Registry;
use crate::shell::Context;

/// As many bytes of bodies as one step brings back, so that they fit one append; a larger one comes
/// by itself.
const STEP_BYTES: usize = 256 * 1024;

/// As many deliveries as one step brings back.
const STEP_MAX: usize = UNDER_WAY_MAX / 2;

/// What a ledger holds that a recovery would take in.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Found {
    /// The deliveries, in the order of their queueing: where they stand, and how many attempts
    /// were made.
    pub deliveries: Vec<(Revision, DeliveryId, u32)>,
    /// As many bytes as their bodies have.
    pub bytes: u64,
    /// How long their last attempts took together.
    pub took: Duration,
    /// The last revision that was looked at; none in a ledger without any.
    pub head: Option<Revision>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Pending,
    Delivered,
    Abandoned,
}

#[derive(Debug)]
struct Candidate {
    delivery: DeliveryId,
    attempts: u32,
    bytes: usize,
    took_us: u64,
    end: End,
}

/// What the ledger of this endpoint holds that the filter takes in, up to `head`.
///
/// # Errors
/// When the log cannot be read.
pub async fn matching(
    store: &dyn EventStore,
    endpoint: EndpointId,
    filter: &RecoveryFilter,
    head: Option<Revision>,
) -> Result<Found, Failure> {
    let stream = StreamName::new(Category::Ledger, endpoint);
    let mut scan = Scan::new(filter);
    let mut from = Revision::FIRST;
    loop {
        let page = store.read_stream(&stream, Slice::From(from), PAGE_MAX).await?;
        let last = is_last(&page, PAGE_MAX);
        for record in page {
            from = record.revision.next();
            scan.take(record, head);
        }
        if last {
            return Ok(scan.found());
        }
    }
}

struct Scan<'a> {
    filter: &'a RecoveryFilter,
    candidates: BTreeMap<Revision, Candidate>,
    places: BTreeMap<DeliveryId, Revision>,
    head: Option<Revision>,
}

impl<'a> Scan<'a> {
    fn new(filter: &'a RecoveryFilter) -> Self {
        Self { filter, candidates: BTreeMap::new(), places: BTreeMap::new(), head: None }
    }

    /// A record that this build does not understand tells nothing. What was queued behind the
    /// head is not taken in; how the others ended is told by what is there now.
    fn take(&mut self, record: Record, head: Option<Revision>) {
        let (revision, at) = (record.revision, record.at);
        self.head = Some(revision);
        let Ok(recorded) = record.decode() else { return };
        let Event::Delivery(event) = recorded.event else { return };
        match event {
            DeliveryEvent::Queued(queued) if head.is_none_or(|head| revision <= head) => {
                if takes_in(self.filter, &queued, at) {
                    self.places.insert(queued.delivery, revision);
                    let candidate = Candidate {
                        delivery: queued.delivery,
                        attempts: 0,
                        bytes: queued.body.len(),
                        took_us: 0,
                        end: End::Pending,
                    };
                    self.candidates.insert(revision, candidate);
                }
            }
            DeliveryEvent::AttemptFailed(it) => self.tell(it.delivery, |candidate| {
                (candidate.attempts, candidate.took_us) = (it.attempt, it.duration_us);
            }),
            DeliveryEvent::Delivered(it) => self.tell(it.delivery, |candidate| {
                (candidate.attempts, candidate.took_us) = (it.attempt, it.duration_us);
                candidate.end = End::Delivered;
            }),
            DeliveryEvent::Abandoned(it) => {
                self.tell(it.delivery, |candidate| candidate.end = End::Abandoned);
            }
            DeliveryEvent::Reopened(it) => {
                self.tell(it.queued.delivery, |candidate| candidate.end = End::Pending);
            }
            DeliveryEvent::Queued(_)
            | DeliveryEvent::RetryRequested(_)
            | DeliveryEvent::Parked(_)
            | DeliveryEvent::EndpointPaced(_)
            | DeliveryEvent::EndpointMoved(_)
            | DeliveryEvent::EndpointFailing(_)
            | DeliveryEvent::EndpointRecovered(_)
            | DeliveryEvent::EndpointWarned(_)
            | DeliveryEvent::EndpointDisabled(_)
            | DeliveryEvent::EndpointPaused(_)
            | DeliveryEvent::EndpointEnabled(_)
            | DeliveryEvent::RecoveryPlanned(_)
            | DeliveryEvent::RecoveryStarted(_)
            | DeliveryEvent::RecoveryPaused(_)
            | DeliveryEvent::RecoveryAdvanced(_)
            | DeliveryEvent::RecoveryFinished(_)
            | DeliveryEvent::RecoveryCancelled(_)
            | DeliveryEvent::SummedUp(_)
            | DeliveryEvent::Trimmed(_)
            | DeliveryEvent::Removed(_) => {}
        }
    }

    fn tell(&mut self, delivery: DeliveryId, change: impl FnOnce(&mut Candidate)) {
        let place = self.places.get(&delivery);
        if let Some(candidate) = place.and_then(|place| self.candidates.get_mut(place)) {
            change(candidate);
        }
    }

    fn found(self) -> Found {
        let wanted = |candidate: &Candidate| match candidate.end {
            End::Pending => false,
            End::Delivered => self.filter.delivered,
            End::Abandoned => self.filter.abandoned,
        };
        let mut found = Found { head: self.head, ..Found::default() };
        for (revision, candidate) in self.candidates {
            if wanted(&candidate) {
                found.bytes += candidate.bytes as u64;
                found.took += Duration::from_micros(candidate.took_us);
                found.deliveries.push((revision, candidate.delivery, candidate.attempts));
            }
        }
        found
    }
}

fn takes_in(filter: &RecoveryFilter, queued: &Queued, at: Timestamp) -> bool {
    let of_name = |event: &String| subscribes(std::slice::from_ref(event), &queued.event);
    at >= filter.since
        && filter.until.is_none_or(|until| at < until)
        && filter.event.as_ref().is_none_or(of_name)
        && filter.key.as_ref().is_none_or(|key| queued.key.as_ref() == Some(key))
}

/// Takes the steps that recoveries owe.
pub(super) struct Replay {
    ledgers: Registry<Ledger>,
    clock: Arc<dyn Clock>,
    /// What was found, so that not every step looks through the whole ledger.
    found: DashMap<RecoveryId, Arc<Found>>,
}

impl Replay {
    pub(super) fn new(ledgers: Registry<Ledger>, clock: Arc<dyn Clock>) -> Self {
        Self { ledgers, clock, found: DashMap::new() }
    }

    /// Forgets what was found for those that do not run: when they go on, more may have ended.
    pub(super) fn look(&self, endpoint: EndpointId, ledger: &Ledger) {
        if self.found.is_empty() {
            return;
        }
        let runs = |id| ledger.recovery(id).is_some_and(|it| it.progress == Progress::Running);
        self.found.retain(|id, _| id.endpoint() != endpoint || runs(*id));
    }

    /// One step; tried until it is told, because nobody else would.
    pub(super) async fn step(&self, endpoint: EndpointId, step: Step) {
        let mut wait = RETRY_FIRST;
        loop {
            match self.advance(endpoint, &step).await {
                Ok(advance) => {
                    if advance.last {
                        self.found.remove(&step.recovery);
                    }
                    let context = self.context(&step, &advance);
                    let command = Command::Advance(Box::new(advance));
                    match self.ledgers.ask(endpoint, context, command).await {
                        Ok(_) => return,
                        Err(refused) if refused.is_passing() => {}
                        Err(refused) => {
                            let recovery = step.recovery;
                            tracing::error!(%recovery, "recovery {recovery} is paused: {refused}");
                            return self.halt(endpoint, recovery).await;
                        }
                    }
                }
                Err(failure) => tracing::warn!("a recovery waits: {failure}"),
            }
            pause(&mut wait).await;
        }
    }

    /// A step that is refused would be so again: somebody must look before it goes on.
    async fn halt(&self, endpoint: EndpointId, recovery: RecoveryId) {
        let mut wait = RETRY_FIRST;
        let context = Context {
            id: Uuid::new_v4(),
            correlation: recovery.0,
            actor: Actor::DELIVERY,
            account: None,
            now: self.clock.now(),
        };
        let pausing = || Command::Recovery(recovery, Ask::Pause);
        while let Err(refused) = self.ledgers.ask(endpoint, context.clone(), pausing()).await
            && refused.is_passing()
        {
            pause(&mut wait).await;
        }
    }

    async fn advance(&self, endpoint: EndpointId, step: &Step) -> Result<Advance, Failure> {
        let found = self.found(endpoint, step).await?;
        let left = found.deliveries.partition_point(|(at, ..)| Some(*at) <= step.reached);
        let stream = StreamName::new(Category::Ledger, endpoint);
        let (mut deliveries, mut bytes, mut reached) = (vec![], 0, None);
        for (revision, _, attempts) in &found.deliveries[left..] {
            if deliveries.len() == STEP_MAX {
                break;
            }
            let page = self.store().read_stream(&stream, Slice::From(*revision), 1).await?;
            let recorded = page.into_iter().next().and_then(|record| record.decode().ok());
            if let Some(Event::Delivery(DeliveryEvent::Queued(mut queued))) =
                recorded.map(|recorded| recorded.event)
            {
                bytes += queued.body.len();
                // What does not fit beside the others comes with the next step.
                if bytes > STEP_BYTES && !deliveries.is_empty() {
                    break;
                }
                queued.due = self.clock.now();
                let (attempts, recovery) = (*attempts, Some(step.recovery));
                deliveries.push(Reopened { queued, attempts, recovery });
            }
            reached = Some(*revision);
        }
        let passed = reached.or(step.reached);
        let last = found.deliveries.last().is_none_or(|(last, ..)| passed >= Some(*last));
        Ok(Advance { recovery: step.recovery, deliveries, reached, last })
    }

    async fn found(&self, endpoint: EndpointId, step: &Step) -> Result<Arc<Found>, Failure> {
        if let Some(found) = self.found.get(&step.recovery) {
            return Ok(found.clone());
        }
        let found = matching(self.store(), endpoint, &step.filter, Some(step.head)).await?;
        let found = Arc::new(found);
        self.found.insert(step.recovery, found.clone());
        Ok(found)
    }

    fn store(&self) -> &dyn EventStore {
        self.ledgers.store()
    }

    /// Each step is a command of its own, and the same when it is taken again.
    fn context(&self, step: &Step, advance: &Advance) -> Context {
        let correlation = step.recovery.0;
        let reached = step.reached.map_or_else(String::new, |reached| reached.0.to_string());
        Context {
            id: Uuid::new_v5(&correlation, reached.as_bytes()),
            correlation,
            actor: Actor::DELIVERY,
            account: advance.deliveries.first().map(|it| it.queued.account),
            now: self.clock.now(),
        }
    }
}
