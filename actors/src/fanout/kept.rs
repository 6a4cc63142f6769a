//! The subscriptions as they were some time ago, kept beside the log: without them every start
//! would read all of it before the first delivery.

use std::sync::Arc;

use events::snapshot::{self, Header, Snapshots, Useless};
use events::{EventStore, Failure, Hash, Position};
use tokio::task::spawn_blocking;

use super::subscriptions::Subscriptions;

const NAME: &str = "fanout";

/// Raised with every change of the shape or the meaning of [`Subscriptions`].
const VERSION: u32 = 3;

/// Subscriptions, and where they were folded to.
#[derive(Debug)]
pub(super) struct Folded {
    pub(super) subscriptions: Subscriptions,
    pub(super) position: Position,
    /// Of the record at that position.
    pub(super) hash: Hash,
}

impl Default for Folded {
    fn default() -> Self {
        let (subscriptions, position) = (Subscriptions::default(), Position::START);
        Self { subscriptions, position, hash: Hash::ROOT }
    }
}

/// Those that were kept, where they are of this log and not beyond `start`, behind which records
/// are to meet the subscriptions of their own position; else none at all.
pub(super) async fn load(
    snapshots: &Arc<dyn Snapshots>,
    store: &dyn EventStore,
    start: Position,
) -> Result<Folded, Failure> {
    let snapshots = snapshots.clone();
    let read = spawn_blocking(move || read(&*snapshots, start)).await;
    let Some(folded) = read.ok().flatten() else { return Ok(Folded::default()) };
    let there = store.record_at(folded.position).await?;
    if there.is_none_or(|it| it.hash != folded.hash) {
        tracing::warn!("the snapshot {NAME} is thrown away: it is of another log");
        return Ok(Folded::default());
    }
    Ok(folded)
}

fn read(snapshots: &dyn Snapshots, start: Position) -> Option<Folded> {
    let bytes = match snapshots.load(NAME) {
        Ok(bytes) => bytes?,
        Err(error) => {
            tracing::warn!(%error, "the fan-out reads the whole log");
            return None;
        }
    };
    match snapshot::decode(&bytes, (NAME, VERSION), start) {
        Ok((Header { position, hash, .. }, subscriptions)) => {
            Some(Folded { subscriptions, position, hash: Hash(hash) })
        }
        Err(useless @ (Useless::Other { .. } | Useless::Beyond { .. })) => {
            tracing::info!(reason = %useless, "the snapshot {NAME} is thrown away");
            None
        }
        Err(useless @ (Useless::Checksum | Useless::Shape(_) | Useless::Rest(_))) => {
            tracing::warn!(reason = %useless, "the snapshot {NAME} is thrown away");
            None
        }
    }
}

/// Keeps them; where that fails the next start takes longer.
pub(super) async fn save(snapshots: &Arc<dyn Snapshots>, folded: &Folded) {
    let Folded { subscriptions, position, hash } = folded;
    let (name, version, position, hash) = (NAME.to_owned(), VERSION, *position, hash.0);
    let header = Header { name, version, position, as_of: None, hash };
    let bytes = snapshot::encode(&header, subscriptions);
    let bytes = bytes.expect("postcard refuses only shapes that they do not have");
    let snapshots = snapshots.clone();
    match spawn_blocking(move || snapshots.save(NAME, &bytes)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the next start reads more of the log"),
        Err(error) => tracing::error!(%error, "saving a snapshot panicked"),
    }
}

#[cfg(test)]
mod tests;
