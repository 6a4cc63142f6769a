//! From decided events to records: ids from their cause, metadata, chain.

use bytes::Bytes;

use super::{Expected, Proposed};
use uuid::Uuid;

use crate::{Event, EventId, Hash, Link, Metadata, Record, Revision, StreamName, Timestamp, codec};

/// As many bytes as metadata and payload of most events come to.
const BYTES_USUAL: usize = 256;

/// The end of a stream as its writer knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// The last revision; none while there is no record.
    pub revision: Option<Revision>,
    /// The hash of the last record.
    pub hash: Hash,
    /// The time of the last record: time in a stream never runs backwards.
    pub at: Timestamp,
}

impl Default for Tail {
    fn default() -> Self {
        Self { revision: None, hash: Hash::ROOT, at: Timestamp::from_micros(i64::MIN) }
    }
}

impl Tail {
    /// The end of a stream whose last record this is.
    pub fn behind(record: &Record) -> Self {
        Self { revision: Some(record.revision), hash: record.hash, at: record.at }
    }

    /// What an append behind this end expects.
    pub fn expected(&self) -> Expected {
        self.revision.into()
    }

    /// The end after one more record was read.
    ///
    /// # Errors
    /// When the record does not follow from this end.
    pub fn follow(&mut self, record: &Record) -> Result<(), crate::BrokenChain> {
        record.follows(self.revision.map(|revision| (revision, &self.hash)))?;
        self.revision = Some(record.revision);
        self.hash = record.hash;
        self.at = record.at;
        Ok(())
    }
}

/// Records in the making, behind a known end of a stream.
#[derive(Debug)]
pub struct Draft<'a> {
    stream: &'a StreamName,
    tail: Tail,
    records: Vec<Proposed>,
    bytes: usize,
    by_content: bool,
}

impl<'a> Draft<'a> {
    /// A draft behind `tail`.
    pub fn new(stream: &'a StreamName, tail: Tail) -> Self {
        Self { stream, tail, records: Vec::new(), bytes: 0, by_content: false }
    }

    /// Lets ids derive from the content as well, where the log is shared: two nodes that carry out
    /// the same command must not take the one's append for a repetition of the other's, because
    /// each would go on behind a hash that only one of them has written.
    #[must_use]
    pub fn by_content(self, by_content: bool) -> Self {
        Self { by_content, ..self }
    }

    /// Adds the `nth` event of the command that `metadata` names as its causation, and tells the
    /// id that derives from it.
    pub fn add(
        &mut self,
        event: &Event,
        metadata: &Metadata,
        at: Timestamp,
        nth: usize,
    ) -> EventId {
        let id = EventId::caused_by(metadata.causation, self.stream.as_str(), nth);
        self.push(id, self.by_content, event, metadata, at)
    }

    /// Adds an event under an id of its own.
    pub fn add_as(&mut self, id: EventId, event: &Event, metadata: &Metadata, at: Timestamp) {
        self.push(id, false, event, metadata, at);
    }

    fn push(
        &mut self,
        id: EventId,
        by_content: bool,
        event: &Event,
        metadata: &Metadata,
        at: Timestamp,
    ) -> EventId {
        let (kind, version) = (event.kind(), event.version());
        let (metadata, data) = bytes(event, metadata);
        let revision = self.tail.expected().first();
        let at = self.time(at);
        let mut link = Link {
            stream: self.stream,
            revision,
            id,
            kind,
            version,
            at,
            metadata: &metadata,
            data: &data,
        };
        if by_content {
            let content = link.hash(&self.tail.hash);
            link.id = EventId(Uuid::new_v5(&id.0, &content.0));
        }
        let (id, hash) = (link.id, link.hash(&self.tail.hash));
        self.tail = Tail { revision: Some(revision), hash, at };
        self.bytes += metadata.len() + data.len();
        self.records.push(Proposed { id, kind: kind.into(), version, at, metadata, data, hash });
        id
    }

    /// When an event is recorded that was decided at this moment: time never runs backwards.
    pub fn time(&self, at: Timestamp) -> Timestamp {
        at.max(self.tail.at)
    }

    /// How many bytes it has come to.
    pub fn size(&self) -> usize {
        self.bytes
    }

    /// How many records it has come to.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records, and the end of the stream once they are written.
    pub fn finish(self) -> (Vec<Proposed>, Tail) {
        (self.records, self.tail)
    }
}

/// Metadata and payload, in one piece of memory.
fn bytes(event: &Event, metadata: &Metadata) -> (Bytes, Bytes) {
    let mut bytes = Vec::with_capacity(BYTES_USUAL);
    serde_json::to_writer(&mut bytes, metadata).expect("ids and names are JSON");
    let end = bytes.len();
    let mut metadata = Bytes::from(codec::encode_behind(event, bytes).data);
    let data = metadata.split_off(end);
    (metadata, data)
}

#[cfg(test)]
mod tests;
