//! A thread beside the writer: it copies the write-ahead log back into the file, and looks
//! whether another process has written.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};

use super::{Growth, OpenError, commit};

/// What the thread is asked for.
#[derive(Debug, Default)]
struct Wanted {
    checkpoint: bool,
    stop: bool,
}

/// The bell that wakes the thread.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    wanted: Mutex<Wanted>,
    bell: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Upkeep {
    /// Starts the thread; it looks for foreign writes once in each `interval`.
    pub(super) fn start(
        self: &Arc<Self>,
        connection: Connection,
        growth: Arc<Growth>,
        interval: Duration,
    ) -> Result<(), OpenError> {
        let upkeep = Arc::clone(self);
        let thread = thread::Builder::new()
            .name("relink-upkeep".to_owned())
            .spawn(move || upkeep.run(&connection, &growth, interval))
            .map_err(OpenError::Threads)?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// Asks for a checkpoint, soon.
    pub(super) fn checkpoint(&self) {
        self.wanted().checkpoint = true;
        self.bell.notify_one();
    }

    /// Ends the thread and waits for it.
    pub(super) fn stop(&self) {
        self.wanted().stop = true;
        self.bell.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic was reported by the thread itself.
        let _ = thread.map(JoinHandle::join);
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, connection: &Connection, growth: &Growth, interval: Duration) {
        let mut version = None;
        loop {
            let wanted = self.wanted();
            let waited =
                self.bell.wait_timeout_while(wanted, interval, |it| !it.checkpoint && !it.stop);
            let (mut wanted, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if wanted.stop {
                return;
            }
            let checkpoint = std::mem::take(&mut wanted.checkpoint);
            drop(wanted);
            let done =
                if checkpoint { copy(connection) } else { look(connection, growth, &mut version) };
            if let Err(error) = done {
                tracing::warn!(%error, "the upkeep of the log is late: {error}");
            }
        }
    }
}

/// Copies what it can. Where the writer is copying itself, or a command beside it, it is done.
fn copy(connection: &Connection) -> rusqlite::Result<()> {
    match connection.wal_checkpoint_v2(Some("main"), CheckpointMode::PASSIVE) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        copied => copied.map(|_| ()),
    }
}

/// `data_version` changes when any other connection has committed, ours or a foreign one.
fn look(connection: &Connection, growth: &Growth, seen: &mut Option<i64>) -> rusqlite::Result<()> {
    let mut version = connection.prepare_cached("PRAGMA data_version")?;
    let version: i64 = version.query_row([], |row| row.get(0))?;
    if *seen != Some(version) {
        growth.to(commit::head(connection)?);
        *seen = Some(version);
    }
    Ok(())
}
