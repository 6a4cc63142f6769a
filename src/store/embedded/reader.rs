//! A few connections that only read, each for one page at a time: a reader that stays keeps the
//! write-ahead log from starting over.

use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use events::store::{Bound, PAGE_MAX, Slice};
use events::{Failure, Position, Record, StreamName};
use rusqlite::{Connection, Params, params};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::bounds;
use super::commit::{self, integer};
use super::failure::{failure, failure_behind, unavailable};
use super::page::{Fault, Names, Page, select};
use super::places::{self, Places};
use super::{OpenError, schema};

/// As many pages as are read at a time.
const READERS_MAX: usize = 4;

const ALL: &str = select!("WHERE position > ?1 ORDER BY position LIMIT ?2");
/// While rows are being deleted that nobody shall see any more.
const ALL_BUT_REMOVED: &str = select!(
    "WHERE position > ?1 AND NOT EXISTS (
        SELECT 1 FROM bounds
        WHERE bounds.stream = events.stream AND events.revision < bounds.first
     ) ORDER BY position LIMIT ?2"
);

/// The pool.
#[derive(Clone)]
pub(super) struct Readers {
    permits: Arc<Semaphore>,
    shared: Arc<Shared>,
}

struct Shared {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    names: Mutex<Names>,
    places: Arc<Places>,
    /// Of the log when it was opened.
    format: u32,
    /// How many bytes the last page had.
    block: AtomicUsize,
}

impl Readers {
    /// Opens the first connection, so that what cannot be read is said at once.
    pub(super) fn open(file: PathBuf, places: Arc<Places>) -> Result<Self, OpenError> {
        let first = schema::open_reader(&file)?;
        let format = schema::format(&first).map_err(|error| OpenError::engine(&file, error))?;
        let (idle, names) = (Mutex::new(vec![first]), Mutex::default());
        let shared = Arc::new(Shared { file, idle, names, places, format, block: 0.into() });
        Ok(Self { permits: Arc::new(Semaphore::new(READERS_MAX)), shared })
    }

    pub(super) async fn stream(
        &self,
        stream: &StreamName,
        slice: Slice,
        limit: usize,
    ) -> Result<Vec<Record>, Failure> {
        let name = stream.clone();
        let limit = limit.min(PAGE_MAX);
        let read = self.run(move |connection, shared| {
            let page = stream_page(connection, &shared.places, &name, slice, limit)?;
            page.map_or(Ok(vec![]), |page| page.records(|_| Ok(name.clone())))
        });
        read.await?.map_err(|(fault, position)| corrupt(&fault, position))
    }

    pub(super) async fn all(&self, behind: Position, limit: usize) -> Result<Vec<Record>, Failure> {
        let limit = limit.min(PAGE_MAX);
        let read = self.run(move |connection, shared| {
            let bound = params![integer(behind.0), integer(limit as u64)];
            let clearing = bounds::is_clearing(connection);
            let clearing = clearing.map_err(|error| (Fault::from(error), None))?;
            let sql = if clearing { ALL_BUT_REMOVED } else { ALL };
            let page = page(connection, sql, bound, limit, shared.block.load(Relaxed))?;
            shared.block.store(page.bytes(), Relaxed);
            let mut names = lock(&shared.names);
            page.records(|stream| names.get(connection, stream))
        });
        read.await?.map_err(|(fault, last)| corrupt(&fault, Some(last.unwrap_or(behind))))
    }

    pub(super) async fn head(&self) -> Result<Position, Failure> {
        let head = self.run(|connection, _| commit::head(connection)).await?;
        head.map_err(|error| failure(&error))
    }

    /// Where a truncated stream begins.
    pub(super) async fn bound(&self, stream: &StreamName) -> Result<Option<Bound>, Failure> {
        let name = stream.clone();
        let found = self.run(move |connection, _| bounds::of(connection, &name)).await?;
        found.map_err(|error| failure(&error))
    }

    /// How many records truncation has removed.
    pub(super) async fn removed(&self) -> Result<u64, Failure> {
        let removed = self.run(|connection, _| bounds::removed(connection)).await?;
        removed.map_err(|error| failure(&error))
    }

    /// Steps over every row and touches every column, and does nothing with them.
    pub(super) async fn scan(&self) -> Result<u64, Failure> {
        let scanned = self.run(|connection, _| scan(connection)).await?;
        scanned.map_err(|error| failure(&error))
    }

