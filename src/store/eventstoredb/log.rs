//! The log as a whole: its pages, its records and its end.

use events::store::{PAGE_MAX, is_last};
use events::{Failure, Position, Record};
use eventstore::{Position as ServerPosition, ReadAllOptions, StreamPosition};

use super::EventStoreDb;
use super::failure::unavailable;
use super::fill::{End, Filled};
use super::read::{LAST, Of, Read, last_on_server};
use super::wait::Wait;

/// New records that are looked through for the last one.
const FEW: usize = 32;

impl EventStoreDb {
    /// A page of the log; it is short at the end alone, or for its bytes.
    pub(super) async fn log_page(
        &self,
        behind: Position,
        limit: usize,
    ) -> Result<Vec<Record>, Failure> {
        self.page_behind(behind, limit, Wait::Briefly).await
    }

    /// The same for one who goes on asking until there is none: it may be short anywhere, and
    /// waits for as long as the server is at work.
    pub(super) async fn next_log_page(&self, behind: Position) -> Result<Vec<Record>, Failure> {
        self.page_behind(behind, PAGE_MAX, Wait::ForFirst).await
    }

    async fn page_behind(
        &self,
        behind: Position,
        limit: usize,
        wait: Wait,
    ) -> Result<Vec<Record>, Failure> {
        let limit = limit.min(PAGE_MAX);
        if limit == 0 || behind.0 >= LAST {
            return Ok(Vec::new());
        }
        let seen = self.growth.seen();
        let Some(from) = self.place_behind(behind).await? else { return Ok(Vec::new()) };
        if let Some(Filled { page, end, by, .. }) =
            self.page_from(from, behind, limit, wait).await?
        {
            // One that is short for another reason is not at the end.
            if end == End::Ended {
                let last = page.last().map_or(behind, |last| last.position);
                self.growth.quiet(last, seen, by);
            }
            return Ok(page);
        }
        if behind == Position::START {
            return Err(is_gone(from));
        }
        // No record stands there. Who computes a position wants what stands right behind it.
        let right_behind = Position(behind.0 + 1);
        if let Some(filled) = self.page_from(right_behind, behind, limit, wait).await? {
            return Ok(filled.page);
        }
        // Somebody typed it.
        let before = self.record_before(behind, wait).await?;
        self.page_behind_record(before, limit, wait).await
    }

    /// The last record up to a position where none is found, which only a walk from the beginning
    /// tells: a server in trouble may say so of one where a record stands.
    async fn record_before(&self, position: Position, wait: Wait) -> Result<Position, Failure> {
        let mut known = Position::START;
        loop {
            let page = self.page_behind_record(known, PAGE_MAX, wait).await?;
            let before = page.iter().rfind(|record| record.position <= position);
            known = before.map_or(known, |record| record.position);
            // Either the page goes as far, or there is no more of the log.
            if page.last().is_none_or(|last| last.position >= position) {
                return Ok(known);
            }
        }
    }

    /// A page behind a record that the server has shown, or from the beginning.
    async fn page_behind_record(
        &self,
        behind: Position,
        limit: usize,
        wait: Wait,
    ) -> Result<Vec<Record>, Failure> {
        let Some(from) = self.place_behind(behind).await? else { return Ok(Vec::new()) };
        let filled = self.page_from(from, behind, limit, wait).await?;
        filled.map(|filled| filled.page).ok_or_else(|| is_gone(from))
    }

    /// Where reading behind a position may begin; none while there is no log.
    async fn place_behind(&self, behind: Position) -> Result<Option<Position>, Failure> {
        let place = match behind {
            Position::START => self.beginning().await?,
            behind => Some(behind),
        };
        Ok(place.map(|place| self.growth.from(place)))
    }

    /// Reading begins with the record at a position, so there is no need for the place before it,
    /// nor to look for the next of ours where it is another's.
    pub(super) async fn record_of_log(
        &self,
        position: Position,
    ) -> Result<Option<Record>, Failure> {
        let Some(behind) = position.0.checked_sub(1).filter(|_| position.0 < LAST) else {
            return Ok(None);
        };
        let place = ServerPosition { commit: position.0, prepare: position.0 };
        let options = ReadAllOptions::default().forwards().max_count(1);
        let of = Of::OursFrom(options.position(StreamPosition::Position(place)));
        let find = self.ours_behind(Position(behind));
        let record = match self.read(of, 1, Wait::Briefly, find).await? {
            Read::Done(filled) => filled.page.into_iter().next(),
            Read::Missing | Read::NoPlace => None,
        };
        Ok(record.filter(|record| record.position == position))
    }

    /// Reading begins with the record at a position; none when there is no such place.
    async fn page_from(
        &self,
        from: Position,
        behind: Position,
        limit: usize,
        wait: Wait,
    ) -> Result<Option<Filled<Record>>, Failure> {
        // One more than asked, for the record at the position itself.
        let options = ReadAllOptions::default().forwards().max_count(limit + 1);
        let options = options.filter(self.names.filter());
        let of = match from {
            Position::START => Of::Ours(options.position(StreamPosition::Start)),
            Position(at) => {
                let place = ServerPosition { commit: at, prepare: at };
                Of::OursFrom(options.position(StreamPosition::Position(place)))
            }
        };
        Ok(match self.read(of, limit, wait, self.ours_behind(behind)).await? {
            Read::Done(filled) => {
                if let Some(last) = filled.page.last() {
                    self.growth.know(last.position);
                }
                Some(filled)
            }
            Read::Missing | Read::NoPlace => None,
        })
    }

    /// Whether a record is found from the beginning of the server's log; its caller waits for it
    /// as long as it likes.
    pub(super) async fn is_there_any(&self) -> Result<bool, Failure> {
        let filled = self.page_from(Position::START, Position::START, 1, Wait::Briefly).await?;
        Ok(filled.is_some_and(|filled| !filled.page.is_empty()))
    }

    /// The position of our last record.
    pub(super) async fn last_position(&self) -> Result<Position, Failure> {
        let known = self.growth.known();
        // Something of the log is known, or that much of the server's is none of it.
        let is_known = self.growth.from(known) > Position::START;
        if is_known {
            let page = self.log_page(known, FEW).await?;
            if is_last(&page, FEW) {
                return Ok(page.last().map_or(known, |last| last.position));
            }
        } else if self.beginning().await?.is_none() {
            return Ok(Position::START);
        }
        // What is much is new, and then near the end. Where nothing is known nothing is served yet.
        let wait = if is_known { Wait::Briefly } else { Wait::ForAll };
        let seen = self.server_position().await?;
        let last = Of::Ours(last_on_server().filter(self.names.filter()));
        let last = self.last_of(last, wait).await?;
        self.growth.know(last.position);
        self.growth.quiet(last.position, seen, last.by);
        Ok(last.position)
    }
}

/// Of a server that was begun anew, or one that is damaged.
fn is_gone(place: Position) -> Failure {
    let Position(place) = place;
    unavailable(format!(
        "EventStoreDB does not have position {place} any more, where this log was read from"
    ))
}
