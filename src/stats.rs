//! What uses the space of a log: events and bytes by category, kind and stream, and what of it is
//! older than it has to be kept.

use std::collections::{BTreeMap, HashMap};

use events::store::PAGE_MAX;
use events::{Category, EventStore, Failure, Position, Record, Timestamp};
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
    /// The streams that use most.
    pub streams: Vec<(String, Use)>,
    /// What is older than ledgers and platform events are kept. Some of it stays: what is owed
    /// keeps what stands behind it.
    pub old: Use,
    /// All together.
    pub total: Use,
}

/// As many streams are named.
const STREAMS_SHOWN: usize = 10;

/// Reads the whole log, and tells `progress` after each page how far it has come. Ledgers and
/// platform events are not kept from before `kept_since`, where that is set.
///
/// # Errors
/// When the log cannot be read.
pub async fn of(
    store: &dyn EventStore,
    kept_since: Option<Timestamp>,
    mut progress: impl FnMut(Position),
) -> Result<Stats, Failure> {
    let (mut stats, mut streams) = (Stats::default(), HashMap::new());
    let mut behind = Position::START;
    loop {
        let page = store.read_all(behind, PAGE_MAX).await?;
        let Some(last) = page.last().map(|last| last.position) else { break };
        for record in &page {
            stats.take(record);
            if kept_since.is_some_and(|since| record.at < since) && is_retained(record) {
                stats.old.add(record);
            }
            streams.entry(record.stream.clone()).or_insert_with(Use::default).add(record);
        }
        behind = last;
        progress(behind);
    }
    let mut streams: Vec<_> = streams.into_iter().collect();
    streams.sort_by(|(one, used), (other, more)| (more.bytes, one).cmp(&(used.bytes, other)));
    let largest = streams.into_iter().take(STREAMS_SHOWN);
    stats.streams = largest.map(|(stream, used)| (stream.to_string(), used)).collect();
    Ok(stats)
}

/// Whether retention is about streams such as the record's.
fn is_retained(record: &Record) -> bool {
    [Category::Ledger, Category::Platform].iter().any(|it| it.as_str() == record.stream.category())
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
