//! What became of deliveries that are over: what the ledger tells behind their queueing.

use std::collections::{BTreeMap, HashSet};

use events::store::{PAGE_MAX, Slice, is_last};
use events::{
    DeliveryId, EndpointId, Event, EventStore, Failure, Fold, Record, Revision, StreamName,
};
use projections::Views;
use projections::delivery_log::{Delivery, DeliveryLog, NEAR, Stretch};

use crate::http::places::{Place, Places};

/// One that is read from a place among those who do.
pub(super) struct Ledger<'a> {
    pub(super) store: &'a dyn EventStore,
    pub(super) endpoint: EndpointId,
    pub(super) stream: StreamName,
    pub(super) turn: &'a mut Turn,
    /// As many pages as were read.
    pub(super) reads: usize,
}

/// A place, and how many pages are read before it is somebody else's turn.
pub(super) struct Turn {
    pub(super) places: Places,
    pub(super) place: Option<Place>,
    pub(super) reads_max: usize,
}

/// Deliveries that are followed up to their ends. Most end near; where one did not, the view says
/// in which stretches of the ledger something is told of such, and what lies between is not read.
pub(super) struct Following {
    /// Where they were queued.
    places: BTreeMap<DeliveryId, Revision>,
    /// What was told of them, as the view would show it.
    log: DeliveryLog,
    /// Those whose end is not read yet.
    open: HashSet<DeliveryId>,
    /// Those among them that were brought back behind the end before.
    again: HashSet<DeliveryId>,
}

impl Ledger<'_> {
    pub(super) async fn read(
        &mut self,
        slice: Slice,
        limit: usize,
    ) -> Result<Vec<Record>, Failure> {
        if self.reads > 0 && self.reads.is_multiple_of(self.turn.reads_max) {
            self.turn.pass().await;
        }
        self.reads += 1;
        self.store.read_stream(&self.stream, slice, limit).await
    }
}

impl Turn {
    async fn pass(&mut self) {
        if let Some(place) = self.place.take() {
            self.place = Some(self.places.pass(place).await);
        }
    }
}

impl Following {
    /// No more than [`projections::delivery_log::FINISHED_MAX`] of them.
    pub(super) fn new(places: BTreeMap<DeliveryId, Revision>) -> Self {
        let open = places.keys().copied().collect();
        Self { places, log: DeliveryLog::default(), open, again: HashSet::new() }
    }

    /// Reads what is told of them, and no more than that takes.
    pub(super) async fn through(
        mut self,
        ledger: &mut Ledger<'_>,
        views: &Views,
    ) -> Result<Vec<Delivery>, Failure> {
        let queued = self.places.values().copied();
        let Some((first, last)) = queued.clone().min().zip(queued.max()) else {
            return Ok(vec![]);
        };
        let near = (first, Revision(last.0.saturating_add(NEAR)));
        let behind = self.take(ledger, near, |it| it.open.is_empty()).await?;
        let afar = |view: &DeliveryLog| view.afar(ledger.endpoint, (first, last), behind);
        for stretch in views.delivery_log.read(afar) {
            self.take(ledger, stretch, |_| false).await?;
        }
        let told = self.places.iter().filter_map(|(id, queued)| {
            let told = self.log.delivery(*id)?;
            if !self.open.contains(id) {
                return Some(told);
            }
            // It was over when that was asked. It is owed again by now; or else its end cannot be
            // read, or was removed meanwhile, and it is not told as if it were owed.
            // What was brought back a moment ago the view may not know yet.
            let Some(mut known) = views.delivery_log.read(|view| view.delivery(*id)) else {
                return self.again.contains(id).then_some(told);
            };
            (known.revision, known.created_at) = (*queued, told.created_at);
            Some(known)
        });
        Ok(told.collect())
    }

    /// Takes in a stretch of the ledger, page by page until it is enough. From where on nothing was
    /// read.
    async fn take(
        &mut self,
        ledger: &mut Ledger<'_>,
        (mut from, last): Stretch,
        is_enough: impl Fn(&Self) -> bool,
    ) -> Result<Revision, Failure> {
        while from <= last && !is_enough(self) {
            let rest = usize::try_from(last.0 - from.0).unwrap_or(PAGE_MAX);
            let limit = rest.saturating_add(1).min(PAGE_MAX);
            let page = ledger.read(Slice::From(from), limit).await?;
            let Some(end) = page.last().map(|record| record.revision) else { break };
            from = end.next();
            let is_all = is_last(&page, limit);
            page.into_iter().for_each(|record| self.hear(record));
            if is_all {
                break;
            }
        }
        Ok(from)
    }

    /// A record, which may tell of one of them.
    fn hear(&mut self, record: Record) {
        let Ok(record) = record.decode() else { return };
        let Event::Delivery(event) = &record.event else { return };
        let Some(id) = event.delivery().filter(|id| self.places.contains_key(id)) else { return };
        self.log.evolve(&record);
        if self.log.delivery(id).is_some_and(|it| it.finished_at.is_some()) {
            self.open.remove(&id);
            self.again.remove(&id);
        } else {
            if matches!(event, events::delivery::Event::Reopened(_)) {
                self.again.insert(id);
            }
            self.open.insert(id);
        }
    }
}