    /// What SQLite itself finds wrong with the file; empty when nothing.
    pub(super) async fn check(&self) -> Result<Vec<String>, Failure> {
        let checked = self.run(|connection, _| check(connection)).await?;
        match checked.map_err(|error| failure(&error)) {
            Ok(found) => Ok(found),
            // So damaged that SQLite cannot even list what is wrong.
            Err(Failure::Corrupt { reason, .. }) => Ok(vec![reason]),
            Err(failure) => Err(failure),
        }
    }

    /// Closes the connections that nobody uses.
    pub(super) fn close(&self) {
        lock(&self.shared.idle).clear();
    }

    /// Runs on a thread that may block, with a connection of its own for as long.
    async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, &Shared) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let shared = Arc::clone(&self.shared);
        let running = spawn_blocking(move || {
            // Kept until the read is over, even where nobody waits for it any more.
            let _permit = permit;
            let idle = lock(&shared.idle).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => shared.connect()?,
            };
            let result = read(&connection, &shared);
            lock(&shared.idle).push(connection);
            Ok(result)
        });
        running.await.map_err(|error| unavailable(format!("reading stopped: {error}")))?
    }
}

impl Shared {
    fn connect(&self) -> Result<Connection, Failure> {
        let opened = schema::open_reader(&self.file);
        let connection = opened.map_err(|error| unavailable(error.to_string()))?;
        let format = schema::format(&connection).map_err(|error| failure(&error))?;
        if format == self.format {
            Ok(connection)
        } else {
            Err(unavailable(format!("it is of format {format} now: open it again")))
        }
    }
}

type Stopped = (Fault, Option<Position>);

/// None where there is no such stream.
fn stream_page(
    connection: &Connection,
    places: &Places,
    name: &StreamName,
    slice: Slice,
    limit: usize,
) -> Result<Option<Page>, Stopped> {
    let before = |error| (Fault::from(error), None);
    let stream = places::stream(connection, name.as_str()).map_err(before)?;
    let Some(stream) = stream else { return Ok(None) };
    let first = || bounds::of(connection, name).map_err(before);
    let first = || first().map(|bound| integer(bound.map_or(0, |bound| bound.first.0)));
    let mut begins = first()?;
    loop {
        places.look(connection).map_err(before)?;
        let rows = match slice {
            Slice::From(revision) => {
                places.upwards(connection, stream, integer(revision.0).max(begins), limit)
            }
            Slice::Before(revision) => {
                let below = revision.map_or(i64::MAX, |revision| integer(revision.0));
                places.downwards(connection, stream, below, begins, limit)
            }
        };
        match Page::of_stream(connection, stream, &rows.map_err(before)?) {
            // Perhaps because the stream was truncated since.
            Err((Fault::Missing(position), last)) => {
                let now = first()?;
                if now == begins {
                    return Err((Fault::Missing(position), last));
                }
                begins = now;
            }
            page => return page.map(Some),
        }
    }
}

fn page(
    connection: &Connection,
    sql: &str,
    bound: impl Params,
    limit: usize,
    block: usize,
) -> Result<Page, Stopped> {
    let before = |error: rusqlite::Error| (Fault::from(error), None);
    let mut statement = connection.prepare_cached(sql).map_err(before)?;
    let mut rows = statement.query(bound).map_err(before)?;
    Page::read(&mut rows, limit, block)
}

fn scan(connection: &Connection) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(ALL)?;
    let columns = statement.column_count();
    let mut rows = statement.query(params![0, i64::MAX])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            std::hint::black_box(row.get_ref(column)?);
        }
        count += 1;
    }
    Ok(count)
}

fn check(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = connection.prepare("PRAGMA integrity_check(20)")?;
    let found = check.query_map([], |row| row.get(0))?;
    let mut found: Vec<String> = found.collect::<rusqlite::Result<_>>()?;
    found.retain(|line| line != "ok");
    if found.is_empty() {
        found = Places::check(connection)?;
    }
    Ok(found)
}

fn corrupt(fault: &Fault, position: Option<Position>) -> Failure {
    match (fault, position) {
        (Fault::Engine(error), Some(position)) => failure_behind(error, position),
        (Fault::Engine(error), None) => failure(error),
        (Fault::Column(_) | Fault::Nameless(_) | Fault::Missing(_), position) => {
            Failure::Corrupt { position, reason: fault.to_string() }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
