//! When snapshots are saved, and saving them.

use std::sync::Arc;
use std::time::Duration;

use events::{Hash, Position};
use tokio::time::Instant;

use crate::quarantine::Kept;
use crate::view::Folding;
use crate::{Projection, Quarantine, Snapshots};
use events::snapshot::{self, Header};

/// After so many records a save is due.
const RECORDS_MAX: usize = 100_000;

/// After so long a save is due, if there is anything new.
const AGE_MAX: Duration = Duration::from_secs(60);

/// Saves by count are at least so far apart: a large view under full load would else do nothing
/// but save itself.
const APART_MIN: Duration = Duration::from_secs(10);

pub(super) struct Checkpoints {
    snapshots: Arc<dyn Snapshots>,
    saved: Position,
    saved_at: Instant,
    records: usize,
}

impl Checkpoints {
    /// Everything up to `saved` is saved.
    pub(super) fn new(snapshots: Arc<dyn Snapshots>, saved: Position) -> Self {
        Self { snapshots, saved, saved_at: Instant::now(), records: 0 }
    }

    pub(super) fn count(&mut self, records: usize) {
        self.records += records;
    }

    /// In how long to save; none while there is nothing new.
    pub(super) fn due(&self, position: Position, caught_up: bool) -> Option<Duration> {
        // While catching up, time alone decides: what is folded in seconds need not be saved.
        let many = caught_up && self.records >= RECORDS_MAX;
        let wait = if many { APART_MIN } else { AGE_MAX };
        (position > self.saved).then(|| wait.saturating_sub(self.saved_at.elapsed()))
    }

    /// Saves what is new, on a thread that may block.
    pub(super) async fn save(&mut self, views: &[Arc<dyn Folding>], quarantine: &Quarantine) {
        let position = views.iter().map(|view| view.position()).min().unwrap_or_default();
        if position > self.saved {
            let (views, quarantine) = (views.to_vec(), quarantine.clone());
            let snapshots = self.snapshots.clone();
            let save = move || save_all(&*snapshots, &views, &quarantine, position);
            if let Err(error) = tokio::task::spawn_blocking(save).await {
                tracing::error!(%error, "saving snapshots panicked");
            }
            self.saved = position;
        }
        self.saved_at = Instant::now();
        self.records = 0;
    }
}

fn save_all(
    snapshots: &dyn Snapshots,
    views: &[Arc<dyn Folding>],
    quarantine: &Quarantine,
    position: Position,
) {
    // The quarantine goes first: a view must never be newer than what it could not show.
    // Its entries are each looked up in the log, so it needs no hash.
    let name = Kept::NAME.to_owned();
    let kept = Header { name, version: Kept::VERSION, position, as_of: None, hash: Hash::ROOT.0 };
    if save(snapshots, Kept::NAME, snapshot::encode(&kept, &quarantine.kept())) {
        for view in views {
            save(snapshots, view.name(), view.save());
        }
    }
}

fn save(snapshots: &dyn Snapshots, name: &str, bytes: Result<Vec<u8>, postcard::Error>) -> bool {
    let bytes = bytes.expect("postcard refuses only shapes that no view has");
    let saved = snapshots.save(name, &bytes);
    if let Err(error) = &saved {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::warn!(%error, cause, "a snapshot was not saved; the next start takes longer");
    }
    saved.is_ok()
}
