//! What this process wrote last, kept in memory: those who follow the log read it from here, and
//! the engine's pages are left to those who ask for the past.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use events::{Position, Record};

/// As many records as are kept.
const RECORDS_MAX: usize = 16_384;

/// As many bytes of payloads and metadata as are kept: less than a page may have, so that no page
/// from here is cut short.
const BYTES_MAX: usize = 8 << 20;

/// The end of the log without a gap, as far as this process wrote it.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    records: VecDeque<Record>,
    bytes: usize,
}

impl Recent {
    /// Takes what was committed, and lets the oldest go.
    pub(super) fn extend(&self, written: impl Iterator<Item = Record>) {
        let mut kept = self.kept();
        for record in written {
            if kept.records.back().is_some_and(|last| next(last) != record.position.0) {
                // Another process wrote in between.
                *kept = Kept::default();
            }
            kept.bytes += size(&record);
            kept.records.push_back(record);
        }
        while kept.records.len() > RECORDS_MAX || kept.bytes > BYTES_MAX {
            let Some(oldest) = kept.records.pop_front() else { break };
            kept.bytes -= size(&oldest);
        }
    }

    /// Forgets everything: some of it may have been removed from the log.
    pub(super) fn clear(&self) {
        *self.kept() = Kept::default();
    }

    /// At most `limit` records behind a position of a log that ends at `head`; none where that is
    /// for the engine to say.
    pub(super) fn behind(
        &self,
        position: Position,
        head: Position,
        limit: usize,
    ) -> Option<Vec<Record>> {
        let kept = self.kept();
        let (first, last) = (kept.records.front()?, kept.records.back()?);
        if last.position < head || position > last.position {
            return None;
        }
        let from = (position.0 + 1).checked_sub(first.position.0)?;
        let from = usize::try_from(from).ok()?;
        Some(kept.records.range(from..).take(limit).cloned().collect())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn next(record: &Record) -> u64 {
    record.position.0 + 1
}

fn size(record: &Record) -> usize {
    record.metadata.len() + record.data.len()
}

#[cfg(test)]
mod tests;
