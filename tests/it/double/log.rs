//! What the double of EventStoreDB writes and refuses: the server's rules for expected revisions,
//! repeated ids, deletions and limits.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

/// The server's default, and what one record may come to.
pub(crate) const APPEND_SIZE_DEFAULT: usize = 1 << 20;

/// `$tb` of a stream that was deleted and may come back, and the last revision of one that may not.
const DELETED: u64 = i64::MAX as u64;

#[derive(Debug, Clone)]
pub(crate) struct Proposed {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) is_json: bool,
    pub(crate) metadata: Bytes,
    pub(crate) data: Bytes,
}

#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) stream: String,
    pub(crate) revision: u64,
    pub(crate) position: u64,
    /// Where the first event of the same append stands.
    pub(crate) prepare: u64,
    pub(crate) event: Proposed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Any,
    NoStream,
    StreamExists,
    Revision(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Conflict { current: Option<u64> },
    Deleted,
    TooLarge,
    NoType,
}

/// The last revision, none of a stream that is still empty, and the position, none of what was
/// written before and is hidden by now.
pub(crate) type Place = (Option<u64>, Option<u64>);
pub(crate) type Written = Result<Place, Refused>;

/// Everything that one cluster holds.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) events: Vec<Stored>,
    /// Where in `events` each stream's are.
    streams: HashMap<String, Vec<usize>>,
    tombstoned: HashSet<String>,
    /// The cache of recent ids, lost at a restart: all that "any" is recognised by.
    recent: HashMap<(String, Uuid), u64>,
    /// Bytes written so far: positions are offsets, so they have gaps.
    end: u64,
    pub(crate) append_size_max: usize,
    /// Where reading all may not begin any more.
    pub(crate) lost_places: HashSet<u64>,
}

impl Log {
    pub(crate) fn new(append_size_max: usize) -> Self {
        let mut log = Self {
            events: Vec::new(),
            streams: HashMap::new(),
            tombstoned: HashSet::new(),
            recent: HashMap::new(),
            end: 0,
            append_size_max,
            lost_places: HashSet::new(),
        };
        // No server's log begins with an event of its users, nor is any position of theirs 0.
        log.write_own();
        log
    }

    /// An event of the server itself, as it writes them in between.
    pub(crate) fn write_own(&mut self) {
        let event = Proposed {
            id: Uuid::new_v4(),
            kind: "$statsCollected".to_owned(),
            is_json: true,
            metadata: Bytes::new(),
            data: Bytes::from_static(b"{}"),
        };
        self.push("$stats-127.0.0.1:2113", self.end, event);
    }

    pub(crate) fn restart(&mut self) {
        self.recent.clear();
    }

    pub(crate) fn is_tombstoned(&self, stream: &str) -> bool {
        self.tombstoned.contains(stream)
    }

    /// The last revision that was ever written.
    fn last(&self, stream: &str) -> Option<u64> {
        self.streams.get(stream).map(|events| events.len() as u64 - 1)
    }

    fn at(&self, stream: &str, revision: u64) -> Option<&Stored> {
        let index = usize::try_from(revision).ok()?;
        self.streams.get(stream)?.get(index).map(|&event| &self.events[event])
    }

    fn metadata(&self, stream: &str) -> Value {
        let name = format!("$${stream}");
        let last = self.last(&name).and_then(|revision| self.at(&name, revision));
        let parsed = last.map(|event| serde_json::from_slice(&event.event.data));
        parsed.and_then(Result::ok).unwrap_or(Value::Null)
    }

    fn is_soft_deleted(&self, stream: &str) -> bool {
        self.metadata(stream)["$tb"] == DELETED
    }

    /// The revisions that reading shows; none when the stream does not exist for readers.
    pub(crate) fn visible(&self, stream: &str) -> Option<Range<u64>> {
        let end = self.last(stream)? + 1;
        let metadata = self.metadata(stream);
        if metadata["$tb"] == DELETED {
            return None;
        }
        let truncated = metadata["$tb"].as_u64().unwrap_or(0);
        let counted = metadata["$maxCount"].as_u64().map_or(0, |count| end.saturating_sub(count));
        let aged = metadata["$maxAge"].as_u64().map_or(0, |_| 0);
        Some(truncated.max(counted).max(aged).min(end)..end)
    }

    pub(crate) fn stored(&self, stream: &str, revision: u64) -> &Stored {
        self.at(stream, revision).expect("a visible revision is there")
    }

    pub(crate) fn append(
        &mut self,
        stream: &str,
        expected: Expected,
        events: Vec<Proposed>,
    ) -> Written {
        if events.iter().any(|event| event.kind.is_empty()) {
            return Err(Refused::NoType);
        }
        // As the server counts: names have two bytes a letter.
        let sizes = events.iter().map(|it| it.data.len() + it.metadata.len() + 2 * it.kind.len());
        if sizes.sum::<usize>() > self.append_size_max {
            return Err(Refused::TooLarge);
        }
        if self.is_tombstoned(stream) {
            return Err(Refused::Deleted);
        }
        if let Some(repeated) = self.check(stream, expected, &events)? {
            return Ok(repeated);
        }
        if events.is_empty() {
            return Ok((self.last(stream), Some(self.end)));
        }
        if self.is_soft_deleted(stream) {
            self.revive(stream);
        }
        let first = self.end;
        let mut written = (None, Some(first));
        for event in events {
            written = self.push(stream, first, event);
        }
        if self.events.len().is_multiple_of(7) {
            self.write_own();
        }
        Ok(written)
    }

