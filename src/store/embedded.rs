//! The log in one folder, on SQLite: durable before it is acknowledged, readable by another
//! process while it is written.
//!
//! One thread writes, in group commits; a second copies the write-ahead log back into the file;
//! readers have connections of their own. Why SQLite: docs/adr/0001-sqlite.md.

mod bounds;
mod commit;
mod failure;
mod folder;
mod heads;
mod lock;
mod page;
mod places;
mod reader;
mod recent;
mod schema;
mod upkeep;
mod wal;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use events::store::{Bound, PAGE_MAX, Proposed, Slice, check_size};
use events::{Appended, EventStore, Expected, Failure, Position, Record, Revision, StreamName};
use futures_core::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use commit::Ledger;
use failure::unavailable;
use lock::Lock;
use places::Places;
use reader::Readers;
use recent::Recent;
use upkeep::Upkeep;
use wal::Wal;
use writer::Writer;

pub use failure::OpenError;

/// Bytes in a page of the file: SQLite's default.
const PAGE_BYTES: u64 = 4096;
/// SQLite's own limit on the pages of a file.
const PAGES_MAX: u32 = 0xffff_fffe;
/// How often a writer looks whether another process has written.
const LOOK_BESIDE: Duration = Duration::from_millis(200);
/// How often a reader looks whether the writer has written.
const LOOK_AT_WRITER: Duration = Duration::from_millis(200);

/// What can be chosen for a log that is served.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The log refuses to grow beyond so many bytes, as if the disk were full; none is no limit.
    pub bytes_max: Option<u64>,
}

/// The last committed position, and who waits for it to grow.
#[derive(Debug)]
struct Growth(watch::Sender<Position>);

impl Growth {
    fn to(&self, position: Position) {
        self.0.send_if_modified(|head| {
            let grown = position > *head;
            *head = position.max(*head);
            grown
        });
    }
}

/// A log in a folder.
pub struct Embedded {
    writer: Option<Writer>,
    readers: Readers,
    upkeep: Arc<Upkeep>,
    growth: Arc<Growth>,
    recent: Arc<Recent>,
    /// Dropped last: the folder is free once nothing is written any more.
    lock: Mutex<Option<Lock>>,
}

impl Embedded {
    /// Opens the log of a folder to serve from it, and makes both where they are missing.
    ///
    /// # Errors
    /// [`OpenError::Held`] when another process serves from it, and all others.
    pub fn serve(folder: &Path, options: Options) -> Result<Self, OpenError> {
        let file = folder::prepare(folder)?;
        let lock = Lock::take(folder)?;
        Self::write(file, options, Some(lock))
    }

    /// Opens the log of a folder to append a little, also beside a process that serves from it.
    ///
    /// # Errors
    /// [`OpenError::Held`] when the log is of an older format and an older Relink serves from it,
    /// and all others.
    pub fn attach(folder: &Path) -> Result<Self, OpenError> {
        let file = folder::prepare(folder)?;
        if schema::is_older(&file)? {
            let _alone = Lock::take(folder)?;
            drop(schema::open_writer(&file)?);
        }
        Self::write(file, Options::default(), None)
    }

    /// Opens the log of a folder for reading, whether or not a process serves from it.
    ///
    /// # Errors
    /// [`OpenError::NoLog`] when there is none, and all but [`OpenError::Held`].
    pub fn read_only(folder: &Path) -> Result<Self, OpenError> {
        let file = folder::existing(folder)?;
        let watcher = schema::open_reader(&file)?;
        let head = commit::head(&watcher).map_err(|error| OpenError::engine(&file, error))?;
        let readers = Readers::open(file, Arc::default())?;
        let (growth, upkeep) = (Arc::new(Growth(watch::Sender::new(head))), Arc::default());
        Upkeep::start(&upkeep, watcher, Arc::clone(&growth), LOOK_AT_WRITER)?;
        let recent = Arc::default();
        Ok(Self { writer: None, readers, upkeep, growth, recent, lock: Mutex::new(None) })
    }

    /// The file that the log of a folder is in.
    pub fn file(folder: &Path) -> PathBuf {
        folder::log_file(folder)
    }

    /// Where the log of a folder ends; none when there is no log. Nothing is written.
    ///
    /// # Errors
    /// As [`Embedded::read_only`].
    pub fn end(folder: &Path) -> Result<Option<Position>, OpenError> {
        let read = folder::existing(folder).and_then(|file| {
            let reader = schema::open_reader(&file)?;
            commit::head(&reader).map_err(|error| OpenError::engine(&file, error))
        });
        match read {
            Err(OpenError::NoLog { .. }) => Ok(None),
            end => end.map(Some),
        }
    }

