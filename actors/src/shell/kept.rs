//! The state of a long stream, kept beside the log: its actor wakes on that and reads only what
//! came behind.
//!
//! It is a cache: whatever is wrong with it, the stream is read whole.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use events::snapshot::{self, Header, Snapshots};
use events::store::{Slice, Tail};
use events::{EventStore, Position, Revision, StreamName};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::loaded::{Before, Loaded, Problem};
use crate::aggregate::Aggregate;

#[derive(Serialize, Deserialize)]
struct Kept {
    /// The last record that is folded in.
    revision: Revision,
    /// The repeatable commands that were done last.
    done: VecDeque<(Uuid, Before)>,
    state: Vec<u8>,
}

impl<A: Aggregate> Loaded<A> {
    /// Takes up what is kept, if it is of this very stream.
    pub(super) async fn take_up(
        &mut self,
        store: &dyn EventStore,
        snapshots: &Arc<dyn Snapshots>,
    ) -> Result<(), Problem> {
        let Some(version) = A::KEPT else { return Ok(()) };
        let Some((header, kept)) = read(snapshots, &self.stream, version).await else {
            return Ok(());
        };
        let found = store.read_stream(&self.stream, Slice::From(kept.revision), 1).await?;
        let same = found.first().filter(|record| {
            (record.revision, record.position) == (kept.revision, header.position)
                && record.hash.0 == header.hash
        });
        let Some(record) = same else { return Ok(()) };
        // A large state takes a while, and whoever else is at work on this thread would wait.
        let unpacked = spawn_blocking(move || A::unpack(&kept.state)).await;
        if let Ok(Some(state)) = unpacked {
            self.state = state;
            self.tail = Tail::behind(record);
            self.position = record.position;
            self.done = kept.done;
        }
        Ok(())
    }

    /// Keeps the state once it is so many events ahead of what is kept. One at a time: a state that
    /// grows faster than it is packed waits, and is not copied again and again.
    pub(super) fn keep(&mut self, snapshots: &Arc<dyn Snapshots>, every: usize) {
        let (Some(version), Some(revision)) = (A::KEPT, self.tail.revision) else { return };
        if self.ahead < every {
            return;
        }
        let Some(packing) = Packing::begin(&self.packing) else { return };
        self.ahead = 0;
        // As it is now: packing it takes longer than a copy.
        let (state, done) = (self.state.clone(), self.done.clone());
        let name = self.stream.to_string();
        let header = Header {
            name: name.clone(),
            version,
            position: self.position,
            as_of: Some(self.tail.at),
            hash: self.tail.hash.0,
        };
        let snapshots = snapshots.clone();
        spawn_blocking(move || {
            let _packing = packing;
            let Some(state) = state.pack() else { return };
            let kept = Kept { revision, done, state };
            let bytes = snapshot::encode(&header, &kept).map_err(|error| error.to_string());
            let saved = bytes.and_then(|bytes| {
                snapshots.save(&name, &bytes).map_err(|failure| failure.to_string())
            });
            if let Err(reason) = saved {
                tracing::warn!("{name} is not kept, its actor wakes later: {reason}");
            }
        });
    }
}

/// That a state is being packed, for as long as it lives.
struct Packing(Arc<AtomicBool>);

impl Packing {
    /// None while another is.
    fn begin(under_way: &Arc<AtomicBool>) -> Option<Self> {
        (!under_way.swap(true, Ordering::Relaxed)).then(|| Self(under_way.clone()))
    }
}

impl Drop for Packing {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

async fn read(
    snapshots: &Arc<dyn Snapshots>,
    stream: &StreamName,
    version: u32,
) -> Option<(Header, Kept)> {
    let (snapshots, name) = (snapshots.clone(), stream.to_string());
    let read = spawn_blocking(move || {
        let bytes = snapshots.load(&name).map_err(|failure| failure.to_string())?;
        // How far the log reaches, the record that it must hold will show.
        let head = Position(u64::MAX);
        let decode = |bytes: Vec<u8>| snapshot::decode(&bytes, (&name, version), head);
        bytes.map(decode).transpose().map_err(|useless| format!("{name}: {useless}"))
    });
    match read.await {
        Ok(Ok(found)) => found,
        Ok(Err(reason)) => {
            tracing::warn!("what is kept is of no use, the stream is read whole: {reason}");
            None
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests;
