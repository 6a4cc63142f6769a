//! The port of the log: append, read a stream, read all, know when it grew.
//!
//! Every adapter passes the suite in `store/contract.rs` unchanged.

mod bound;
#[cfg(feature = "contract")]
pub mod contract;
#[cfg(feature = "contract")]
pub mod memory;
mod propose;
mod subscription;

use std::borrow::Cow;

use bytes::Bytes;
use futures_core::future::BoxFuture;

use crate::{EventId, Hash, Position, Record, Revision, StreamName, Timestamp};

pub use bound::{Bound, Bounds};
pub use propose::{Draft, Tail};
pub use subscription::{Heard, Subscription};

/// As many bytes (payloads and metadata together) as one append may have: 4 MiB.
pub const APPEND_BYTES_MAX: usize = 4 << 20;

/// As many records as one page may have.
pub const PAGE_MAX: usize = 4096;

/// A page ends early once its payloads and metadata have come to so many bytes: 16 MiB.
pub const PAGE_BYTES_MAX: usize = 16 << 20;

/// A record as it is handed to the log, which adds nothing but the position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// The event's id.
    pub id: EventId,
    /// The event's wire name.
    pub kind: Cow<'static, str>,
    /// The version of its shape.
    pub version: u16,
    /// When it was decided.
    pub at: Timestamp,
    /// [`crate::Metadata`] as JSON.
    pub metadata: Bytes,
    /// The payload in postcard.
    pub data: Bytes,
    /// The chain up to here.
    pub hash: Hash,
}

impl Proposed {
    /// How much of [`APPEND_BYTES_MAX`] it takes.
    pub fn size(&self) -> usize {
        self.metadata.len() + self.data.len()
    }

    /// The record that it has become.
    pub fn placed(self, position: Position, stream: StreamName, revision: Revision) -> Record {
        let Self { id, kind, version, at, metadata, data, hash } = self;
        Record { position, stream, revision, id, kind, version, at, metadata, data, hash }
    }
}

/// What the writer believes the stream's last revision to be.
///
/// There is no "any": who writes has read, and only an exact belief makes a repeated append safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The stream has no record.
    NoStream,
    /// The stream ends at this revision.
    Revision(Revision),
}

impl Expected {
    /// The revision that the first appended record gets.
    pub fn first(self) -> Revision {
        match self {
            Self::NoStream => Revision::FIRST,
            Self::Revision(revision) => revision.next(),
        }
    }
}

impl From<Option<Revision>> for Expected {
    fn from(last: Option<Revision>) -> Self {
        last.map_or(Self::NoStream, Self::Revision)
    }
}

/// Where the last record of an append stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// In its stream.
    pub revision: Revision,
    /// In the log.
    pub position: Position,
}

/// Why the log could not, named by what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Somebody else wrote: reload and decide again.
    #[error("{stream} is at revision {current:?}, not where the writer believed")]
    Conflict {
        /// Which stream.
        stream: StreamName,
        /// Where it is; none when it has no record.
        current: Option<Revision>,
    },
    /// The append is larger than [`EventStore::append_bytes_max`], or empty: do not repeat it.
    #[error("an append of {bytes} bytes is refused: it takes 1 to {limit}")]
    Size {
        /// As many as it had.
        bytes: usize,
        /// As many as it may have.
        limit: usize,
    },
    /// Not now. Whether an append was written is unknown: repeat it with the same ids, or reload.
    #[error("the log is not available: {reason}")]
    Unavailable {
        /// Why, for people.
        reason: String,
    },
    /// The log is damaged: stop.
    #[error("the log is damaged{}: {reason}", after(*.position))]
    Corrupt {
        /// Behind which position, where that is known.
        position: Option<Position>,
        /// How, for people.
        reason: String,
    },
}

fn after(position: Option<Position>) -> String {
    position.map_or_else(String::new, |position| format!(" behind position {position}"))
}

/// Which records of a stream, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slice {
    /// From this revision on, upwards.
    From(Revision),
    /// Those before this revision, downwards; none means from the end.
    Before(Option<Revision>),
}

