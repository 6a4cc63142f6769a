//! Reads one stream page by page, as far as the moment that is asked about.

use std::collections::VecDeque;

use events::store::{Slice, is_last};
use events::{EventStore, Failure, Position, Record, Revision, StreamName, Timestamp, Until};

/// As many records as are read at once.
const PAGE: usize = 512;

pub(super) struct Cursor<'a> {
    store: &'a dyn EventStore,
    stream: StreamName,
    until: Until,
    next: Revision,
    page: VecDeque<Record>,
    ended: bool,
    /// When the stream begins that was truncated, where that is behind the moment.
    pub(super) removed: Option<Timestamp>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(store: &'a dyn EventStore, stream: StreamName, until: Until) -> Self {
        let page = VecDeque::new();
        Self { store, stream, until, next: Revision::FIRST, page, ended: false, removed: None }
    }

    /// Where the next record stands; none when there is none within the moment.
    pub(super) async fn peek(&mut self) -> Result<Option<Position>, Failure> {
        if self.page.is_empty() && !self.ended {
            self.read().await?;
        }
        Ok(self.page.front().map(|record| record.position))
    }

    /// The record that was looked at.
    pub(super) fn take(&mut self) -> Option<Record> {
        self.page.pop_front()
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let page = self.store.read_stream(&self.stream, Slice::From(self.next), PAGE).await?;
        self.ended = is_last(&page, PAGE);
        // Only the first page of a truncated stream begins further on than was asked.
        let first = page.first().filter(|first| first.revision > self.next);
        let later = first.filter(|first| !self.until.covers(first.position, first.at));
        self.removed = self.removed.or(later.map(|first| first.at));
        if let Some(last) = page.last() {
            self.next = last.revision.next();
        }
        let read = page.len();
        let until = self.until;
        // Neither time nor position ever runs backwards in a stream.
        let within = page.into_iter().take_while(|it| until.covers(it.position, it.at));
        self.page = within.collect();
        self.ended |= self.page.len() < read;
        Ok(())
    }
}
