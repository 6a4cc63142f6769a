//! The memory store with a lid: it counts appends, and fails when it is told to.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use events::store::memory::MemoryStore;
use events::store::{
    Appended, Draft, EventStore, Expected, Failure, PAGE_MAX, Proposed, Slice, Tail,
};
use events::{
    Actor, Event, Hash, Link, Metadata, Position, Record, Recorded, Revision, StreamName,
};
use futures_core::future::BoxFuture;
use tokio::sync::watch;
use uuid::Uuid;

use super::{NOON, TestClock};
use crate::nodes::Share;
use crate::registry::{Halted, Limits, World};

/// Longer than anybody waits for an answer.
pub(crate) const STALL: Duration = Duration::from_secs(6);

/// See the head of the file.
#[derive(Debug)]
pub(crate) struct TestStore {
    log: MemoryStore,
    appended: Mutex<Vec<(StreamName, usize)>>,
    open: watch::Sender<bool>,
    failures: AtomicUsize,
    lost_answers: AtomicUsize,
    stalls: AtomicUsize,
    falls: AtomicUsize,
    falls_reading: AtomicUsize,
    /// Appends that have begun and not ended.
    appending: AtomicUsize,
    read: AtomicUsize,
    of_streams: AtomicUsize,
    /// Pages of single streams.
    looked: AtomicUsize,
    shared: AtomicBool,
    /// Whether only those who follow the log read it.
    followed_alone: AtomicBool,
    /// As many bytes as one append may have, whatever it says.
    takes: AtomicUsize,
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgery {
    None,
    BrokenChain,
    UnheardOf,
}

impl Default for TestStore {
    fn default() -> Self {
        Self {
            log: MemoryStore::default(),
            appended: Mutex::default(),
            open: watch::Sender::new(true),
            failures: AtomicUsize::new(0),
            lost_answers: AtomicUsize::new(0),
            stalls: AtomicUsize::new(0),
            falls: AtomicUsize::new(0),
            falls_reading: AtomicUsize::new(0),
            appending: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
            of_streams: AtomicUsize::new(0),
            looked: AtomicUsize::new(0),
            shared: AtomicBool::new(false),
            followed_alone: AtomicBool::new(false),
            takes: AtomicUsize::new(usize::MAX),
        }
    }
}

impl TestStore {
    /// Nothing is read or written from here on: it fails.
    pub(crate) fn shut(&self) {
        self.open.send_replace(false);
    }

    /// It goes on.
    pub(crate) fn reopen(&self) {
        self.open.send_replace(true);
    }

    /// That many of the next appends fail.
    pub(crate) fn fail_appends(&self, count: usize) {
        self.failures.store(count, Ordering::SeqCst);
    }

    /// That many of the next appends are written, but who appended is told that they failed.
    pub(crate) fn lose_answers(&self, count: usize) {
        self.lost_answers.store(count, Ordering::SeqCst);
    }

    /// That many of the next appends fail after longer than anybody waits.
    pub(crate) fn stall_appends(&self, count: usize) {
        self.stalls.store(count, Ordering::SeqCst);
    }

    /// That many of the next appends fall over, and whoever appends with them.
    pub(crate) fn fall_over(&self, count: usize) {
        self.falls.store(count, Ordering::SeqCst);
    }

    /// That many times reading the whole log falls over, and whoever reads with it.
    pub(crate) fn fall_over_reading(&self, count: usize) {
        self.falls_reading.store(count, Ordering::SeqCst);
    }

    /// Whether somebody waits for an append.
    pub(crate) fn is_appending(&self) -> bool {
        self.appending.load(Ordering::SeqCst) > 0
    }

    /// How many records each append to that stream had, so far.
    pub(crate) fn appends_to(&self, stream: &StreamName) -> Vec<usize> {
        let appended = self.appended.lock().unwrap_or_else(PoisonError::into_inner);
        appended.iter().filter(|(to, _)| to == stream).map(|(_, count)| *count).collect()
    }

    /// How many records of streams were read, so far.
    pub(crate) fn records_of_streams_read(&self) -> usize {
        self.of_streams.load(Ordering::SeqCst)
    }

    /// How many records of the whole log were read, so far.
    pub(crate) fn records_read(&self) -> usize {
        self.read.load(Ordering::SeqCst)
    }

    /// How many pages of single streams were read, so far.
    pub(crate) fn looked(&self) -> usize {
        self.looked.load(Ordering::SeqCst)
    }

    /// Several nodes write to it.
    pub(crate) fn share(&self) {
        self.shared.store(true, Ordering::SeqCst);
    }

    /// It has much of others to look at, which only those wait for who follow it.
    pub(crate) fn answer_followers_alone(&self) {
        self.followed_alone.store(true, Ordering::SeqCst);
    }

    /// It takes no more than so many bytes at once, and does not say so.
    pub(crate) fn take_only(&self, bytes: usize) {
        self.takes.store(bytes, Ordering::SeqCst);
    }

    /// Everything in a stream.
    pub(crate) async fn history(&self, stream: &StreamName) -> Vec<Recorded<Event>> {
        let mut history: Vec<Recorded<Event>> = vec![];
        loop {
            let from = history.last().map_or(Revision::FIRST, |last| last.revision.next());
            let page = self.log.read_stream(stream, Slice::From(from), PAGE_MAX).await.unwrap();
            if page.is_empty() {
                return history;
            }
            history.extend(page.into_iter().map(|record| record.decode().unwrap()));
        }
    }

