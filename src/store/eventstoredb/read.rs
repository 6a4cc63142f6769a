//! Reading in large pages, each record under a deadline.

use std::future::Future;

use events::store::{PAGE_BYTES_MAX, PAGE_MAX, Slice, is_last};
use events::{Failure, Position, Record, Revision, StreamName};
use eventstore::{
    Client, Error, Position as ServerPosition, ReadAllOptions, ReadStream, ReadStreamOptions,
    RecordedEvent, StreamPosition,
};
use tokio::time::{Instant, timeout_at};

use super::append::deleted;
use super::failure::{Meaning, may_tell_of_a_place, meaning, unavailable};
use super::walk::Answer;
use super::{EventStoreDb, NEXT_WITHIN, READ_WITHIN, record};

/// Positions and revisions beyond are none of the server's.
const LAST: u64 = i64::MAX as u64;

/// Tries of one page: the second with a client that may be a new one.
const TRIES: usize = 2;

/// New records that are looked through for the last one.
const FEW: usize = 32;

/// What is read.
enum Of<'a> {
    Stream(&'a StreamName, ReadStreamOptions),
    /// All streams, whosesoever.
    All(ReadAllOptions),
    /// All of ours from an end of the log.
    Ours(ReadAllOptions),
    /// All of ours from a position, where an event must stand.
    OursFrom(ReadAllOptions),
}

/// What a read came to.
enum Read<T> {
    Done(Vec<T>),
    /// There is no such stream.
    Missing,
    /// The server has no record at that position.
    NoPlace,
}

impl EventStoreDb {
    pub(super) async fn stream_page(
        &self,
        stream: &StreamName,
        slice: Slice,
        limit: usize,
    ) -> Result<Vec<Record>, Failure> {
        let limit = limit.min(PAGE_MAX);
        let options = ReadStreamOptions::default().max_count(limit);
        let options = match slice {
            Slice::From(Revision(from)) if from > LAST => return Ok(Vec::new()),
            Slice::From(from) => options.forwards().position(StreamPosition::Position(from.0)),
            Slice::Before(Some(Revision::FIRST)) => return Ok(Vec::new()),
            Slice::Before(Some(Revision(before))) if before <= LAST => {
                options.backwards().position(StreamPosition::Position(before - 1))
            }
            Slice::Before(_) => options.backwards().position(StreamPosition::End),
        };
        if limit == 0 {
            return Ok(Vec::new());
        }
        let record = |event| Some(sized(record::from_event(event, stream.clone())));
        Ok(match self.read(Of::Stream(stream, options), limit, record).await? {
            Read::Done(page) => page,
            Read::Missing | Read::NoPlace => Vec::new(),
        })
    }

    pub(super) async fn log_page(
        &self,
        behind: Position,
        limit: usize,
    ) -> Result<Vec<Record>, Failure> {
        let limit = limit.min(PAGE_MAX);
        if limit == 0 || behind.0 >= LAST {
            return Ok(Vec::new());
        }
        let seen = self.growth.seen();
        let from = self.growth.from(behind);
        if let Some(page) = self.log_page_from(from, behind, limit).await? {
            // One that is short because it is large is not at the end.
            if is_last(&page, limit) {
                let last = page.last().map_or(behind, |last| last.position);
                self.growth.quiet(last, seen);
            }
            return Ok(page);
        }
        // No record stands there. Who computes a position wants what stands right behind it.
        let right_behind = Position(behind.0 + 1);
        if let Some(page) = self.log_page_from(right_behind, behind, limit).await? {
            return Ok(page);
        }
        // Somebody typed it: only a walk tells where the page begins.
        let mut start = Position::START;
        loop {
            let page = self.log_page_from(start, start, PAGE_MAX).await?.unwrap_or_default();
            let Some(last) = page.last() else { return Ok(Vec::new()) };
            start = last.position;
            if start > behind {
                let page = page.into_iter().filter(|record| record.position > behind);
                return Ok(page.take(limit).collect());
            }
        }
    }

    /// Reading begins with the record at a position, so there is no need for the place before it.
    pub(super) async fn record_of_log(
        &self,
        position: Position,
    ) -> Result<Option<Record>, Failure> {
        let Some(behind) = position.0.checked_sub(1).filter(|_| position.0 < LAST) else {
            return Ok(None);
        };
        let page = self.log_page_from(position, Position(behind), 1).await?.unwrap_or_default();
        Ok(page.into_iter().next().filter(|record| record.position == position))
    }

