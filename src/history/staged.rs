//! A log in memory that something happens to while it is asked, for tests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use events::store::memory::MemoryStore;
use events::store::{Appended, Bound, Expected, Proposed, Slice};
use events::{EventStore, Failure, Position, Record, Revision, StreamName};
use futures_core::future::BoxFuture;

type Page = Result<Vec<Record>, Failure>;

/// What is answered for a page of a stream in place of the log; none where the log answers.
type Instead = Box<dyn Fn(&StreamName, Slice) -> Option<BoxFuture<'static, Page>> + Send>;

/// See the head of the file.
#[derive(Default)]
pub(crate) struct Staged {
    pub(crate) log: MemoryStore,
    instead: Mutex<Option<Instead>>,
    /// Done once, before the end of the log is told.
    before_head: Mutex<Option<BoxFuture<'static, ()>>>,
    /// Where no record can be read; 0 is nowhere.
    unreadable: AtomicU64,
}

impl Staged {
    /// From here on pages of streams are answered so, where they are.
    pub(crate) fn answer(
        &self,
        instead: impl Fn(&StreamName, Slice) -> Option<BoxFuture<'static, Page>> + Send + 'static,
    ) {
        *self.instead.lock().unwrap() = Some(Box::new(instead));
    }

    /// From here on whoever goes through the log comes no further than to this record.
    pub(crate) fn damage(&self, position: Position) {
        self.unreadable.store(position.0, Ordering::Relaxed);
    }

    /// Lets this happen to the log while somebody asks where it ends.
    pub(crate) fn before_head(&self, happens: impl Future<Output = ()> + Send + 'static) {
        *self.before_head.lock().unwrap() = Some(Box::pin(happens));
    }
}

impl EventStore for Staged {
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Expected,
        records: Vec<Proposed>,
    ) -> BoxFuture<'a, Result<Appended, Failure>> {
        self.log.append(stream, expected, records)
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        slice: Slice,
        limit: usize,
    ) -> BoxFuture<'a, Page> {
        let instead = self.instead.lock().unwrap_or_else(PoisonError::into_inner);
        match instead.as_ref().and_then(|instead| instead(stream, slice)) {
            Some(answer) => answer,
            None => self.log.read_stream(stream, slice, limit),
        }
    }

    fn read_all(&self, behind: Position, limit: usize) -> BoxFuture<'_, Page> {
        let unreadable = Position(self.unreadable.load(Ordering::Relaxed));
        Box::pin(async move {
            let page = self.log.read_all(behind, limit).await?;
            match page.iter().find(|record| record.position == unreadable) {
                None => Ok(page),
                Some(_) => {
                    let reason = "a record cannot be read".to_owned();
                    Err(Failure::Corrupt { position: Some(behind), reason })
                }
            }
        })
    }

    fn truncate<'a>(
        &'a self,
        stream: &'a StreamName,
        before: Revision,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        self.log.truncate(stream, before)
    }

    fn bound<'a>(
        &'a self,
        stream: &'a StreamName,
    ) -> BoxFuture<'a, Result<Option<Bound>, Failure>> {
        self.log.bound(stream)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Failure>> {
        let happens = self.before_head.lock().unwrap().take();
        Box::pin(async move {
            if let Some(happens) = happens {
                happens.await;
            }
            self.log.head().await
        })
    }

    fn grown(&self, behind: Position) -> BoxFuture<'_, ()> {
        self.log.grown(behind)
    }
}