    /// The events in a stream.
    pub(crate) async fn events(&self, stream: &StreamName) -> Vec<Event> {
        self.history(stream).await.into_iter().map(|recorded| recorded.event).collect()
    }

    /// Puts something behind a stream that its actor would never write.
    pub(crate) async fn forge(&self, stream: &StreamName, event: &Event, forgery: Forgery) {
        let last = self.log.read_stream(stream, Slice::Before(None), 1).await.unwrap().pop();
        let tail = last.map_or_else(Tail::default, |it| Tail {
            revision: Some(it.revision),
            hash: it.hash,
            at: it.at,
        });
        let mut draft = Draft::new(stream, tail);
        let cause = Uuid::new_v4();
        let actor = Actor::ADMIN;
        let metadata = Metadata { correlation: cause, causation: cause, actor, account: None };
        draft.add(event, &metadata, NOON, 0);
        let (mut records, _) = draft.finish();
        match forgery {
            Forgery::None => {}
            Forgery::BrokenChain => records[0].hash = Hash::of(b"something else"),
            Forgery::UnheardOf => {
                let it = &mut records[0];
                it.kind = "inbox.unheard_of".into();
                let link = Link {
                    stream,
                    revision: tail.expected().first(),
                    id: it.id,
                    kind: &it.kind,
                    version: it.version,
                    at: it.at,
                    metadata: &it.metadata,
                    data: &it.data,
                };
                it.hash = link.hash(&tail.hash);
            }
        }
        self.log.append(stream, tail.expected(), records).await.unwrap();
    }

    fn failing(&self) -> Result<(), Failure> {
        if *self.open.borrow() { Ok(()) } else { Err(unavailable()) }
    }
}

fn unavailable() -> Failure {
    Failure::Unavailable { reason: "the test says so".into() }
}

/// Whether one more shall fail.
fn spend(budget: &AtomicUsize) -> bool {
    budget.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl EventStore for TestStore {
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Expected,
        records: Vec<Proposed>,
    ) -> BoxFuture<'a, Result<Appended, Failure>> {
        Box::pin(async move {
            // A real log takes a while, and others get their turn.
            self.appending.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            self.appending.fetch_sub(1, Ordering::SeqCst);
            self.failing()?;
            if spend(&self.failures) {
                return Err(unavailable());
            }
            if spend(&self.stalls) {
                tokio::time::sleep(STALL).await;
                return Err(unavailable());
            }
            assert!(!spend(&self.falls), "the test says that appending falls over");
            let bytes = records.iter().map(|it| it.metadata.len() + it.data.len()).sum();
            let limit = self.takes.load(Ordering::SeqCst);
            if bytes > limit {
                return Err(Failure::Size { bytes, limit });
            }
            let count = records.len();
            let appended = self.log.append(stream, expected, records).await?;
            self.appended
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((stream.clone(), count));
            if spend(&self.lost_answers) { Err(unavailable()) } else { Ok(appended) }
        })
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        slice: Slice,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, Failure>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.failing()?;
            self.looked.fetch_add(1, Ordering::SeqCst);
            let page = self.log.read_stream(stream, slice, limit).await?;
            self.of_streams.fetch_add(page.len(), Ordering::SeqCst);
            Ok(page)
        })
    }

    fn read_all(
        &self,
        behind: Position,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Record>, Failure>> {
        Box::pin(async move {
            self.failing()?;
            assert!(!spend(&self.falls_reading), "the test says that reading falls over");
            if self.followed_alone.load(Ordering::SeqCst) {
                return Err(unavailable());
            }
            let page = self.log.read_all(behind, limit).await?;
            self.read.fetch_add(page.len(), Ordering::SeqCst);
            Ok(page)
        })
    }

    fn follow(&self, behind: Position) -> BoxFuture<'_, Result<Vec<Record>, Failure>> {
        Box::pin(async move {
            self.failing()?;
            assert!(!spend(&self.falls_reading), "the test says that reading falls over");
            let page = self.log.follow(behind).await?;
            self.read.fetch_add(page.len(), Ordering::SeqCst);
            Ok(page)
        })
    }

    fn truncate<'a>(
        &'a self,
        stream: &'a StreamName,
        before: Revision,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.failing()?;
            self.log.truncate(stream, before).await
        })
    }

    fn bound<'a>(
        &'a self,
        stream: &'a StreamName,
    ) -> BoxFuture<'a, Result<Option<events::store::Bound>, Failure>> {
        self.log.bound(stream)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Failure>> {
        Box::pin(async move {
            self.failing()?;
            self.log.head().await
        })
    }

    fn is_shared(&self) -> bool {
        self.shared.load(Ordering::SeqCst)
    }

    fn grown(&self, behind: Position) -> BoxFuture<'_, ()> {
        self.log.grown(behind)
    }
}

/// A process over that log, at noon.
pub(crate) fn world(store: &Arc<TestStore>) -> World {
    World {
        store: store.clone(),
        clock: Arc::new(TestClock::at_noon()),
        snapshots: None,
        limits: Limits::default(),
        halted: Halted::default(),
        share: Share::default(),
    }
}

#[tokio::test]
async fn the_store_of_the_tests_keeps_the_contract_of_the_port() {
    events::store::contract::verify(async || Arc::new(TestStore::default()) as Arc<dyn EventStore>)
        .await;
}
