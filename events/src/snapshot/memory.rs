//! Snapshots in memory, for tests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{SnapshotFailure, Snapshots};

/// Snapshots that live as long as the process.
#[derive(Debug, Default)]
pub struct Shelf {
    /// By name.
    pub kept: Mutex<BTreeMap<String, Vec<u8>>>,
    /// How often one was saved.
    pub saves: AtomicUsize,
}

impl Snapshots for Shelf {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, SnapshotFailure> {
        Ok(self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    fn save(&self, name: &str, bytes: &[u8]) -> Result<(), SnapshotFailure> {
        self.saves.fetch_add(1, Ordering::Relaxed);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}