    /// Reading begins with the record at a position; none when there is no such place.
    async fn log_page_from(
        &self,
        from: Position,
        behind: Position,
        limit: usize,
    ) -> Result<Option<Vec<Record>>, Failure> {
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
        Ok(match self.read(of, limit, |event| self.ours_behind(behind, event)).await? {
            Read::Done(page) => {
                if let Some(last) = page.last() {
                    self.growth.know(last.position);
                }
                Some(page)
            }
            Read::Missing => Some(Vec::new()),
            Read::NoPlace => None,
        })
    }

    /// Reads a page on from where an answer has come to, or from a new one that has no end before
    /// the log's; none is given back when it has ended.
    pub(super) async fn read_on(
        &self,
        behind: Position,
        answer: Option<Answer>,
    ) -> Result<(Vec<Record>, Option<Answer>), Error> {
        let deadline = Instant::now() + READ_WITHIN;
        let mut answer = match answer {
            Some(answer) => answer,
            None => {
                let session = self.connection.session_by(deadline).await;
                let session = session.map_err(|_| Error::DeadlineExceeded)?;
                let place = ServerPosition { commit: behind.0, prepare: behind.0 };
                let options = ReadAllOptions::default().forwards().filter(self.names.filter());
                let options = options.max_count(LAST as usize);
                let of = Of::OursFrom(options.position(StreamPosition::Position(place)));
                let events = self.open(&session.client, &of, deadline).await?;
                Answer { events, session }
            }
        };
        let ours = |event| self.ours_behind(behind, event);
        let (page, ended) = fill(&mut answer.events, PAGE_MAX, &ours, deadline).await?;
        answer.session.answered();
        if let Some(last) = page.last() {
            self.growth.know(last.position);
        }
        Ok((page, (!ended).then_some(answer)))
    }

    fn ours_behind(&self, behind: Position, event: RecordedEvent) -> Option<(Record, usize)> {
        let name = self.names.ours(event.stream_id())?;
        (event.position.commit > behind.0).then(|| sized(record::from_event(event, name)))
    }

    /// The position of our last record.
    pub(super) async fn last_position(&self) -> Result<Position, Failure> {
        let known = self.growth.known();
        if known > Position::START {
            let page = self.log_page(known, FEW).await?;
            if is_last(&page, FEW) {
                return Ok(page.last().map_or(known, |last| last.position));
            }
        }
        // Where nothing is known, or much is new, which is then near the end.
        let last = self.last_of(Of::Ours(last_on_server().filter(self.names.filter()))).await?;
        self.growth.know(last);
        Ok(last)
    }

    /// The position of the server's last event, whoever wrote it.
    pub(super) async fn server_position(&self) -> Result<Position, Failure> {
        self.last_of(Of::All(last_on_server())).await
    }

    async fn last_of(&self, of: Of<'_>) -> Result<Position, Failure> {
        Ok(match self.read(of, 1, position).await? {
            Read::Done(found) => found.first().copied().unwrap_or(Position::START),
            Read::Missing | Read::NoPlace => Position::START,
        })
    }

    /// Where a record stands that is known to be written. Of one that is hidden by now nobody can
    /// tell, so its repetition is a conflict.
    pub(super) async fn position_of(
        &self,
        stream: &StreamName,
        revision: Revision,
    ) -> Result<Position, Failure> {
        let first = self.stream_page(stream, Slice::From(revision), 1).await?.pop();
        match first {
            Some(record) if record.revision == revision => Ok(record.position),
            Some(_) => {
                let last = self.stream_page(stream, Slice::Before(None), 1).await?.pop();
                let current = last.map(|record| record.revision);
                Err(Failure::Conflict { stream: stream.clone(), current })
            }
            None => Err(unavailable(format!("{stream} does not show what was appended to it"))),
        }
    }

