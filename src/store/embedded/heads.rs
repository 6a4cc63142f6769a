//! Where the streams end, as far as the writer remembers.

use std::collections::HashMap;

use events::{Revision, StreamName};

/// Streams in each of the two generations. Both full are about 25 MB.
const GENERATION_MAX: usize = 1 << 17;

/// A stream's row and its last revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) stream: i64,
    pub(super) last: Option<Revision>,
}

/// A bounded memory of stream heads that forgets what has not been written to for longest.
///
/// Two generations: what is used moves to the young one; when that is full it becomes the old
/// one, and the old one is forgotten.
#[derive(Debug, Default)]
pub(super) struct Heads {
    young: HashMap<StreamName, Head>,
    old: HashMap<StreamName, Head>,
}

impl Heads {
    pub(super) fn get(&self, stream: &StreamName) -> Option<Head> {
        self.young.get(stream).or_else(|| self.old.get(stream)).copied()
    }

    pub(super) fn set(&mut self, stream: &StreamName, head: Head) {
        if let Some(known) = self.young.get_mut(stream) {
            *known = head;
            return;
        }
        if self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream.clone(), head);
    }

    /// After a rollback, or when another process wrote.
    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests;
