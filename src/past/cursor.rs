//! Reads one stream page by page, as far as the moment that is asked about, and checks its chain
//! as actors do.

use std::collections::VecDeque;

use events::store::{Slice, Tail, is_last};
use events::{
    Event, EventStore, Failure, Position, Record, Recorded, Revision, StreamName, Timestamp, Until,
};

use crate::damage::Damage;

/// As many records as are read at once.
const PAGE: usize = 512;

pub(super) struct Cursor<'a> {
    store: &'a dyn EventStore,
    stream: StreamName,
    until: Until,
    /// The last record that was read.
    tail: Tail,
    position: Position,
    page: VecDeque<Recorded<Event>>,
    ended: bool,
    /// Whether the next record is the first that is left.
    stepped_over: bool,
    /// When the stream begins that was truncated, where that is behind the moment.
    pub(super) removed: Option<Timestamp>,
    /// Why it ended before the moment, if it did.
    pub(super) damage: Option<Damage>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(store: &'a dyn EventStore, stream: StreamName, until: Until) -> Self {
        let (tail, position, page) = (Tail::default(), Position::START, VecDeque::new());
        let (ended, stepped_over, removed, damage) = (false, false, None, None);
        Self { store, stream, until, tail, position, page, ended, stepped_over, removed, damage }
    }

    /// Where the next record stands; none when there is none within the moment.
    pub(super) async fn peek(&mut self) -> Result<Option<Position>, Failure> {
        while self.page.is_empty() && !self.ended {
            self.read().await?;
        }
        Ok(self.page.front().map(|record| record.position))
    }

    /// The record that was looked at.
    pub(super) fn take(&mut self) -> Option<Recorded<Event>> {
        self.page.pop_front()
    }

    fn next(&self) -> Revision {
        self.tail.expected().first()
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let Some((page, limit)) = self.readable().await? else { return Ok(()) };
        if let Some(first) = page.first()
            && !self.step_over(first).await?
        {
            return Ok(());
        }
        self.ended = is_last(&page, limit);
        for record in page {
            if self.ended_by(&record) {
                self.ended = true;
                return Ok(());
            }
            match self.told(record) {
                Ok(recorded) => self.page.push_back(recorded),
                Err(damage) => {
                    self.damage = Some(damage);
                    self.ended = true;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The next page, and how many were asked for; where it has a bad place in it, what stands
    /// before that place. None where that is nothing: then the stream ends here.
    async fn readable(&mut self) -> Result<Option<(Vec<Record>, usize)>, Failure> {
        let mut limit = PAGE;
        loop {
            let slice = Slice::From(self.next());
            match self.store.read_stream(&self.stream, slice, limit).await {
                Ok(page) => return Ok(Some((page, limit))),
                Err(Failure::Corrupt { .. }) if limit > 1 => limit /= 2,
                Err(Failure::Corrupt { position, reason }) => {
                    let position = Position(position.unwrap_or(self.position).0 + 1);
                    // When it was is not known, but no earlier than what stands before it.
                    if self.until.covers(position, self.tail.at) {
                        let stream = self.stream.clone();
                        self.damage = Some(Damage { stream, position, reason });
                    }
                    self.ended = true;
                    return Ok(None);
                }
                Err(
                    failure @ (Failure::Conflict { .. }
                    | Failure::Size { .. }
                    | Failure::Unavailable { .. }),
                ) => return Err(failure),
            }
        }
    }

    /// Where what lay between was removed, goes on from what is left. Whether this record is read
    /// now: not where more was removed meanwhile. Then reading goes on where that ends, so that it
    /// comes to an end whatever an engine shows until it knows of it everywhere.
    async fn step_over(&mut self, first: &Record) -> Result<bool, Failure> {
        let mut steps = false;
        if first.revision > self.next()
            // Where nothing was removed, the chain is broken, and following it says so.
            && let Some(bound) = self.store.bound(&self.stream).await?
        {
            steps = bound.first >= first.revision;
            if steps {
                (self.tail, self.stepped_over) = (bound.tail(), true);
            }
        }
        let is_next = first.revision == self.next();
        if is_next && std::mem::take(&mut self.stepped_over) {
            let later = !self.until.covers(first.position, first.at);
            self.removed = self.removed.or(later.then_some(first.at));
        }
        Ok(is_next || !steps)
    }

    /// Whether the moment is before this record. Neither time nor position ever runs backwards in a
    /// stream; but where records are missing before it, they may have been within the moment.
    fn ended_by(&self, record: &Record) -> bool {
        !self.until.covers(record.position, record.at) && record.revision == self.next()
    }

    fn told(&mut self, record: Record) -> Result<Recorded<Event>, Damage> {
        self.tail.follow(&record).map_err(|broken| Damage::at(&record, &broken))?;
        self.position = record.position;
        record.clone().decode().map_err(|undecodable| Damage::at(&record, &undecodable))
    }
}
