//! The log as a whole: its pages, its records and its end.

use events::store::{PAGE_MAX, is_last};
use events::{Failure, Position, Record};
use eventstore::{Position as ServerPosition, ReadAllOptions, StreamPosition};

use super::EventStoreDb;
use super::failure::unavailable;
use super::fill::{End, Filled, Room};
use super::read::{LAST, LOOKING, Of, Read, last_on_server};
use super::search::Whence;

/// New records that are looked through for the last one.
const FEW: usize = 32;

/// A part of a page, up to where it is interrupted by much that is others'.
struct Part {
    records: Vec<Record>,
    bytes: usize,
    goes_on: bool,
}

impl EventStoreDb {
    /// A page of the log. It waits for a server that has much of others to look at only where
    /// nobody else does.
    pub(super) async fn log_page(
        &self,
        behind: Position,
        limit: usize,
    ) -> Result<Vec<Record>, Failure> {
        self.page_of_parts(behind, limit, false).await
    }

    /// The same for one who goes on asking until there is none: it may be short anywhere, and
    /// waits for as long as the server is at work.
    pub(super) async fn next_log_page(&self, behind: Position) -> Result<Vec<Record>, Failure> {
        self.page_of_parts(behind, PAGE_MAX, true).await
    }

    async fn page_of_parts(
        &self,
        behind: Position,
        limit: usize,
        goes_on_asking: bool,
    ) -> Result<Vec<Record>, Failure> {
        let mut room = Room::of(limit.min(PAGE_MAX));
        let mut page: Vec<Record> = Vec::new();
        if behind.0 >= LAST {
            return Ok(page);
        }
        while room.records > 0 && room.bytes > 0 {
            let last = page.last().map_or(behind, |last| last.position);
            match self.part_of_log(last, room).await {
                Ok(Some(part)) => {
                    room.records -= part.records.len();
                    room.bytes = room.bytes.saturating_sub(part.bytes);
                    page.extend(part.records);
                    if !part.goes_on {
                        break;
                    }
                }
                // Somebody typed it.
                Ok(None) => {
                    let known = self.record_before(behind).await?;
                    return Box::pin(self.page_of_parts(known, limit, goes_on_asking)).await;
                }
                Err(_) if goes_on_asking && !page.is_empty() => break,
                Err(failure) => {
                    let is_patient = goes_on_asking || self.is_patient;
                    if !(is_patient && self.is_found_behind(last).await) {
                        return Err(failure);
                    }
                }
            }
        }
        Ok(page)
    }

    /// Whether a search found out what is behind a position; waits for it.
    async fn is_found_behind(&self, behind: Position) -> bool {
        match self.place_behind(behind).await {
            Ok(Some(from)) => self.searches.found(Whence::From(from)).await,
            Ok(None) | Err(_) => false,
        }
    }

    /// Where reading behind a position may begin; none while there is no log.
    async fn place_behind(&self, behind: Position) -> Result<Option<Position>, Failure> {
        let place = match behind {
            Position::START => self.beginning().await?,
            behind => Some(behind),
        };
        Ok(place.map(|place| self.growth.from(place)))
    }

    /// None when no record stands there.
    async fn part_of_log(&self, behind: Position, room: Room) -> Result<Option<Part>, Failure> {
        let seen = self.growth.seen();
        let Some(from) = self.place_behind(behind).await? else {
            return Ok(Some(Part { records: Vec::new(), bytes: 0, goes_on: false }));
        };
        self.searches.check(Whence::From(from))?;
        if let Some(part) = self.log_part_from(from, behind, room).await? {
            // One that is short because it is large is not at the end.
            if !part.goes_on && is_last(&part.records, room.records) && part.bytes < room.bytes {
                let last = part.records.last().map_or(behind, |last| last.position);
                self.growth.quiet(last, seen);
            }
            return Ok(Some(part));
        }
        // Who computes a position wants what stands right behind it.
        self.log_part_from(Position(behind.0 + 1), behind, room).await
    }

