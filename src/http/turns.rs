//! One at a time for each key: who comes meanwhile waits, in the order of coming.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

/// As long as one waits for a turn.
const WITHIN: Duration = Duration::from_secs(5);

/// Whose turn it is, for each key that anybody has or waits for.
#[derive(Debug)]
pub(super) struct Turns<K: Eq + Hash>(Arc<DashMap<K, Arc<Mutex<()>>>>);

/// A turn, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<K: Copy + Eq + Hash> {
    turns: Turns<K>,
    key: K,
    guard: Option<OwnedMutexGuard<()>>,
}

impl<K: Eq + Hash> Default for Turns<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash> Clone for Turns<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Copy + Eq + Hash> Turns<K> {
    /// The turn of this key as soon as all have had theirs who came before; none when that takes
    /// some seconds.
    pub(super) async fn wait(&self, key: K) -> Option<Turn<K>> {
        // It is there before the wait, so that whoever gives up waiting leaves nothing behind.
        let mut turn = Turn { turns: self.clone(), key, guard: None };
        let lock = Arc::clone(&self.0.entry(key).or_default());
        turn.guard = Some(timeout(WITHIN, lock.lock_owned()).await.ok()?);
        Some(turn)
    }
}

impl<K: Copy + Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        drop(self.guard.take());
        // Nobody has it, and nobody waits.
        self.turns.0.remove_if(&self.key, |_, lock| Arc::strong_count(lock) == 1);
    }
}

#[cfg(test)]
mod tests;