    /// None when the events are to be written; else where they were written before.
    fn check(
        &self,
        stream: &str,
        expected: Expected,
        events: &[Proposed],
    ) -> Result<Option<Place>, Refused> {
        let current = self.last(stream);
        let conflict = Err(Refused::Conflict { current });
        let first = match expected {
            Expected::Any => return self.check_weakly(stream, events),
            Expected::StreamExists => {
                let known = current.is_some() || self.last(&format!("$${stream}")).is_some();
                return if known { self.check_weakly(stream, events) } else { conflict };
            }
            Expected::NoStream if current.is_some() && self.is_soft_deleted(stream) => {
                return Ok(None);
            }
            Expected::NoStream => 0,
            Expected::Revision(revision) => revision + 1,
        };
        let next = current.map_or(0, |current| current + 1);
        if first == next {
            return Ok(None);
        }
        let mut last = None;
        for (revision, event) in (first..).zip(events) {
            match self.at(stream, revision) {
                Some(there) if there.event.id == event.id => last = Some(there),
                Some(_) | None => return conflict,
            }
        }
        match last {
            Some(last) => Ok(Some(self.repeated(last))),
            None => conflict,
        }
    }

    fn check_weakly(&self, stream: &str, events: &[Proposed]) -> Result<Option<Place>, Refused> {
        let known = |event: &Proposed| self.recent.get(&(stream.to_owned(), event.id)).copied();
        let Some(first) = events.first() else { return Ok(None) };
        if known(first).is_none() {
            return Ok(None);
        }
        let revisions: Option<Vec<_>> = events.iter().map(known).collect();
        match revisions.and_then(|revisions| revisions.last().copied()) {
            Some(last) => Ok(Some(self.repeated(self.stored(stream, last)))),
            None => Err(Refused::Conflict { current: self.last(stream) }),
        }
    }

    /// The server looks a repetition's position up as a reader does, who sees nothing hidden.
    fn repeated(&self, last: &Stored) -> Place {
        let visible = self.visible(&last.stream).unwrap_or_default();
        let position = visible.contains(&last.revision).then_some(last.position);
        (Some(last.revision), position)
    }

    fn push(&mut self, stream: &str, prepare: u64, event: Proposed) -> Place {
        let revision = self.last(stream).map_or(0, |last| last + 1);
        let position = self.end;
        self.end += (event.data.len() + event.metadata.len() + 100) as u64;
        self.streams.entry(stream.to_owned()).or_default().push(self.events.len());
        self.recent.insert((stream.to_owned(), event.id), revision);
        let stream = stream.to_owned();
        self.events.push(Stored { stream, revision, position, prepare, event });
        (Some(revision), Some(position))
    }

    /// Soft deletion truncates before the end of all time; revisions go on behind it.
    pub(crate) fn delete(&mut self, stream: &str, expected: Expected, hard: bool) -> Written {
        if self.is_tombstoned(stream) {
            return Err(Refused::Deleted);
        }
        let current = self.last(stream);
        let believed = match expected {
            Expected::Any | Expected::StreamExists => current.is_some(),
            Expected::NoStream => false,
            Expected::Revision(revision) => current == Some(revision),
        };
        if !believed {
            return Err(Refused::Conflict { current });
        }
        if hard {
            self.tombstoned.insert(stream.to_owned());
            let (kind, metadata) = ("$streamDeleted".to_owned(), Bytes::new());
            let data = Bytes::from_static(b"{}");
            let event = Proposed { id: Uuid::new_v4(), kind, is_json: true, metadata, data };
            let (_, position) = self.push(stream, self.end, event);
            // It stands behind all that could ever have been written.
            self.events.last_mut().expect("it was pushed").revision = DELETED;
            return Ok((Some(DELETED), position));
        }
        Ok(self.truncate(stream, DELETED))
    }

    fn revive(&mut self, stream: &str) {
        let next = self.last(stream).map_or(0, |last| last + 1);
        self.truncate(stream, next);
    }

    fn truncate(&mut self, stream: &str, before: u64) -> Place {
        let mut metadata = self.metadata(stream);
        if !metadata.is_object() {
            metadata = Value::Object(serde_json::Map::new());
        }
        metadata["$tb"] = before.into();
        let data = Bytes::from(metadata.to_string());
        let (kind, metadata) = ("$metadata".to_owned(), Bytes::new());
        let event = Proposed { id: Uuid::new_v4(), kind, is_json: true, metadata, data };
        self.push(&format!("$${stream}"), self.end, event)
    }

    /// Whether reading all may begin there.
    pub(crate) fn is_place(&self, position: u64) -> bool {
        let found = self.events.binary_search_by_key(&position, |event| event.position);
        !self.lost_places.contains(&position) && (found.is_ok() || position >= self.end)
    }
}
