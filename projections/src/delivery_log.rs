//! What each endpoint is owed and was lately delivered. Bodies and attempts stay in its ledger.

mod afar;
mod ended;
mod retention;
mod stretches;

use std::collections::{BTreeMap, HashMap};

use events::delivery::{AbandonReason, AttemptClass, Event as DeliveryEvent, Queued, Reopened};
use events::webhook::Ordering;
use events::{DeliveryId, EndpointId, Event, Fold, Recorded, Revision, Timestamp, words};
use serde::{Deserialize, Serialize};

use crate::{Projection, Seen};
use afar::Afar;
use ended::Ended;
use retention::Kept;

pub use afar::NEAR;
pub use ended::FINISHED_MAX;
pub use retention::Upkeep;
pub use stretches::Stretch;

words! {
    /// Where a delivery is.
    pub enum DeliveryStatus {
        /// Queued or waiting for its next attempt.
        Pending = "pending",
        /// Taken by the receiver.
        Delivered = "delivered",
        /// Given up.
        Abandoned = "abandoned",
        /// Owed, but neither attempted nor given up until somebody says so.
        Held = "held",
    }
}

/// One delivery as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Which.
    pub id: DeliveryId,
    /// What the receiver calls the event.
    pub event: Box<str>,
    /// Where it is.
    pub status: DeliveryStatus,
    /// Attempts that have ended.
    pub attempts: u32,
    /// When the next attempt may be made; none when there will be none.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it was delivered or given up.
    pub finished_at: Option<Timestamp>,
    /// How the last attempt ended; none before the first.
    pub last_class: Option<AttemptClass>,
    /// The HTTP status of the last attempt, where the receiver answered.
    pub last_status_code: Option<u16>,
    /// Where the ledger's stream says what is to be delivered; its attempts stand behind.
    pub revision: Revision,
    /// What it shares with those that it may have to wait for.
    pub key: Option<Box<str>>,
    /// The delivery that it waits for, where the endpoint wants an order.
    pub behind: Option<DeliveryId>,
    /// When retention removed its body and its attempts; none while they are there.
    pub removed_at: Option<Timestamp>,
    /// Why it was given up, where it was.
    pub abandoned_for: Option<AbandonReason>,
    /// Where it was owed again last.
    reopened: Option<Revision>,
    /// Whether it was owed again more than once.
    often: bool,
    /// When the last attempt began that failed since it is owed.
    failed_at: Option<Timestamp>,
    /// Whether it was put aside, or asked for by itself while it waited: it waits for no other
    /// and is in nobody's way.
    aside: bool,
    /// Whether it was brought back after it had left: `revision` and `created_at` say when that
    /// was, and only the ledger when it was queued.
    stray: bool,
    /// Where the last attempt is told of; where it was queued, while there is none.
    attempted: Revision,
    /// Where its end is told; where it was queued, while there is none.
    over: Revision,
}

impl Delivery {
    /// Where it stands among those that wait: what is owed again stands behind them.
    fn place(&self) -> Revision {
        self.reopened.unwrap_or(self.revision)
    }
}

/// Which deliveries to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Only such as are there.
    pub status: Option<DeliveryStatus>,
    /// Only of events of this name.
    pub event: Option<String>,
    /// Only such as stand before this place of the ledger.
    pub below: Option<Revision>,
    /// Only such as were queued before this moment.
    pub before: Option<Timestamp>,
    /// Only such as were queued after this moment.
    pub after: Option<Timestamp>,
    /// No more than so many.
    pub limit: usize,
}

/// Deliveries as they are listed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Those queued last first.
    pub deliveries: Vec<Delivery>,
    /// From here on back, only the ledger itself has all that were wanted; none where no such one
    /// has left this view.
    pub left: Option<Revision>,
}

/// What is here of a delivery that was queued at a place of its ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Here {
    /// Nothing: it is over, and only the ledger tells of it.
    Gone,
    /// It is listed at that place.
    Listed,
    /// How it is, though not where and when it was queued.
    Stray(Box<Delivery>),
}

/// Every endpoint's deliveries.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryLog {
    seen: Seen,
    ledgers: HashMap<EndpointId, Ledger>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ledger {
    /// In the order of queueing, but for those that retention moved.
    deliveries: BTreeMap<Revision, Delivery>,
    places: HashMap<DeliveryId, Revision>,
    ended: Ended,
    afar: Afar,
    ordering: Ordering,
    /// Whether everything that is owed is held.
    holds: bool,
    kept: Kept,
}

/// What shares its order: all of the endpoint, or all of one key.
type Lane<'a> = Option<&'a str>;

/// The delivery that all others of its lane wait for.
type Heads<'a> = HashMap<Lane<'a>, &'a Delivery>;