    /// Reads until the server ends or there is enough of it: so many, or so many bytes.
    async fn read<T: Send>(
        &self,
        of: Of<'_>,
        limit: usize,
        find: impl Fn(RecordedEvent) -> Option<(T, usize)> + Send + Sync,
    ) -> Result<Read<T>, Failure> {
        self.connection.begun().await?;
        let deadline = Instant::now() + READ_WITHIN;
        let mut reason = String::new();
        let mut doubts = 0;
        for _ in 0..TRIES {
            let session = self.connection.session_by(deadline).await?;
            let error = match self.once(&session.client, &of, limit, &find, deadline).await {
                Ok(done) => {
                    session.answered();
                    return Ok(Read::Done(done));
                }
                Err(error) => error,
            };
            let meaning = meaning(&error);
            reason = format!("EventStoreDB cannot be read: {error}");
            if matches!(of, Of::OursFrom(_)) && may_tell_of_a_place(&error) {
                // A server that answers another question has no troubles of its own.
                let other = Of::All(last_on_server());
                if self.once(&session.client, &other, 1, &position, deadline).await.is_ok() {
                    doubts += 1;
                    if doubts == TRIES {
                        return Ok(Read::NoPlace);
                    }
                    continue;
                }
            }
            self.connection.failed(&session, &meaning, &reason);
            match (meaning, &of) {
                (Meaning::Missing, _) => return Ok(Read::Missing),
                (Meaning::Invalid, _) => return Ok(Read::NoPlace),
                (Meaning::Tombstoned, Of::Stream(stream, _)) => return Err(deleted(stream)),
                (Meaning::Refused, _) => return Err(unavailable(reason)),
                (
                    Meaning::Conflict(_)
                    | Meaning::ConflictUntold
                    | Meaning::Tombstoned
                    | Meaning::Elsewhere
                    | Meaning::Dead
                    | Meaning::Unknown,
                    _,
                ) => {}
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        Err(unavailable(reason))
    }

    async fn once<T>(
        &self,
        client: &Client,
        of: &Of<'_>,
        limit: usize,
        find: &(impl Fn(RecordedEvent) -> Option<(T, usize)> + Send + Sync),
        deadline: Instant,
    ) -> Result<Vec<T>, Error> {
        let mut events = self.open(client, of, deadline).await?;
        fill(&mut events, limit, find, of.first_by(deadline)).await.map(|(page, _)| page)
    }

    async fn open(
        &self,
        client: &Client,
        of: &Of<'_>,
        deadline: Instant,
    ) -> Result<ReadStream, Error> {
        let by = of.first_by(deadline);
        match of {
            Of::Stream(stream, options) => {
                next(by, client.read_stream(self.names.on_server(stream), options)).await
            }
            Of::All(options) | Of::Ours(options) | Of::OursFrom(options) => {
                next(by, client.read_all(options)).await
            }
        }
    }
}

impl Of<'_> {
    /// When its first record must have come.
    fn first_by(&self, deadline: Instant) -> Instant {
        match self {
            Self::Stream(..) | Self::All(_) => deadline.min(Instant::now() + NEXT_WITHIN),
            // The server may have to look at many of others before it finds one of ours.
            Self::Ours(_) | Self::OursFrom(_) => deadline,
        }
    }
}

/// Takes records until there is enough of them: so many, or so many bytes. Tells whether the answer
/// ended before.
async fn fill<T>(
    events: &mut ReadStream,
    limit: usize,
    find: &impl Fn(RecordedEvent) -> Option<(T, usize)>,
    first_by: Instant,
) -> Result<(Vec<T>, bool), Error> {
    let (mut page, mut bytes) = (Vec::new(), 0);
    let mut by = first_by;
    while page.len() < limit && bytes < PAGE_BYTES_MAX {
        let Some(resolved) = next(by, events.next()).await? else { return Ok((page, true)) };
        // A large page over a slow line comes in the end, so each record is given its time.
        by = Instant::now() + NEXT_WITHIN;
        if let Some((found, size)) = resolved.event.and_then(find) {
            bytes += size;
            page.push(found);
        }
    }
    Ok((page, false))
}

/// The last event of all, whoever wrote it.
fn last_on_server() -> ReadAllOptions {
    ReadAllOptions::default().backwards().position(StreamPosition::End).max_count(1)
}

fn position(event: RecordedEvent) -> Option<(Position, usize)> {
    Some((Position(event.position.commit), 0))
}

fn sized(record: Record) -> (Record, usize) {
    let size = record.metadata.len() + record.data.len();
    (record, size)
}

/// The client itself has no deadline for reads: a stalled server would hang them.
async fn next<T>(by: Instant, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout_at(by, step).await.unwrap_or(Err(Error::DeadlineExceeded))
}
