//! The streams that cannot go on: each stops alone and is shown until the service starts anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dashmap::DashMap;
use events::{StreamName, Timestamp};

/// Why and since when a stream cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// Why, for people.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// All halted streams of a process; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Halted(Arc<Streams>);

#[derive(Debug, Default)]
struct Streams {
    /// Whether there are any: asked with every command, and a map looks into each of its parts.
    any: AtomicBool,
    all: DashMap<StreamName, Halt>,
}

impl Halted {
    /// Whether nothing is halted.
    pub fn is_empty(&self) -> bool {
        !self.0.any.load(Ordering::Acquire)
    }

    /// Why that stream is halted; none when it is not.
    pub fn get(&self, stream: &StreamName) -> Option<Halt> {
        self.0.all.get(stream).map(|halt| halt.clone())
    }

    /// All of them, by name.
    pub fn list(&self) -> Vec<(StreamName, Halt)> {
        let mut all: Vec<_> =
            self.0.all.iter().map(|entry| (entry.key().clone(), entry.value().clone())).collect();
        all.sort_by(|(left, _), (right, _)| left.cmp(right));
        all
    }

    /// Says that a stream cannot go on; the first reason stands.
    pub fn insert(&self, stream: StreamName, halt: Halt) {
        self.0.all.entry(stream).or_insert(halt);
        self.0.any.store(true, Ordering::Release);
    }
}
