//! Refuses a log that has lost a part of what was made of it: what is written to it would make the
//! loss harder to see and to mend.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use events::{EventStore as _, Position};
use tokio::time::{Instant, sleep};

use super::{For, Stop};
use crate::snapshots::{self, SnapshotFolder};
use crate::store::embedded::Embedded;
use crate::store::eventstoredb::EventStoreDb;
use crate::vault;

/// As long as a node that has only begun to lead, or believes that it still does, may end before
/// what another has shown.
const SHORT_WITHIN: Duration = Duration::from_secs(3);

/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// How it is known that something is lost, and what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Lost {
    /// The file is there and nothing is in it.
    #[error(
        "{} is empty, and it was not when {} was made: put a copy of the log in its place; or, to \
         begin a new log, remove it and {}",
        log.display(), witness.display(), snapshots.display()
    )]
    All {
        /// The file.
        log: PathBuf,
        /// What no empty log has beside it.
        witness: PathBuf,
        /// Where snapshots are.
        snapshots: PathBuf,
    },
    /// It ends too early.
    #[error(
        "the log in {} ends at position {end}, and {} was made of it at position {position}, so \
         that its end is lost: put a whole copy of the log in its place; or, if this is the log to \
         go on from, such as an older backup, remove {}",
        folder.display(), witness.display(), snapshots.display()
    )]
    End {
        /// The data folder.
        folder: PathBuf,
        /// The last record that is there.
        end: Position,
        /// The snapshot.
        witness: PathBuf,
        /// The last record that it knows.
        position: Position,
        /// Where snapshots are.
        snapshots: PathBuf,
    },
    /// A server's ends too early, or is another than the snapshots are of.
    #[error(
        "the log in {place} ends at position {end}, and {} knows position {position}: it was \
         emptied, or is older than that, or another; name the right one with --store, or, if this \
         is the log to go on from, give it a --data of its own or remove {}",
        witness.display(), snapshots.display()
    )]
    EndOnServer {
        /// Which log it is.
        place: String,
        /// The last record that is there.
        end: Position,
        /// The snapshot.
        witness: PathBuf,
        /// The last record that it knows.
        position: Position,
        /// Where snapshots are.
        snapshots: PathBuf,
    },
}

/// Looks before anything is opened, so that nothing is written. Whoever only reads may read what is
/// left of a log.
pub(super) fn check(folder: &Path, purpose: For) -> Result<(), Lost> {
    let (log, kept) = (Embedded::file(folder), SnapshotFolder::of_data(folder));
    let snapshots = snapshots::folder(folder);
    if fs::metadata(&log).is_ok_and(|file| file.len() == 0) {
        let key = Some(vault::key_file(folder)).filter(|key| key.exists());
        let first = || kept.positions().into_iter().next().map(|(file, _)| file);
        if let Some(witness) = key.or_else(first) {
            return Err(Lost::All { log, witness, snapshots });
        }
    }
    if purpose == For::Reading {
        return Ok(());
    }
    // Before the end is asked for: another process may serve, and both grow.
    let claimed = kept.positions();
    if claimed.is_empty() {
        return Ok(());
    }
    // What cannot be read is told by whoever opens it.
    let Ok(end) = Embedded::end(folder) else { return Ok(()) };
    let end = end.unwrap_or(Position::START);
    let beyond = claimed.into_iter().filter(|(_, position)| *position > end);
    let mut beyond = beyond.filter(|(file, _)| snapshots::is_whole(file));
    beyond.next().map_or(Ok(()), |(witness, position)| {
        Err(Lost::End { folder: folder.to_owned(), end, witness, position, snapshots })
    })
}

/// The same of a log on a server, whose end is asked for behind looking at what claims more.
pub(super) async fn check_server(log: &EventStoreDb, data: &Path) -> Result<(), Stop> {
    let claimed = SnapshotFolder::of_data(data).positions().into_iter();
    let mut claimed = claimed.filter(|(file, _)| is_of_the_whole_log(file));
    let Some((witness, position)) = claimed.find(|(file, _)| snapshots::is_whole(file)) else {
        return Ok(());
    };
    let deadline = Instant::now() + SHORT_WITHIN;
    loop {
        let end = log.head().await?;
        if position <= end {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let (place, snapshots) = (log.place(), snapshots::folder(data));
            let lost = Lost::EndOnServer { place, end, witness, position, snapshots };
            return Err(Stop::NoLog(lost.into()));
        }
        sleep(ASK_EVERY).await;
    }
}

/// Those of single streams are named after them, and stay for as long as their stream is quiet.
fn is_of_the_whole_log(file: &Path) -> bool {
    file.file_stem().and_then(OsStr::to_str).is_some_and(|name| !name.contains('-'))
}

#[cfg(test)]
mod tests;