impl Filter {
    /// All of them, newest first.
    pub fn newest(limit: usize) -> Self {
        Self { status: None, event: None, below: None, before: None, after: None, limit }
    }

    /// Whether a delivery that is as it says is one of these.
    pub fn takes(&self, delivery: &Delivery) -> bool {
        self.wants(delivery, delivery.status)
    }

    /// Whether a delivery is one of these, given where it is.
    fn wants(&self, delivery: &Delivery, is: DeliveryStatus) -> bool {
        self.status.is_none_or(|status| is == status)
            && self.event.as_deref().is_none_or(|event| *delivery.event == *event)
            && self.below.is_none_or(|below| delivery.revision < below)
            && self.before.is_none_or(|at| delivery.created_at < at)
            && self.after.is_none_or(|at| delivery.created_at > at)
    }
}

impl DeliveryLog {
    /// Everybody who was ever owed anything, in no order.
    pub fn endpoints(&self) -> impl Iterator<Item = EndpointId> {
        self.ledgers.keys().copied()
    }

    /// One delivery; none when it is unknown or finished too long ago.
    pub fn delivery(&self, id: DeliveryId) -> Option<Delivery> {
        let ledger = self.ledgers.get(&id.endpoint())?;
        let delivery = ledger.deliveries.get(ledger.places.get(&id)?)?;
        Some(ledger.seen(delivery, &ledger.heads()))
    }

    /// Where a delivery was queued; none where only its ledger tells.
    pub fn queued_at(&self, id: DeliveryId) -> Option<Revision> {
        self.delivery(id).filter(|it| !it.stray).map(|it| it.revision)
    }

    /// Up to where its ledger tells of a delivery that is over; none of another one.
    pub fn told_to(&self, id: DeliveryId) -> Option<Revision> {
        let delivery = self.delivery(id).filter(|it| it.finished_at.is_some())?;
        Some(delivery.attempted.max(delivery.over))
    }

    /// What is here of deliveries of an endpoint that were queued at these places.
    pub fn here(&self, endpoint: EndpointId, queued: &[(DeliveryId, Revision)]) -> Vec<Here> {
        let Some(ledger) = self.ledgers.get(&endpoint) else {
            return vec![Here::Gone; queued.len()];
        };
        let heads = ledger.heads();
        let here = queued.iter().map(|(id, place)| {
            let known = ledger.places.get(id).and_then(|revision| ledger.deliveries.get(revision));
            match known {
                None => Here::Gone,
                Some(known) if known.revision == *place => Here::Listed,
                Some(known) => Here::Stray(Box::new(ledger.seen(known, &heads))),
            }
        });
        here.collect()
    }

    /// Where a ledger tells what became of deliveries that are not here any more and were queued
    /// between two places: within [`NEAR`] records behind each, and in these stretches. As far as
    /// they stand at `from` or behind it, in their order.
    pub fn afar(&self, endpoint: EndpointId, queued: Stretch, from: Revision) -> Vec<Stretch> {
        self.ledgers.get(&endpoint).map_or_else(Vec::new, |ledger| ledger.afar.of(queued, from))
    }

    /// Where in an endpoint's ledger a delivery was brought back last.
    pub fn last_again(&self, endpoint: EndpointId) -> Option<Revision> {
        self.ledgers.get(&endpoint)?.afar.last_again()
    }

    /// An endpoint's deliveries, as far as they are here.
    pub fn list(&self, endpoint: impl Into<EndpointId>, filter: &Filter) -> Listed {
        let Some(ledger) = self.ledgers.get(&endpoint.into()) else { return Listed::default() };
        let all = ledger.deliveries.values().rev();
        let heads = ledger.heads();
        // What retention moved stands behind what was queued after it, so each is looked at.
        let deliveries = all
            .filter(|it| !ledger.hides(it) && filter.wants(it, ledger.status(it)))
            .take(filter.limit)
            .map(|delivery| ledger.seen(delivery, &heads))
            .collect();
        Listed { deliveries, left: ledger.left(filter.status) }
    }
}

impl Ledger {
    /// Whether it is listed only where it was queued, which the ledger has still. Where retention
    /// was at work that is not sure, and it is listed where it was brought back.
    fn hides(&self, delivery: &Delivery) -> bool {
        delivery.stray && self.kept.trimmed().is_none()
    }

    /// From where on back the ledger has more that is so.
    fn left(&self, status: Option<DeliveryStatus>) -> Option<Revision> {
        let (all, left) = (self.ended.left(None), self.ended.left(status));
        if all == left {
            return left;
        }
        let is_so = |it: &Delivery| status.is_none_or(|status| self.status(it) == status);
        let hides = self.deliveries.values().any(|it| self.hides(it) && is_so(it));
        if hides { all } else { left }
    }

