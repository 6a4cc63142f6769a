//! Deliveries that have not ended, and which of them wait for which.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use events::delivery::{AttemptClass, AttemptFailed, Queued};
use events::webhook::Ordering;
use events::{AccountId, DeliveryId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// All deliveries of one ledger that have not ended.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Queue {
    pending: BTreeMap<DeliveryId, Pending>,
    /// Those that wait for no other: by when, then in the order of queueing.
    due: BTreeSet<(Timestamp, u64, DeliveryId)>,
    /// All that are not parked, in the order of queueing.
    order: BTreeMap<u64, DeliveryId>,
    /// Those that wait for each other: the first of each lane is due, the others stand behind it.
    lanes: BTreeMap<String, BTreeSet<u64>>,
    ordering: Ordering,
    queued: u64,
}

/// A delivery that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) account: AccountId,
    pub(super) event: String,
    pub(super) body: Bytes,
    pub(super) key: Option<String>,
    /// Attempts that have ended.
    pub(super) attempts: u32,
    /// Those among them that used up a wait of the schedule.
    pub(super) charged: u32,
    /// Those that failed last and were our fault, one after the other.
    pub(super) ours: u32,
    pub(super) due: Timestamp,
    /// When the last attempt began that failed.
    pub(super) failed_at: Option<Timestamp>,
    /// How it did.
    pub(super) failed_as: Option<AttemptClass>,
    pub(super) parked: bool,
    number: u64,
    /// Whether it was asked for by itself, and so waits for no other.
    loose: bool,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn ordering(&self) -> Ordering {
        self.ordering
    }

    pub(super) fn get(&self, delivery: DeliveryId) -> Option<&Pending> {
        self.pending.get(&delivery)
    }

    /// Puts one at the end.
    pub(super) fn push(&mut self, queued: &Queued, attempts: u32) {
        self.queued += 1;
        let pending = Pending {
            account: queued.account,
            event: queued.event.clone(),
            body: Bytes::copy_from_slice(queued.body.as_bytes()),
            key: queued.key.clone(),
            attempts,
            charged: 0,
            ours: 0,
            due: queued.due,
            failed_at: None,
            failed_as: None,
            parked: false,
            number: self.queued,
            loose: false,
        };
        self.enter(queued.delivery, &pending);
        self.pending.insert(queued.delivery, pending);
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, delivery: DeliveryId) {
        if let Some(pending) = self.pending.remove(&delivery) {
            self.leave(delivery, &pending);
        }
    }

    /// Changes one; wherever it stood, it then stands where it belongs.
    pub(super) fn change(&mut self, delivery: DeliveryId, change: impl FnOnce(&mut Pending)) {
        let Some(mut pending) = self.pending.remove(&delivery) else { return };
        self.leave(delivery, &pending);
        change(&mut pending);
        self.enter(delivery, &pending);
        self.pending.insert(delivery, pending);
    }

    /// It is asked for by itself: at once, and whatever stands before it. The first of its lane
    /// stays that, so that those behind it go on waiting.
    pub(super) fn ask_for(&mut self, delivery: DeliveryId, due: Timestamp) {
        let waits = self.get(delivery).is_some_and(|pending| self.waits(pending));
        self.change(delivery, |pending| {
            pending.due = due;
            pending.loose |= waits;
            pending.parked = false;
        });
    }

    /// Whether it is not only its time that it waits for.
    pub(super) fn waits(&self, pending: &Pending) -> bool {
        let numbers = self.lane(pending).and_then(|lane| self.lanes.get(&lane));
        let is_behind = || numbers.is_some_and(|it| it.first() != Some(&pending.number));
        pending.parked || is_behind()
    }

    /// Lets another order hold.
    pub(super) fn order_by(&mut self, ordering: Ordering) {
        self.ordering = ordering;
        self.due.clear();
        self.lanes.clear();
        // In the order of queueing, so that each lane begins with its first.
        let (order, all) = (self.order.clone(), std::mem::take(&mut self.pending));
        for delivery in order.values() {
            if let Some(pending) = all.get(delivery) {
                self.enter(*delivery, pending);
            }
        }
        self.pending = all;
    }

    /// Makes everything due that `which` names and that would be due later.
    pub(super) fn hurry(&mut self, at: Timestamp, which: impl Fn(&Pending) -> bool) {
        let late = self.pending.iter().filter(|(_, it)| it.due > at && which(it));
        let late: Vec<_> = late.map(|(delivery, _)| *delivery).collect();
        for delivery in late {
            self.change(delivery, |pending| pending.due = at);
        }
    }

    /// As many as were queued, those that have ended included.
    pub(super) fn queued(&self) -> u64 {
        self.queued
    }

    /// The number of the one that was queued first, parked or not.
    pub(super) fn first_number(&self) -> Option<u64> {
        self.pending.values().map(|pending| pending.number).min()
    }

    /// Whether any waits for no other although there is an order.
    pub(super) fn has_loose(&self) -> bool {
        self.pending.values().any(|pending| pending.loose)
    }

    /// Goes on as the queue after so many.
    pub(super) fn resume(&mut self, queued: u64, ordering: Ordering) {
        self.queued = queued;
        if self.ordering != ordering {
            self.order_by(ordering);
        }
    }

    /// Those that wait for no other and are not under way, the first that is due first, and when
    /// each is.
    pub(super) fn free(
        &self,
        busy: &BTreeSet<Uuid>,
    ) -> impl Iterator<Item = (Timestamp, DeliveryId)> {
        let free = self.due.iter().filter(|(_, _, delivery)| !busy.contains(&delivery.0));
        free.map(|(due, _, delivery)| (*due, *delivery))
    }

    /// The one that was queued first.
    pub(super) fn oldest(&self) -> Option<DeliveryId> {
        self.order.values().next().copied()
    }

    /// All, in the order in which they are due, then those that wait for others, then those that
    /// are parked: whoever takes the first few of very many pays for no more.
    pub(super) fn all(&self) -> impl Iterator<Item = DeliveryId> {
        let due = self.due.iter().map(|(_, _, delivery)| *delivery);
        let waits = |number: &u64| self.place(*number).is_some_and(|it| !self.due.contains(&it));
        let waiting = self.order.iter().filter(move |(number, _)| waits(number)).map(|(_, id)| *id);
        let parked = self.pending.iter().filter(|(_, it)| it.parked).map(|(id, _)| *id);
        due.chain(waiting).chain(parked)
    }

    /// All of which there is a newer one with the same key, the oldest first. What is parked is
    /// neither.
    pub(super) fn outdated(&self) -> Vec<DeliveryId> {
        let mut keys = BTreeSet::new();
        let newest_first = self.order.values().rev();
        let key = |delivery: &&DeliveryId| self.pending.get(delivery)?.key.as_deref();
        let mut outdated: Vec<_> = newest_first
            .filter(|delivery| key(delivery).is_some_and(|key| !keys.insert(key)))
            .copied()
            .collect();
        outdated.reverse();
        outdated
    }

    /// The lane that it stands in, unless it waits for none.
    fn lane(&self, pending: &Pending) -> Option<String> {
        if pending.loose {
            return None;
        }
        match self.ordering {
            Ordering::None => None,
            Ordering::Fifo => Some(String::new()),
            Ordering::ByKey => pending.key.clone(),
        }
    }

    fn enter(&mut self, delivery: DeliveryId, pending: &Pending) {
        if pending.parked {
            return;
        }
        self.order.insert(pending.number, delivery);
        let Some(lane) = self.lane(pending) else {
            self.due.insert((pending.due, pending.number, delivery));
            return;
        };
        let lane = self.lanes.entry(lane).or_default();
        let head = lane.first().copied();
        lane.insert(pending.number);
        if head.is_none_or(|head| pending.number < head) {
            self.due.insert((pending.due, pending.number, delivery));
            if let Some((due, number, behind)) = head.and_then(|head| self.place(head)) {
                self.due.remove(&(due, number, behind));
            }
        }
    }

    fn leave(&mut self, delivery: DeliveryId, pending: &Pending) {
        self.order.remove(&pending.number);
        self.due.remove(&(pending.due, pending.number, delivery));
        let Some(lane) = self.lane(pending) else { return };
        let Some(numbers) = self.lanes.get_mut(&lane) else { return };
        let was_head = numbers.first() == Some(&pending.number);
        numbers.remove(&pending.number);
        let next = numbers.first().copied();
        if numbers.is_empty() {
            self.lanes.remove(&lane);
        }
        if let Some(place) = next.filter(|_| was_head).and_then(|next| self.place(next)) {
            self.due.insert(place);
        }
    }

    fn place(&self, number: u64) -> Option<(Timestamp, u64, DeliveryId)> {
        let delivery = *self.order.get(&number)?;
        Some((self.pending.get(&delivery)?.due, number, delivery))
    }
}

impl Pending {
    /// An attempt of it failed.
    pub(super) fn fail(&mut self, failed: &AttemptFailed) {
        self.attempts = failed.attempt;
        self.charged += u32::from(failed.charged);
        self.ours = if failed.class == AttemptClass::Ours { self.ours + 1 } else { 0 };
        self.failed_at = Some(failed.started_at);
        self.failed_as = Some(failed.class);
        self.due = failed.retry_at.unwrap_or(self.due);
    }
}
