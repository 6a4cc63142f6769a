//! The records of a subject, newest first, from one stream or several merged.

use std::collections::VecDeque;

use events::store::{Slice, Tail, is_last};
use events::{EventStore, Failure, Position, Record, Revision, StreamName};

use crate::damage::{self, Damage, Untold};

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
/// When the log cannot be read, or one of these records not be told.
pub async fn page(
    store: &dyn EventStore,
    streams: &[StreamName],
    before: Option<Position>,
    limit: usize,
) -> Result<Page, Untold> {
    let read = read(store, streams, before, limit).await;
    match read {
        Err(Untold::Log(failure)) => damage::named(store, streams, Err(failure)).await,
        page => page,
    }
}

async fn read(
    store: &dyn EventStore,
    streams: &[StreamName],
    before: Option<Position>,
    limit: usize,
) -> Result<Page, Untold> {
    let mut walk = Walk::begin(store, streams, before).await?;
    let mut records = walk.next(limit.saturating_add(1)).await?;
    let more = records.len() > limit;
    records.truncate(limit);
    for stream in streams {
        check(store, records.iter().filter(|record| record.stream == *stream)).await?;
    }
    let next_before = records.last().map(|last| last.position).filter(|_| more);
    Ok(Page { records, next_before })
}

/// Whether each of these records of one stream, newest first, follows from the one before it and
/// means something. What stands before them is not read: a whole history may be long.
async fn check<'a>(
    store: &dyn EventStore,
    newest_first: impl Iterator<Item = &'a Record> + Clone,
) -> Result<(), Untold> {
    let Some(oldest) = newest_first.clone().last() else { return Ok(()) };
    let before = store.read_stream(&oldest.stream, Slice::Before(Some(oldest.revision)), 1).await?;
    let mut tails: Vec<_> = newest_first.clone().skip(1).map(Tail::behind).collect();
    tails.push(match before.first() {
        Some(before) => Tail::behind(before),
        None => match store.bound(&oldest.stream).await? {
            // It was removed a moment ago, and what it followed from with it.
            Some(bound) if bound.first > oldest.revision => return Ok(()),
            Some(bound) => bound.tail(),
            None => Tail::default(),
        },
    });
    for (record, mut before) in newest_first.zip(tails) {
        before.follow(record).map_err(|broken| Damage::at(record, &broken))?;
        record.clone().decode().map_err(|undecodable| Damage::at(record, &undecodable))?;
    }
    Ok(())
}

/// A way back through the records of these streams, newest first. It knows how far it has come in
/// each of them, which only the first page has to find out.
pub struct Walk<'a> {
    store: &'a dyn EventStore,
    /// A record may come behind it while the way is found.
    before: Option<Position>,
    ways: Vec<Way>,
}

/// How far it is in one stream.
struct Way {
    stream: StreamName,
    /// What is read and not told yet.
    found: VecDeque<Record>,
    /// Where reading goes on; none at the beginning of the stream.
    rest: Option<Slice>,
}

impl<'a> Walk<'a> {
    /// From a position back, or from the end.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn begin(
        store: &'a dyn EventStore,
        streams: &[StreamName],
        before: Option<Position>,
    ) -> Result<Self, Failure> {
        let mut ways = Vec::with_capacity(streams.len());
        for stream in streams {
            let from = match before {
                Some(position) => {
                    first_where(store, stream, |record| record.position >= position).await?
                }
                None => None,
            };
            let (found, rest) = (VecDeque::new(), Some(Slice::Before(from)));
            ways.push(Way { stream: stream.clone(), found, rest });
        }
        Ok(Self { store, before, ways })
    }

    /// The next records, at most `limit`: fewer only at the beginning of all streams.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<Record>, Failure> {
        let mut records = Vec::new();
        while records.len() < limit {
            for way in &mut self.ways {
                way.look(self.store, self.before, limit).await?;
            }
            let newest = self.ways.iter_mut().max_by_key(|way| way.newest());
            let Some(record) = newest.and_then(|way| way.found.pop_front()) else { break };
            records.push(record);
        }
        Ok(records)
    }
}

impl Way {
    /// Reads on when everything that was read is told.
    async fn look(
        &mut self,
        store: &dyn EventStore,
        before: Option<Position>,
        limit: usize,
    ) -> Result<(), Failure> {
        while self.found.is_empty()
            && let Some(rest) = self.rest
        {
            let page = store.read_stream(&self.stream, rest, limit).await?;
            let oldest = page.last().filter(|_| !is_last(&page, limit));
            self.rest = oldest.map(|oldest| Slice::Before(Some(oldest.revision)));
            let wanted = |record: &Record| before.is_none_or(|before| record.position < before);
            self.found = page.into_iter().filter(wanted).collect();
        }
        Ok(())
    }

    fn newest(&self) -> Option<Position> {
        self.found.front().map(|record| record.position)
    }
}

/// The revision of the first record that is so; none when none is. All behind one that is so are.
///
/// Halving finds it in a few reads of one record.
///
/// # Errors
/// When the log cannot be read.
pub async fn first_where(
    store: &dyn EventStore,
    stream: &StreamName,
    is_so: impl Fn(&Record) -> bool,
) -> Result<Option<Revision>, Failure> {
    let last = store.read_stream(stream, Slice::Before(None), 1).await?.pop();
    let Some(last) = last.filter(|last| is_so(last)) else { return Ok(None) };
    let (mut low, mut high) = (Revision::FIRST, last.revision);
    while low < high {
        let middle = Revision(low.0 + (high.0 - low.0) / 2);
        match store.read_stream(stream, Slice::From(middle), 1).await?.pop() {
            Some(record) if !is_so(&record) => low = record.revision.next(),
            Some(_) | None => high = middle,
        }
    }
    Ok(Some(low))
}

#[cfg(test)]
mod tests;