    fn status(&self, delivery: &Delivery) -> DeliveryStatus {
        let held = delivery.status == DeliveryStatus::Pending && self.holds;
        if held { DeliveryStatus::Held } else { delivery.status }
    }

    /// A delivery with what follows from all the others.
    fn seen(&self, delivery: &Delivery, heads: &Heads<'_>) -> Delivery {
        let lane = self.lane(delivery);
        let head = lane.and_then(|lane| heads.get(&lane)).map(|head| head.id);
        let behind = head.filter(|head| *head != delivery.id);
        Delivery { status: self.status(delivery), behind, ..delivery.clone() }
    }

    /// Where it waits in a row with others; none when nothing keeps it.
    fn lane<'a>(&self, delivery: &'a Delivery) -> Option<Lane<'a>> {
        let waits = delivery.status == DeliveryStatus::Pending && !delivery.aside;
        match self.ordering {
            Ordering::Fifo if waits => Some(None),
            Ordering::ByKey if waits => delivery.key.as_deref().map(Some),
            Ordering::None | Ordering::Fifo | Ordering::ByKey => None,
        }
    }

    /// What stands first in each lane.
    fn heads(&self) -> Heads<'_> {
        let mut heads = Heads::new();
        if self.ordering == Ordering::None {
            return heads;
        }
        for delivery in self.deliveries.values() {
            if let Some(lane) = self.lane(delivery) {
                let head = heads.entry(lane).or_insert(delivery);
                if delivery.place() < head.place() {
                    *head = delivery;
                }
            }
        }
        heads
    }

    /// Whether it is kept by another.
    fn waits(&self, id: DeliveryId) -> bool {
        let delivery = self.places.get(&id).and_then(|revision| self.deliveries.get(revision));
        delivery.is_some_and(|delivery| self.seen(delivery, &self.heads()).behind.is_some())
    }

    fn queue(&mut self, record: &Recorded<Event>, queued: &Queued, attempts: u32) {
        let delivery = Delivery {
            id: queued.delivery,
            event: queued.event.as_str().into(),
            status: DeliveryStatus::Pending,
            attempts,
            next_attempt_at: Some(queued.due),
            created_at: record.at,
            finished_at: None,
            last_class: None,
            last_status_code: None,
            revision: record.revision,
            key: queued.key.as_deref().map(Box::from),
            behind: None,
            removed_at: None,
            abandoned_for: None,
            reopened: None,
            often: false,
            failed_at: None,
            aside: false,
            stray: false,
            attempted: record.revision,
            over: record.revision,
        };
        self.places.insert(queued.delivery, record.revision);
        self.deliveries.insert(record.revision, delivery);
    }

    fn reopen(&mut self, record: &Recorded<Event>, reopened: &Reopened) {
        self.afar.brought_back(record.revision);
        match self.delivery(reopened.queued.delivery) {
            Some(delivery) => {
                delivery.status = DeliveryStatus::Pending;
                delivery.finished_at = None;
                delivery.abandoned_for = None;
                delivery.often = delivery.reopened.replace(record.revision).is_some();
                (delivery.failed_at, delivery.aside) = (None, false);
                delivery.next_attempt_at = Some(reopened.queued.due);
                let revision = delivery.revision;
                self.ended.forget(revision);
            }
            None => {
                self.queue(record, &reopened.queued, reopened.attempts);
                let has_left = self.ended.left(None).is_some();
                if let Some(delivery) = self.delivery(reopened.queued.delivery) {
                    delivery.reopened = Some(record.revision);
                    delivery.stray = has_left;
                }
            }
        }
    }

    fn take(&mut self, record: &Recorded<Event>, event: &DeliveryEvent) {
        self.kept.take(record.at, event);
        match event {
            DeliveryEvent::Queued(queued) => self.queue(record, queued, 0),
            DeliveryEvent::AttemptFailed(failed) => {
                if let Some(delivery) = self.delivery(failed.delivery) {
                    delivery.attempts = failed.attempt;
                    delivery.attempted = record.revision;
                    delivery.next_attempt_at = failed.retry_at;
                    delivery.failed_at = Some(failed.started_at);
                    delivery.last_class = Some(failed.class);
                    delivery.last_status_code =
                        failed.response.as_ref().map(|response| response.status);
                }
            }
            DeliveryEvent::Delivered(delivered) => {
                if let Some(delivery) = self.delivery(delivered.delivery) {
                    delivery.attempts = delivered.attempt;
                    delivery.attempted = record.revision;
                    delivery.last_class = Some(AttemptClass::Ok);
                    delivery.last_status_code = Some(delivered.response.status);
                }
                self.finish(delivered.delivery, DeliveryStatus::Delivered, record);
            }
            DeliveryEvent::Abandoned(abandoned) => {
                if let Some(delivery) = self.delivery(abandoned.delivery) {
                    delivery.abandoned_for = Some(abandoned.reason);
                }
                self.finish(abandoned.delivery, DeliveryStatus::Abandoned, record);
            }
            DeliveryEvent::RetryRequested(asked) => {
                let waits = self.waits(asked.delivery);
                if let Some(delivery) = self.delivery(asked.delivery) {
                    delivery.status = DeliveryStatus::Pending;
                    delivery.aside |= waits;
                    delivery.next_attempt_at = Some(asked.due);
                }
            }
            DeliveryEvent::Reopened(reopened) => self.reopen(record, reopened),
            DeliveryEvent::Parked(parked) => {
                if let Some(delivery) = self.delivery(parked.delivery) {
                    (delivery.status, delivery.aside) = (DeliveryStatus::Held, true);
                    delivery.next_attempt_at = None;
                }
            }
            DeliveryEvent::EndpointPaced(paced) => self.ordering = paced.ordering,
            DeliveryEvent::EndpointDisabled(_) | DeliveryEvent::EndpointPaused(_) => {
                self.holds = true;
            }
            DeliveryEvent::EndpointEnabled(enabled) => {
                self.holds = false;
                self.hurry(enabled.at, |failed_at| failed_at.is_some());
            }
            DeliveryEvent::EndpointRecovered(recovered) => {
                self.hurry(recovered.at, |failed_at| failed_at >= Some(recovered.since));
            }
            DeliveryEvent::EndpointMoved(_)
            | DeliveryEvent::EndpointFailing(_)
            | DeliveryEvent::EndpointWarned(_)
            | DeliveryEvent::RecoveryPlanned(_)
            | DeliveryEvent::RecoveryStarted(_)
            | DeliveryEvent::RecoveryPaused(_)
            | DeliveryEvent::RecoveryAdvanced(_)
            | DeliveryEvent::RecoveryFinished(_)
            | DeliveryEvent::RecoveryCancelled(_)
            | DeliveryEvent::Removed(_) => {}
            DeliveryEvent::SummedUp(summed) => self.summed_up(record, summed),
            DeliveryEvent::Trimmed(trimmed) => self.trim(trimmed),
        }
    }

    /// What failed with its endpoint need not wait any longer: so its ledger decided.
    fn hurry(&mut self, at: Timestamp, which: impl Fn(Option<Timestamp>) -> bool) {
        for delivery in self.deliveries.values_mut().filter(|it| which(it.failed_at)) {
            delivery.next_attempt_at = delivery.next_attempt_at.map(|due| due.min(at));
        }
    }

    fn delivery(&mut self, id: DeliveryId) -> Option<&mut Delivery> {
        self.deliveries.get_mut(self.places.get(&id)?)
    }

    fn finish(&mut self, id: DeliveryId, status: DeliveryStatus, record: &Recorded<Event>) {
        let Some(delivery) = self.delivery(id) else { return };
        let was = delivery.finished_at.map(|_| delivery.status);
        delivery.status = status;
        (delivery.finished_at, delivery.over) = (Some(record.at), record.revision);
        (delivery.next_attempt_at, delivery.failed_at) = (None, None);
        let revision = delivery.revision;
        self.kept.ended(revision, record.at);
        let Some(oldest) = self.ended.take(revision, was, status) else { return };
        if let Some(oldest) = self.deliveries.remove(&oldest) {
            self.places.remove(&oldest.id);
            if self.kept.has(oldest.revision) {
                self.ended.leave(oldest.revision, oldest.status);
                self.afar.left(&oldest);
            }
        }
    }
}

impl Fold for DeliveryLog {
    type Event = Recorded<Event>;

    fn evolve(&mut self, record: &Recorded<Event>) {
        if !self.seen.is_news(record.position) {
            return;
        }
        match &record.event {
            Event::Delivery(event) => {
                if let Some(endpoint) = record.stream.endpoint() {
                    self.ledgers.entry(endpoint).or_default().take(record, event);
                }
            }
            Event::Account(_)
            | Event::Inbox(_)
            | Event::Webhook(_)
            | Event::Platform(_)
            | Event::Installation(_)
            | Event::Fanout(_)
            | Event::Request(_)
            | Event::Hook(_)
            | Event::Rule(_) => {}
        }
    }
}

impl Projection for DeliveryLog {
    const NAME: &'static str = "delivery_log";
    const VERSION: u32 = 11;
}

#[cfg(test)]
mod tests;