/// The log.
///
/// Appends are atomic and durable before they are answered, their records get consecutive
/// revisions and growing positions. A repeated append (same stream, same belief, same event ids)
/// is answered as the first was and writes nothing; so is one that repeats only its beginning.
pub trait EventStore: Send + Sync {
    /// Writes all of the records or none.
    ///
    /// Fails with [`Failure::Conflict`] when the stream is not where the writer believes.
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Expected,
        records: Vec<Proposed>,
    ) -> BoxFuture<'a, Result<Appended, Failure>>;

    /// At most `limit` records of a stream, and at most [`PAGE_MAX`].
    ///
    /// A page is shorter only at the end, or once it has come to [`PAGE_BYTES_MAX`]; see
    /// [`is_last`].
    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        slice: Slice,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, Failure>>;

    /// At most `limit` records behind a position, and at most [`PAGE_MAX`], in the order of the
    /// log. A page is shorter as it is of a stream.
    fn read_all(
        &self,
        behind: Position,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Record>, Failure>>;

    /// The next records behind a position, for one who goes on asking until there are none: such a
    /// page may be short anywhere. An engine may give all who follow the same one.
    fn follow(&self, behind: Position) -> BoxFuture<'_, Result<Vec<Record>, Failure>> {
        self.read_all(behind, PAGE_MAX)
    }

    /// The position of the last record; [`Position::START`] when there is none.
    fn head(&self) -> BoxFuture<'_, Result<Position, Failure>>;

    /// The record at exactly this position; none when there is none. An engine whose positions
    /// have gaps may not be able to read from a place between two records.
    fn record_at(&self, position: Position) -> BoxFuture<'_, Result<Option<Record>, Failure>> {
        Box::pin(async move {
            let behind = Position(position.0.saturating_sub(1));
            let found = self.read_all(behind, 1).await?.pop();
            Ok(found.filter(|record| record.position == position))
        })
    }

    /// Removes what a stream holds before this revision. Revisions and positions of what stays do
    /// not change, and appends go on behind it. The last record always stays, because whoever
    /// writes must know where the stream ends; what was removed already stays so.
    ///
    /// Reading a stream shows nothing of it from then on. An engine may show it to those who read
    /// all until it has cleaned up, and gives room back in its own time. An append that repeats
    /// what was removed is answered as it was or refused as a conflict, and writes nothing.
    fn truncate<'a>(
        &'a self,
        stream: &'a StreamName,
        before: Revision,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// Where a stream begins that was truncated; none where it is whole.
    fn bound<'a>(&'a self, stream: &'a StreamName)
    -> BoxFuture<'a, Result<Option<Bound>, Failure>>;

    /// How many records truncation has removed in all, where the engine knows: so many positions
    /// may be missing.
    fn removed(&self) -> BoxFuture<'_, Result<u64, Failure>> {
        Box::pin(std::future::ready(Ok(0)))
    }

    /// As many bytes as one append may have, as far as is known: [`APPEND_BYTES_MAX`], or less
    /// where the engine takes less.
    fn append_bytes_max(&self) -> usize {
        APPEND_BYTES_MAX
    }

    /// Whether the records of one append stand at consecutive positions.
    fn is_dense(&self) -> bool {
        false
    }

    /// Whether other nodes may write to any stream at any time: then nothing is decided by what a
    /// process remembers of a stream before it has looked whether that is still its end.
    fn is_shared(&self) -> bool {
        false
    }

    /// Returns when there may be a record behind the position; may return early.
    fn grown(&self, behind: Position) -> BoxFuture<'_, ()>;
}

/// Whether a page that was read with this limit has nothing behind it.
pub fn is_last(page: &[Record], limit: usize) -> bool {
    let bytes: usize = page.iter().map(|record| record.metadata.len() + record.data.len()).sum();
    page.len() < limit.min(PAGE_MAX) && bytes < PAGE_BYTES_MAX
}

/// Refuses what an engine that takes so many bytes could not take.
///
/// # Errors
/// [`Failure::Size`] for an empty append or one over the limit.
pub fn check_size(records: &[Proposed], limit: usize) -> Result<(), Failure> {
    let bytes = records.iter().map(Proposed::size).sum();
    if records.is_empty() || bytes > limit {
        return Err(Failure::Size { bytes, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
