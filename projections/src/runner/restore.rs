//! Beginning from snapshots, where they are of use.

use std::sync::Arc;

use events::{EventStore, Failure, Hash, Position};

use super::Runner;
use crate::quarantine::{Kept, Place};
use crate::view::Folding;
use crate::{Projection, Quarantine, Snapshots};
use events::snapshot::{self, Useless};

impl Runner {
    /// Begins from nothing.
    pub(super) fn reset(&self) {
        self.quarantine.clear();
        self.views.iter().for_each(|view| view.reset());
    }

    /// Begins each view from its snapshot, or anew.
    pub(super) async fn restore(&self) -> Result<(), Failure> {
        self.reset();
        let head = self.store.head().await?;
        let (views, snapshots) = (self.views.clone(), self.snapshots.clone());
        let load = move || load_all(&*snapshots, &views, head);
        let kept = match tokio::task::spawn_blocking(load).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::error!(%error, "reading snapshots panicked; every view begins anew");
                self.reset();
                return Ok(());
            }
        };
        if !still_bad(&*self.store, &kept, &self.quarantine).await? {
            tracing::info!("a quarantined record means something now: every view is rebuilt");
            self.reset();
        }
        self.compare().await
    }

    /// Resets each view whose last record is not the log's: it was made from another log.
    async fn compare(&self) -> Result<(), Failure> {
        let mut there: Option<(Position, Option<Hash>)> = None;
        for view in self.views.iter().filter(|view| view.position() > Position::START) {
            let position = view.position();
            // Nearly always all views stand at the same position.
            if there.is_none_or(|(known, _)| known != position) {
                let found = self.store.record_at(position).await?;
                there = Some((position, found.map(|record| record.hash)));
            }
            if there != Some((position, Some(view.hash()))) {
                let name = view.name();
                tracing::warn!("the snapshot {name} is thrown away: it is of another log");
                view.reset();
            }
        }
        Ok(())
    }
}

fn load_all(snapshots: &dyn Snapshots, views: &[Arc<dyn Folding>], head: Position) -> Kept {
    let mut kept = Kept::default();
    let found = load(snapshots, Kept::NAME, |bytes| {
        kept = snapshot::decode(bytes, (Kept::NAME, Kept::VERSION), head)?.1;
        Ok(())
    });
    // Without the list of what the views could not show, they cannot be trusted to be whole.
    if found {
        for view in views {
            load(snapshots, view.name(), |bytes| view.restore(bytes, head));
        }
    }
    kept
}

/// Whether a snapshot was there and of use.
fn load(
    snapshots: &dyn Snapshots,
    name: &str,
    restore: impl FnOnce(&[u8]) -> Result<(), Useless>,
) -> bool {
    let bytes = match snapshots.load(name) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return false,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, cause, "the view {name} is rebuilt");
            return false;
        }
    };
    match restore(&bytes) {
        Ok(()) => return true,
        Err(useless @ Useless::Other { .. }) => {
            tracing::info!(reason = %useless, "the snapshot {name} is thrown away");
        }
        Err(
            useless @ (Useless::Checksum
            | Useless::Shape(_)
            | Useless::Rest(_)
            | Useless::Beyond { .. }),
        ) => {
            tracing::warn!(reason = %useless, "the snapshot {name} is thrown away");
        }
    }
    false
}

/// Whether every record that had no meaning still has none.
async fn still_bad(
    store: &dyn EventStore,
    kept: &Kept,
    quarantine: &Quarantine,
) -> Result<bool, Failure> {
    for (stream, position) in &kept.entries {
        let found = store.record_at(*position).await?;
        let Some(record) = found.filter(|record| record.stream.as_str() == stream) else {
            return Ok(false);
        };
        let place = Place::from(&record);
        match record.decode() {
            Ok(_) => return Ok(false),
            Err(problem) => quarantine.add(&place, &problem),
        }
    }
    Ok(true)
}