    /// The last record up to a position where none stands, which only a walk tells.
    async fn record_before(&self, position: Position) -> Result<Position, Failure> {
        let mut known = Position::START;
        while let Some(part) = self.part_of_log(known, Room::of(PAGE_MAX)).await? {
            let places = part.records.iter().map(|record| record.position);
            let before = places.take_while(|place| *place <= position);
            let passed = before.clone().count() < part.records.len();
            known = before.last().unwrap_or(known);
            if passed || part.records.is_empty() {
                break;
            }
        }
        Ok(known)
    }

    /// Reading begins with the record at a position, so there is no need for the place before it.
    pub(super) async fn record_of_log(
        &self,
        position: Position,
    ) -> Result<Option<Record>, Failure> {
        let Some(behind) = position.0.checked_sub(1).filter(|_| position.0 < LAST) else {
            return Ok(None);
        };
        let part = self.log_part_from(position, Position(behind), Room::of(1)).await?;
        let record = part.and_then(|part| part.records.into_iter().next());
        Ok(record.filter(|record| record.position == position))
    }

    /// Reading begins with the record at a position; none when there is no such place.
    async fn log_part_from(
        &self,
        from: Position,
        behind: Position,
        room: Room,
    ) -> Result<Option<Part>, Failure> {
        // One more than asked, for the record at the position itself.
        let options = ReadAllOptions::default().forwards().max_count(room.records + 1);
        let options = options.filter(self.names.filter());
        let of = match from {
            Position::START => Of::Ours(options.position(StreamPosition::Start)),
            Position(at) => {
                let place = ServerPosition { commit: at, prepare: at };
                Of::OursFrom(options.position(StreamPosition::Position(place)))
            }
        };
        let room = Room { until: self.growth.gap_behind(from), ..room };
        let (filled, late) = match self.read(of, room, self.ours_behind(behind)).await? {
            Read::Done(filled) => (filled, None),
            Read::Late(filled, session) => (filled, Some(session)),
            Read::Missing => return Ok(Some(Part { records: vec![], bytes: 0, goes_on: false })),
            Read::NoPlace => return Ok(None),
        };
        let Filled { page: records, bytes, last, end } = filled;
        if let Some(last) = records.last() {
            self.growth.know(last.position);
        }
        if let Some(session) = late {
            self.search(Whence::From(last.unwrap_or(from)), session);
            if records.is_empty() {
                return Err(unavailable(LOOKING));
            }
        }
        Ok(Some(Part { records, bytes, goes_on: matches!(end, End::Others | End::Late) }))
    }

    /// Whether a record is found from the beginning of the server's log; its caller waits for it
    /// as long as it likes.
    pub(super) async fn is_there_any(&self) -> Result<bool, Failure> {
        let part = self.log_part_from(Position::START, Position::START, Room::of(1)).await?;
        Ok(part.is_some_and(|part| !part.records.is_empty()))
    }

    /// The position of our last record.
    pub(super) async fn last_position(&self) -> Result<Position, Failure> {
        loop {
            let known = self.growth.known();
            if known > Position::START || self.growth.from(known) > known {
                let page = self.log_page(known, FEW).await?;
                if is_last(&page, FEW) {
                    return Ok(page.last().map_or(known, |last| last.position));
                }
            } else if self.beginning().await?.is_none() {
                return Ok(Position::START);
            }
            // Where nothing is known, or much is new, which is then near the end.
            match self.last_of(Of::Ours(last_on_server().filter(self.names.filter()))).await {
                Ok(last) => {
                    self.growth.know(last);
                    return Ok(last);
                }
                // Nothing is served before this is known, and the next question has it easier.
                Err(_) if known == Position::START && self.searches.found(Whence::End).await => {}
                Err(failure) => return Err(failure),
            }
        }
    }
}
