//! The records of a subject, newest first, from one stream or several merged.

use events::store::{Slice, is_last};
use events::{EventStore, Failure, Position, Record, Revision, StreamName};

/// One page of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The newest first.
    pub records: Vec<Record>,
    /// What to ask for to go on; none at the beginning of the history.
    pub next_before: Option<Position>,
}

/// At most `limit` records of these streams that stand before a position, newest first.
///
/// # Errors
/// When the log cannot be read.
pub async fn page(
    store: &dyn EventStore,
    streams: &[StreamName],
    before: Option<Position>,
    limit: usize,
) -> Result<Page, Failure> {
    let mut records = Vec::new();
    let mut known_from = Position::START;
    for stream in streams {
        let before = match before {
            Some(position) => match first_from(store, stream, position).await? {
                Some(revision) => Slice::Before(Some(revision)),
                None => Slice::Before(None),
            },
            None => Slice::Before(None),
        };
        let page = store.read_stream(stream, before, limit.saturating_add(1)).await?;
        if !is_last(&page, limit.saturating_add(1)) {
            // Of this stream there is more behind its oldest: nothing older can be shown yet.
            let oldest = page.last().map_or(Position::START, |oldest| oldest.position);
            known_from = known_from.max(oldest);
        }
        records.extend(page);
    }
    // A record may have come while the streams were looked at one after the other.
    records.retain(|record| before.is_none_or(|before| record.position < before));
    records.retain(|record| record.position >= known_from);
    records.sort_by_key(|record| std::cmp::Reverse(record.position));
    let more = records.len() > limit || known_from > Position::START;
    records.truncate(limit);
    let next_before = records.last().map(|last| last.position).filter(|_| more);
    Ok(Page { records, next_before })
}

/// The revision of the first record at or behind a position; none when all stand before it.
///
/// Positions grow with revisions, so halving finds it in a few reads of one record.
async fn first_from(
    store: &dyn EventStore,
    stream: &StreamName,
    position: Position,
) -> Result<Option<Revision>, Failure> {
    let last = store.read_stream(stream, Slice::Before(None), 1).await?.pop();
    let Some(last) = last.filter(|last| last.position >= position) else { return Ok(None) };
    let (mut low, mut high) = (Revision::FIRST, last.revision);
    while low < high {
        let middle = Revision(low.0 + (high.0 - low.0) / 2);
        match store.read_stream(stream, Slice::From(middle), 1).await?.pop() {
            Some(record) if record.position < position => low = record.revision.next(),
            Some(_) | None => high = middle,
        }
    }
    Ok(Some(low))
}

#[cfg(test)]
mod tests;
