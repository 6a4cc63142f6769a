//! The obviously right log, for tests: one list behind one lock.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_core::future::BoxFuture;
use tokio::sync::watch;

use super::{
    Appended, Bound, EventStore, Expected, Failure, PAGE_MAX, Proposed, Slice, check_size,
};
use crate::{Position, Record, Revision, StreamName};

/// A log that lives as long as the process.
#[derive(Debug)]
pub struct MemoryStore {
    records: Mutex<Vec<Record>>,
    bounds: Mutex<HashMap<StreamName, Bound>>,
    head: watch::Sender<Position>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        let (records, bounds) = (Mutex::default(), Mutex::default());
        Self { records, bounds, head: watch::Sender::new(Position::START) }
    }
}

impl MemoryStore {
    fn records(&self) -> MutexGuard<'_, Vec<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bounds(&self) -> MutexGuard<'_, HashMap<StreamName, Bound>> {
        self.bounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_truncate(&self, stream: &StreamName, before: Revision) {
        let (mut records, mut bounds) = (self.records(), self.bounds());
        let of_stream = |record: &&Record| record.stream == *stream;
        let Some(last) = records.iter().rfind(of_stream).map(|last| last.revision) else { return };
        let first = before.min(last);
        let previous = records.iter().rfind(|it| of_stream(it) && it.revision < first);
        // Nothing is left to be removed.
        let Some(previous) = previous.map(|record| record.hash) else { return };
        bounds.insert(stream.clone(), Bound { first, previous });
        records.retain(|record| record.stream != *stream || record.revision >= first);
    }

    fn try_append(
        &self,
        stream: &StreamName,
        expected: Expected,
        proposed: Vec<Proposed>,
    ) -> Result<Appended, Failure> {
        check_size(&proposed, self.append_bytes_max())?;
        let mut records = self.records();
        let current = records.iter().rfind(|record| record.stream == *stream);
        let current = current.map(|record| record.revision);
        let first = expected.first();
        if Expected::from(current) != expected {
            return repeated(&records, stream, first, &proposed)
                .ok_or_else(|| Failure::Conflict { stream: stream.clone(), current });
        }
        for (revision, record) in (first.0..).map(Revision).zip(proposed) {
            // The last record of a log is the last of its stream, and so is always there.
            let position = Position(records.last().map_or(0, |last| last.position.0) + 1);
            records.push(record.placed(position, stream.clone(), revision));
        }
        let last = records.last().expect("an append has at least one record");
        let appended = Appended { revision: last.revision, position: last.position };
        self.head.send_replace(appended.position);
        Ok(appended)
    }
}

fn repeated(
    records: &[Record],
    stream: &StreamName,
    first: Revision,
    proposed: &[Proposed],
) -> Option<Appended> {
    let mut there = records.iter().filter(|record| record.stream == *stream);
    let mut there = there.by_ref().skip_while(|record| record.revision < first);
    let mut last = None;
    for (revision, record) in (first.0..).map(Revision).zip(proposed) {
        let same = |written: &&Record| written.revision == revision && written.id == record.id;
        last = Some(there.next().filter(same)?);
    }
    last.map(|record| Appended { revision: record.revision, position: record.position })
}

impl EventStore for MemoryStore {
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Expected,
        records: Vec<Proposed>,
    ) -> BoxFuture<'a, Result<Appended, Failure>> {
        Box::pin(async move { self.try_append(stream, expected, records) })
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        slice: Slice,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, Failure>> {
        let limit = limit.min(PAGE_MAX);
        let records = self.records();
        let of_stream = records.iter().filter(|record| record.stream == *stream);
        let found = match slice {
            Slice::From(revision) => of_stream
                .filter(|record| record.revision >= revision)
                .take(limit)
                .cloned()
                .collect(),
            Slice::Before(revision) => of_stream
                .rev()
                .filter(|record| revision.is_none_or(|before| record.revision < before))
                .take(limit)
                .cloned()
                .collect(),
        };
        Box::pin(std::future::ready(Ok(found)))
    }

    fn read_all(
        &self,
        behind: Position,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Record>, Failure>> {
        let limit = limit.min(PAGE_MAX);
        let records = self.records();
        let found =
            records.iter().filter(|record| record.position > behind).take(limit).cloned().collect();
        Box::pin(std::future::ready(Ok(found)))
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Failure>> {
        Box::pin(std::future::ready(Ok(*self.head.borrow())))
    }

    fn truncate<'a>(
        &'a self,
        stream: &'a StreamName,
        before: Revision,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        self.try_truncate(stream, before);
        Box::pin(std::future::ready(Ok(())))
    }

    fn bound<'a>(
        &'a self,
        stream: &'a StreamName,
    ) -> BoxFuture<'a, Result<Option<Bound>, Failure>> {
        Box::pin(std::future::ready(Ok(self.bounds().get(stream).copied())))
    }

    fn removed(&self) -> BoxFuture<'_, Result<u64, Failure>> {
        let removed = self.bounds().values().map(|bound| bound.first.0).sum();
        Box::pin(std::future::ready(Ok(removed)))
    }

    fn is_dense(&self) -> bool {
        true
    }

    fn grown(&self, behind: Position) -> BoxFuture<'_, ()> {
        let mut head = self.head.subscribe();
        Box::pin(async move {
            // The sender lives in self, so waiting ends only with growth.
            let _ = head.wait_for(|head| *head > behind).await;
        })
    }
}

#[cfg(test)]
mod tests;
