//! The way back through a ledger, to deliveries that the view has not where they were queued.

use std::collections::{BTreeMap, HashSet};

use events::delivery::Event as DeliveryEvent;
use events::store::{PAGE_MAX, Slice, is_last};
use events::{
    DeliveryId, EndpointId, Event, Failure, Fold, Record, Revision, StreamName, Timestamp,
};
use projections::delivery_log::{Delivery, DeliveryLog, FINISHED_MAX, Filter, Here};

use crate::app::App;

/// A way back, as far as it is gone. Nothing is remembered of it: what was queued there and is over
/// is told by the records from there on, up to its end, and where deliveries were brought back.
pub(super) struct Older<'a> {
    app: &'a App,
    endpoint: EndpointId,
    stream: StreamName,
    filter: &'a Filter,
    /// Everything from here on is told; none where there is nothing before it.
    reached: Option<Revision>,
    /// Whether retention has removed anything of the ledger.
    is_trimmed: bool,
    reads: usize,
}

/// Where a delivery was queued, and when.
struct Queueing {
    id: DeliveryId,
    revision: Revision,
    at: Timestamp,
    /// Whether that is where it was brought back.
    again: bool,
}

impl<'a> Older<'a> {
    /// From a place back.
    pub(super) fn new(
        app: &'a App,
        endpoint: EndpointId,
        stream: StreamName,
        filter: &'a Filter,
        from: Revision,
    ) -> Self {
        let is_trimmed = app.views.delivery_log.read(|view| view.trimmed(endpoint).is_some());
        Self { app, endpoint, stream, filter, reached: Some(from), is_trimmed, reads: 0 }
    }

    /// How far it is gone: none at its end.
    pub(super) fn reached(&self) -> Option<Revision> {
        self.reached
    }

    /// As many pages as were read.
    pub(super) fn reads(&self) -> usize {
        self.reads
    }

    /// Goes on, at least by one record where there is one. What is wanted of what was queued there.
    pub(super) async fn step(&mut self) -> Result<Vec<Delivery>, Failure> {
        let Some(place) = self.reached else { return Ok(vec![]) };
        let page = self.read(Slice::Before(Some(place)), PAGE_MAX).await?;
        let mut reached = page.last().filter(|_| !is_last(&page, PAGE_MAX)).map(|it| it.revision);
        let wanted = |it: &Record| self.filter.after.is_none_or(|after| it.at > after);
        let young = page.iter().take_while(|record| wanted(record)).count();
        if young < page.len() {
            reached = None;
        }
        let queued: Vec<_> =
            page.into_iter().take(young).filter_map(|record| self.queueing(record)).collect();
        let places: Vec<_> = queued.iter().map(|it| (it.id, it.revision)).collect();
        let here = self.app.views.delivery_log.read(|view| view.here(self.endpoint, &places));
        let (mut told, mut gone) = (vec![], BTreeMap::new());
        for (queueing, here) in queued.into_iter().zip(here) {
            let Queueing { id, revision, at, again } = queueing;
            match here {
                Here::Listed => {}
                Here::Stray(_) if again => {}
                Here::Stray(mut it) => {
                    (it.revision, it.created_at) = (revision, at);
                    told.push(*it);
                }
                Here::Gone => {
                    gone.insert(id, revision);
                }
            }
            // More are not followed at once, and not kept by what follows them.
            if gone.len() == FINISHED_MAX {
                reached = Some(revision);
                break;
            }
        }
        told.append(&mut self.followed(&gone).await?);
        told.retain(|delivery| self.filter.takes(delivery));
        self.reached = reached;
        Ok(told)
    }

    /// What became of deliveries that are over, as the view would tell it.
    async fn followed(
        &mut self,
        gone: &BTreeMap<DeliveryId, Revision>,
    ) -> Result<Vec<Delivery>, Failure> {
        let Some(mut from) = gone.values().min().copied() else { return Ok(vec![]) };
        let (mut log, mut open) = (DeliveryLog::default(), gone.keys().copied().collect());
        while let Some((first, limit)) = self.next(&open, from) {
            let page = self.read(Slice::From(first), limit).await?;
            let (end, last) = (is_last(&page, limit), page.last().map(|last| last.revision));
            for record in page {
                follow(&mut log, &mut open, gone, record);
            }
            from = match last {
                Some(last) if !end => last.next(),
                Some(_) | None => break,
            };
        }
        Ok(gone.keys().filter_map(|id| log.delivery(*id)).collect())
    }

    /// Where to read on, and how much at most: none where all are over and none is brought back.
    fn next(&self, open: &HashSet<DeliveryId>, from: Revision) -> Option<(Revision, usize)> {
        if !open.is_empty() {
            return Some((from, PAGE_MAX));
        }
        let again = self.app.views.delivery_log.read(|view| view.again(self.endpoint, from));
        let (first, last) = again?;
        let stretch = usize::try_from(last.0 - first.0).unwrap_or(PAGE_MAX);
        Some((first, stretch.saturating_add(1).min(PAGE_MAX)))
    }

    async fn read(&mut self, slice: Slice, limit: usize) -> Result<Vec<Record>, Failure> {
        self.reads += 1;
        self.app.store.read_stream(&self.stream, slice, limit).await
    }

    /// The delivery that was queued here, where it may be wanted. A record that this build does not
    /// understand tells nothing.
    fn queueing(&self, record: Record) -> Option<Queueing> {
        let record = record.decode().ok()?;
        let Event::Delivery(event) = record.event else { return None };
        let (queued, again) = if let DeliveryEvent::Queued(queued) = event {
            (queued, false)
        } else if let DeliveryEvent::Reopened(it) = event
            && self.is_trimmed
        {
            // Where it was queued may be removed: rather twice in a walk than not at all.
            (it.queued, true)
        } else {
            return None;
        };
        let is_meant = self.filter.event.as_ref().is_none_or(|event| *event == queued.event);
        let (revision, at) = (record.revision, record.at);
        is_meant.then_some(Queueing { id: queued.delivery, revision, at, again })
    }
}

/// Takes in a record, if it tells of one of those that are followed; which of them are not over.
fn follow(
    log: &mut DeliveryLog,
    open: &mut HashSet<DeliveryId>,
    gone: &BTreeMap<DeliveryId, Revision>,
    record: Record,
) {
    let Ok(record) = record.decode() else { return };
    let Event::Delivery(event) = &record.event else { return };
    let Some(id) = event.delivery().filter(|id| gone.contains_key(id)) else { return };
    log.evolve(&record);
    if log.delivery(id).is_some_and(|it| it.finished_at.is_some()) {
        open.remove(&id);
    } else {
        open.insert(id);
    }
}
