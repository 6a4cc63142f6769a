//! What uses the space of a log: events and bytes by category.

use std::collections::BTreeMap;

use events::store::PAGE_MAX;
use events::{EventStore, Failure, Position, Record};
use serde::Serialize;

/// Events of one kind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Use {
    /// How many.
    pub events: u64,
    /// Of payload and metadata; an engine adds its own.
    pub bytes: u64,
}

impl Use {
    fn add(&mut self, record: &Record) {
        self.events += 1;
        self.bytes += (record.data.len() + record.metadata.len()) as u64;
    }
}

/// Everything that is in a log.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// By what the name of a stream begins with: `ledger`.
    pub categories: BTreeMap<String, Use>,
    /// By wire name: `delivery.queued`.
    pub kinds: BTreeMap<String, Use>,
    /// All together.
    pub total: Use,
}

/// Reads the whole log, and tells `progress` after each page how far it has come.
///
/// # Errors
/// When the log cannot be read.
pub async fn of(
    store: &dyn EventStore,
    mut progress: impl FnMut(Position),
) -> Result<Stats, Failure> {
    let mut stats = Stats::default();
    let mut behind = Position::START;
    loop {
        let page = store.read_all(behind, PAGE_MAX).await?;
        let Some(last) = page.last().map(|last| last.position) else { return Ok(stats) };
        page.iter().for_each(|record| stats.take(record));
        behind = last;
        progress(behind);
    }
}

impl Stats {
    fn take(&mut self, record: &Record) {
        self.total.add(record);
        for (all, name) in
            [(&mut self.categories, record.stream.category()), (&mut self.kinds, &*record.kind)]
        {
            // Names are few and records many: only the first of a name is copied.
            match all.get_mut(name) {
                Some(known) => known.add(record),
                None => all.entry(name.to_owned()).or_default().add(record),
            }
        }
    }
}

#[cfg(test)]
mod tests;
