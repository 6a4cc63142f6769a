//! How long the write-ahead log is, and when to copy it back into the file.
//!
//! Copying is another thread's work, outside the commit path. Only when that cannot keep up, or a
//! reader keeps it from starting over, does the writer itself do it between two commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use super::schema;

/// Pages (of 4 KiB) after which the other thread is asked to copy: 4 MiB.
const COPY_EVERY: i32 = 1024;
/// Pages at which the writer makes the write-ahead log start over: 64 MiB.
const RESTART_AT: i32 = 16_384;
/// How long the writer waits for readers that keep the log from starting over.
const RESTART_PATIENCE: Duration = Duration::from_millis(10);

/// The writer's view of the write-ahead log.
pub(super) struct Wal {
    /// Pages in it after the last commit.
    pages: Arc<AtomicI32>,
    /// At how many pages to ask for the next copy.
    copy_at: i32,
    /// At how many pages to try to start over.
    restart_at: i32,
}

impl Wal {
    /// Watches what the connection commits.
    pub(super) fn watch(connection: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicI32::new(0));
        let seen = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            seen.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages, copy_at: COPY_EVERY, restart_at: RESTART_AT })
    }

    /// After a commit: whether it is time to copy; starts over where it must.
    pub(super) fn tend(&mut self, connection: &Connection) -> bool {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < COPY_EVERY {
            // It has started over.
            (self.copy_at, self.restart_at) = (COPY_EVERY, RESTART_AT);
            return false;
        }
        if pages >= self.restart_at {
            // A reader may be in the way; then it is tried again a while later.
            self.restart_at = pages + COPY_EVERY;
            restart(connection);
        }
        let due = pages >= self.copy_at;
        if due {
            self.copy_at = pages + COPY_EVERY;
        }
        due
    }

    /// Leaves one file behind, where nobody else has it open.
    pub(super) fn finish(&self, connection: &Connection) {
        // What was not copied is copied when the log is next opened.
        let _ = connection.busy_timeout(RESTART_PATIENCE);
        let _ = connection.wal_checkpoint_v2(Some("main"), CheckpointMode::TRUNCATE);
    }
}

fn restart(connection: &Connection) {
    let restarted = connection
        .busy_timeout(RESTART_PATIENCE)
        .and_then(|()| connection.wal_checkpoint_v2(Some("main"), CheckpointMode::RESTART));
    if let Err(error) = restarted {
        tracing::debug!(%error, "the write-ahead log cannot start over yet: {error}");
    }
    if let Err(error) = connection.busy_timeout(schema::PATIENCE) {
        tracing::warn!(%error, "the writer's patience cannot be set: {error}");
    }
}

#[cfg(test)]
mod tests;
