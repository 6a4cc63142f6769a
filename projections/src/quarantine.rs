//! Streams with a record that this build cannot give a meaning: known, shown, and no stop.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use events::{Event, Fold, Position, Record, Recorded, Revision, StreamName, Undecodable};
use serde::{Deserialize, Serialize};

use crate::Projection;

/// As many streams as are listed; further ones are only logged.
const LISTED_MAX: usize = 1_000;

/// The first record of a stream that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Whose history no view shows fully.
    pub stream: StreamName,
    /// Where in the stream.
    pub revision: Revision,
    /// Where in the log.
    pub position: Position,
    /// Why, for people.
    pub reason: String,
}

/// The list of them, shared; its clones are the same.
#[derive(Debug, Default, Clone)]
pub struct Quarantine {
    streams: Arc<Mutex<BTreeMap<StreamName, Quarantined>>>,
}

impl Quarantine {
    /// All of them, by stream.
    pub fn list(&self) -> Vec<Quarantined> {
        self.streams().values().cloned().collect()
    }

    /// What is wrong with this stream; none when it is not listed.
    pub fn get(&self, stream: &StreamName) -> Option<Quarantined> {
        self.streams().get(stream).cloned()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.streams().len()
    }

    /// Whether every record that was read has a meaning.
    pub fn is_empty(&self) -> bool {
        self.streams().is_empty()
    }

    /// Puts the record's stream on the list; only the first time of a stream is logged.
    pub(crate) fn add(&self, of: &Place, problem: &Undecodable) {
        let mut streams = self.streams();
        if streams.contains_key(&of.stream) || streams.len() >= LISTED_MAX {
            return;
        }
        let Place { stream, revision, position } = of.clone();
        tracing::error!(
            stream = %stream, position = position.0, error = %problem,
            "{stream} is quarantined: revision {revision} means nothing to this build"
        );
        let entry = Quarantined { stream, revision, position, reason: problem.to_string() };
        streams.insert(entry.stream.clone(), entry);
    }

    pub(crate) fn clear(&self) {
        self.streams().clear();
    }

    /// What of it a snapshot keeps, because a view that resumes reads no bad record again.
    pub(crate) fn kept(&self) -> Kept {
        let entries = self.list().into_iter();
        let entry = |entry: Quarantined| (entry.stream.to_string(), entry.position);
        Kept { entries: entries.map(entry).collect() }
    }

    fn streams(&self) -> MutexGuard<'_, BTreeMap<StreamName, Quarantined>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a record stands, once its bytes are gone.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) stream: StreamName,
    pub(crate) revision: Revision,
    pub(crate) position: Position,
}

impl From<&Record> for Place {
    fn from(record: &Record) -> Self {
        let Record { stream, revision, position, .. } = record;
        Self { stream: stream.clone(), revision: *revision, position: *position }
    }
}

/// The quarantine as a snapshot keeps it. It is kept like a projection but folds nothing: what
/// it lists is what cannot be folded.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) entries: Vec<(String, Position)>,
}

impl Fold for Kept {
    type Event = Recorded<Event>;

    fn evolve(&mut self, _: &Recorded<Event>) {}
}

impl Projection for Kept {
    const NAME: &'static str = "quarantine";
    const VERSION: u32 = 1;
}