    fn write(file: PathBuf, options: Options, lock: Option<Lock>) -> Result<Self, OpenError> {
        let engine = |error| OpenError::engine(&file, error);
        let mut connection = schema::open_writer(&file)?;
        let pages = pages(options.bytes_max);
        connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .map_err(engine)?;
        Places::catch_up(&mut connection).map_err(engine)?;
        let head = commit::head(&connection).map_err(engine)?;
        let wal = Wal::watch(&mut connection).map_err(engine)?;
        let side = schema::open_writer(&file)?;
        let places = Arc::<Places>::default();
        let readers = Readers::open(file, Arc::clone(&places))?;
        let (growth, upkeep) = (Arc::new(Growth(watch::Sender::new(head))), Arc::default());
        Upkeep::start(&upkeep, side, Arc::clone(&growth), LOOK_BESIDE)?;
        let recent = Arc::new(Recent::default());
        let ledger = Ledger::new(connection, places, Arc::clone(&recent), lock.is_some());
        let writer = Writer::start(ledger, wal, Arc::clone(&growth), Arc::clone(&upkeep))?;
        let (writer, lock) = (Some(writer), Mutex::new(lock));
        Ok(Self { writer, readers, upkeep, growth, recent, lock })
    }

    /// Tells a second `serve` where this one listens.
    ///
    /// # Errors
    /// When the lock's file cannot be written.
    pub fn announce(&self, listening: &str) -> std::io::Result<()> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        lock.as_mut().map_or(Ok(()), |lock| lock.announce(listening))
    }

    /// Limits the size of the log from now on; what is there already stays.
    ///
    /// # Errors
    /// When the log is closed or opened for reading only.
    pub async fn limit(&self, bytes_max: Option<u64>) -> Result<(), Failure> {
        self.writer()?.limit(pages(bytes_max)).await
    }

    /// Steps over every record without giving it any meaning: what reading can cost at least.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn scan_bare(&self) -> Result<u64, Failure> {
        self.readers.scan().await
    }

    /// What SQLite finds wrong with its file, a line each; empty when nothing.
    ///
    /// # Errors
    /// When the file cannot be read just now.
    pub async fn integrity(&self) -> Result<Vec<String>, Failure> {
        self.readers.check().await
    }

    /// Writes what waits, copies the write-ahead log back and frees the folder. Appends fail from
    /// now on.
    pub async fn close(self: &Arc<Self>) {
        self.finishing(Self::rest).await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
        self.finishing(Self::finish).await;
    }

    async fn finishing(self: &Arc<Self>, step: fn(&Self)) {
        let log = Arc::clone(self);
        // Only a panic can fail it, and that was reported.
        let _ = spawn_blocking(move || step(&log)).await;
    }

    /// Whoever has the file open last makes it one file again; that must be the writer.
    fn rest(&self) {
        self.upkeep.stop();
        self.readers.close();
    }

    fn finish(&self) {
        if let Some(writer) = &self.writer {
            writer.join();
        }
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn writer(&self) -> Result<&Writer, Failure> {
        self.writer.as_ref().ok_or_else(|| unavailable("it is opened for reading only"))
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.rest();
        if let Some(writer) = &mut self.writer {
            writer.hang_up();
        }
        self.finish();
    }
}

impl EventStore for Embedded {
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Expected,
        records: Vec<Proposed>,
    ) -> BoxFuture<'a, Result<Appended, Failure>> {
        Box::pin(async move {
            check_size(&records, self.append_bytes_max())?;
            self.writer()?.append(stream, expected, records).await
        })
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        slice: Slice,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, Failure>> {
        Box::pin(self.readers.stream(stream, slice, limit))
    }

    fn read_all(
        &self,
        behind: Position,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Record>, Failure>> {
        let head = *self.growth.0.borrow();
        let recent = self.recent.behind(behind, head, limit.min(PAGE_MAX));
        Box::pin(async move {
            match recent {
                Some(records) => Ok(records),
                None => self.readers.all(behind, limit).await,
            }
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Failure>> {
        Box::pin(async {
            let head = self.readers.head().await?;
            self.growth.to(head);
            Ok(head)
        })
    }

    fn truncate<'a>(
        &'a self,
        stream: &'a StreamName,
        before: Revision,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move { self.writer()?.truncate(stream, before).await })
    }

    fn bound<'a>(
        &'a self,
        stream: &'a StreamName,
    ) -> BoxFuture<'a, Result<Option<Bound>, Failure>> {
        Box::pin(self.readers.bound(stream))
    }

    fn removed(&self) -> BoxFuture<'_, Result<u64, Failure>> {
        Box::pin(self.readers.removed())
    }

    fn is_dense(&self) -> bool {
        true
    }

    fn grown(&self, behind: Position) -> BoxFuture<'_, ()> {
        let mut head = self.growth.0.subscribe();
        Box::pin(async move {
            // The sender lives in self, so waiting ends only with growth.
            let _ = head.wait_for(|head| *head > behind).await;
        })
    }
}

fn pages(bytes: Option<u64>) -> u32 {
    let pages = bytes.map(|bytes| u32::try_from(bytes / PAGE_BYTES).unwrap_or(PAGES_MAX));
    pages.unwrap_or(PAGES_MAX).clamp(1, PAGES_MAX)
}

#[cfg(test)]
mod tests;
