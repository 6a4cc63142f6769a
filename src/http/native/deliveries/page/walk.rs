//! The way back through a ledger, as far as somebody has gone it.

use std::sync::{Arc, Mutex, PoisonError};

use events::store::{PAGE_MAX, Slice, is_last};
use events::{EndpointId, EventStore, Failure, Record, Revision, StreamName};
use projections::delivery_log::{Delivery, Older};

/// As many as are remembered.
const KEPT_MAX: usize = 16;

/// As many records as are read at first of what was written meanwhile: mostly those are few.
const NEWS: usize = 256;

/// A way that is gone some of. It is of no list: what is wanted of what it finds, others say.
#[derive(Default)]
pub(super) struct Walk {
    older: Older,
    /// The last record of the ledger when it began.
    head: Option<Revision>,
    /// The record that was taken in last.
    reached: Option<Revision>,
}

/// Ways that others may go on from: those that were gone last.
#[derive(Clone, Default)]
pub(super) struct Walks(Arc<Mutex<Vec<(EndpointId, Walk)>>>);

impl Walk {
    /// Everything from here on is taken in.
    pub(super) fn reached(&self) -> Revision {
        self.reached.unwrap_or(Revision(u64::MAX))
    }

    /// The records before those that are taken in, newest first. Each is to be taken in, up to the
    /// first that is not.
    pub(super) async fn read(
        &mut self,
        store: &dyn EventStore,
        stream: &StreamName,
        limit: usize,
    ) -> Result<Vec<Record>, Failure> {
        let page = store.read_stream(stream, Slice::Before(self.reached), limit).await?;
        if self.head.is_none() {
            self.head = page.first().map(|last| last.revision);
        }
        Ok(page)
    }

    /// Takes in the next record; the delivery that was queued there, if it is over.
    pub(super) fn take(&mut self, record: Record) -> Option<Delivery> {
        self.reached = Some(record.revision);
        // A record that this build does not understand tells nothing.
        self.older.take(&record.decode().ok()?)
    }

    /// The same with what was written since, in no more than so many reads: where that is not
    /// enough, the way from the new end so far.
    pub(super) async fn caught_up(
        self,
        store: &dyn EventStore,
        stream: &StreamName,
        reads_max: usize,
    ) -> Result<Self, Failure> {
        let (mut newer, mut limit) = (Self::default(), NEWS);
        for _ in 0..reads_max {
            let page = newer.read(store, stream, limit).await?;
            let last = is_last(&page, limit);
            for record in page {
                if Some(record.revision) <= self.head {
                    let older = self.older.behind(newer.older);
                    return Ok(Self { older, head: newer.head, reached: self.reached });
                }
                newer.take(record);
            }
            if last {
                break;
            }
            limit = PAGE_MAX;
        }
        Ok(newer)
    }
}

impl Walks {
    /// The way of this endpoint that is gone farthest, of those on which all that stands before
    /// `from` is still to come.
    pub(super) fn take(&self, endpoint: EndpointId, from: Revision) -> Option<Walk> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fit = kept
            .iter()
            .enumerate()
            .filter(|(_, (whose, walk))| *whose == endpoint && walk.reached() >= from);
        let (nth, _) = fit.min_by_key(|(_, (_, walk))| walk.reached())?;
        Some(kept.remove(nth).1)
    }

    /// Remembers a way, and forgets the oldest where there are too many.
    pub(super) fn keep(&self, endpoint: EndpointId, walk: Walk) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_MAX {
            kept.remove(0);
        }
        kept.push((endpoint, walk));
    }
}
