//! The way back through a ledger, to deliveries that have left the view.
//!
//! Each step reads the page of the ledger before the place that was reached, and asks the view
//! about every delivery that was queued there. One that the view lists at that place is not told
//! here. One that it knows, but not where it was queued, is told as the view has it. And one that
//! is gone from it is over: [`Following`] finds out how.

use std::collections::BTreeMap;

use events::delivery::{Event as DeliveryEvent, Queued};
use events::store::{PAGE_MAX, Slice, is_last};
use events::{DeliveryId, Event, Failure, Record, Revision, Timestamp};
use projections::delivery_log::{Delivery, FINISHED_MAX, Filter, Here};

use super::following::{Following, Ledger};
use crate::app::App;

/// A way back, as far as it is gone. Nothing is remembered of it when it ends.
pub(super) struct Older<'a> {
    app: &'a App,
    ledger: Ledger<'a>,
    filter: &'a Filter,
    /// Everything from here on is told; none where there is nothing before it.
    reached: Option<Revision>,
    /// Whether retention has removed anything of the ledger.
    is_trimmed: bool,
}

/// Where a delivery was queued, and when.
struct Queueing {
    id: DeliveryId,
    revision: Revision,
    at: Timestamp,
    /// Whether that is where it was brought back.
    again: bool,
}

/// What of a page is told, and what has to be followed.
#[derive(Default)]
struct Sorted {
    told: Vec<Delivery>,
    gone: BTreeMap<DeliveryId, Revision>,
    /// Where that ends before the page does.
    until: Option<Revision>,
}

impl<'a> Older<'a> {
    /// From a place back.
    pub(super) fn new(
        app: &'a App,
        ledger: Ledger<'a>,
        filter: &'a Filter,
        from: Revision,
    ) -> Self {
        let trimmed = app.views.delivery_log.read(|view| view.trimmed(ledger.endpoint));
        Self { app, ledger, filter, reached: Some(from), is_trimmed: trimmed.is_some() }
    }

    /// How far it is gone: none at its end.
    pub(super) fn reached(&self) -> Option<Revision> {
        self.reached
    }

    /// As many pages as were read.
    pub(super) fn reads(&self) -> usize {
        self.ledger.reads
    }

    /// Goes on, at least by one record where there is one. What is wanted of what was queued there.
    pub(super) async fn step(&mut self) -> Result<Vec<Delivery>, Failure> {
        let Some(place) = self.reached else { return Ok(vec![]) };
        let mut page = self.ledger.read(Slice::Before(Some(place)), PAGE_MAX).await?;
        let mut reached = page.last().filter(|_| !is_last(&page, PAGE_MAX)).map(|it| it.revision);
        let after = self.filter.after;
        if let Some(old) = page.iter().position(|it| after.is_some_and(|after| it.at <= after)) {
            // What was queued as long ago as that, nobody has asked for.
            page.truncate(old);
            reached = None;
        }
        let Sorted { mut told, gone, until } = self.sorted(page);
        let following = Following::new(gone);
        told.extend(following.through(&mut self.ledger, &self.app.views).await?);
        told.retain(|delivery| self.filter.takes(delivery));
        self.reached = until.or(reached);
        Ok(told)
    }

    /// What the view has of deliveries that were queued on a page, the newest first.
    fn sorted(&self, page: Vec<Record>) -> Sorted {
        let queued: Vec<_> = page.into_iter().filter_map(|it| self.queueing(it)).collect();
        let places: Vec<_> = queued.iter().map(|it| (it.id, it.revision)).collect();
        let view = &self.app.views.delivery_log;
        let here = view.read(|view| view.here(self.ledger.endpoint, &places));
        let mut sorted = Sorted::default();
        for (Queueing { id, revision, at, again }, here) in queued.into_iter().zip(here) {
            match here {
                Here::Listed => {}
                // It is told where it was queued.
                Here::Stray(_) if again => {}
                Here::Stray(mut it) => {
                    (it.revision, it.created_at) = (revision, at);
                    sorted.told.push(*it);
                }
                Here::Gone => {
                    sorted.gone.insert(id, revision);
                }
            }
            // Of more at once, what follows them would not keep each.
            if sorted.gone.len() == FINISHED_MAX {
                sorted.until = Some(revision);
                break;
            }
        }
        sorted
    }

    /// The delivery that was queued here, where it may be wanted. A record that this build does not
    /// understand tells nothing.
    fn queueing(&self, record: Record) -> Option<Queueing> {
        let record = record.decode().ok()?;
        let Event::Delivery(event) = record.event else { return None };
        let (queued, again) = self.queued(event)?;
        let is_meant = self.filter.event.as_ref().is_none_or(|event| *event == queued.event);
        let (revision, at) = (record.revision, record.at);
        is_meant.then_some(Queueing { id: queued.delivery, revision, at, again })
    }

    /// What was queued, and whether it was brought back so.
    fn queued(&self, event: DeliveryEvent) -> Option<(Queued, bool)> {
        if let DeliveryEvent::Queued(queued) = event {
            Some((queued, false))
        } else if let DeliveryEvent::Reopened(it) = event
            && self.is_trimmed
        {
            // Where it was queued may be removed: rather twice in a walk than not at all.
            Some((it.queued, true))
        } else {
            None
        }
    }
}
