//! Reading in large pages, each record under a deadline.

use bytes::BytesMut;
use events::store::{PAGE_MAX, Slice};
use events::{Failure, Position, Record, Revision, StreamName};
use eventstore::{
    Client, Error, Position as ServerPosition, ReadAllOptions, ReadStream, ReadStreamOptions,
    RecordedEvent, StreamPosition,
};
use tokio::time::Instant;

use super::append::deleted;
use super::connection::Node;
use super::failure::{Meaning, may_tell_of_a_place, meaning, unavailable, unfounded, unread};
use super::fill::{End, Filled, next_by};
use super::growth::Seen;
use super::wait::{Wait, Waiting, answers};
use super::walk::Answer;
use super::{EventStoreDb, READ_WITHIN, record};

/// Positions and revisions beyond are none of the server's.
pub(super) const LAST: u64 = i64::MAX as u64;

/// Tries of one page: the second with a client that may be a new one.
const TRIES: usize = 2;

/// As many bytes of records as are allocated at a time, from so many records of a page on: a few
/// that are kept for long keep no more than themselves.
const TOGETHER: (usize, usize) = (16 << 10, 32);

/// Why there is no answer yet.
const LOOKING: &str = "EventStoreDB is looking for records of this log among others'";

/// What is read.
pub(super) enum Of<'a> {
    Stream(&'a StreamName, ReadStreamOptions),
    /// All streams, whosesoever.
    All(ReadAllOptions),
    /// All of ours from an end of the log.
    Ours(ReadAllOptions),
    /// All of ours from a position, where an event must stand.
    OursFrom(ReadAllOptions),
}

/// What a read came to.
pub(super) enum Read<T> {
    Done(Filled<T>),
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
        // Most streams are short: each of their records has its own bytes.
        let mut bytes = BytesMut::new();
        let record = |event| Some(sized(record::from_event(event, stream.clone(), &mut bytes)));
        Ok(match self.read(Of::Stream(stream, options), limit, Wait::Briefly, record).await? {
            Read::Done(filled) => filled.page,
            Read::Missing | Read::NoPlace => Vec::new(),
        })
    }

    /// Reads a page on from where an answer has come to, or from a new one that has no end before
    /// the log's; none is given back when it has ended. For one who goes on asking.
    pub(super) async fn read_on(
        &self,
        behind: Position,
        answer: Option<Answer>,
    ) -> Result<(Vec<Record>, Option<Answer>), Error> {
        let deadline = Instant::now() + READ_WITHIN;
        let (session, events) = match answer {
            Some(Answer { session, events }) => (session, Some(events)),
            None => {
                let session = self.connection.session_by(deadline).await;
                (session.map_err(|_| Error::DeadlineExceeded)?, None)
            }
        };
        let moved = |error| {
            if meaning(&error) == Meaning::Elsewhere {
                self.connection.failed(&session, &Meaning::Elsewhere, "another node leads");
            }
            error
        };
        let mut waiting = Waiting::new(&session.client, Wait::ForFirst, deadline);
        let mut events = match events {
            Some(events) => events,
            None => {
                let place = ServerPosition { commit: behind.0, prepare: behind.0 };
                let options = ReadAllOptions::default().forwards().filter(self.names.filter());
                let options = options.max_count(LAST as usize);
                let of = Of::OursFrom(options.position(StreamPosition::Position(place)));
                waiting.opened(self.open(&session.client, &of)).await.map_err(moved)?
            }
        };
        let mut ours = self.ours_behind(behind);
        let page = waiting.page(&mut events, PAGE_MAX, &mut ours).await;
        let Filled { page, end, .. } = page.map_err(moved)?;
        if let Some(last) = page.last() {
            session.answered();
            self.growth.know(last.position);
        }
        Ok((page, (end != End::Ended).then_some(Answer { events, session })))
    }

    pub(super) fn ours_behind(
        &self,
        behind: Position,
    ) -> impl FnMut(RecordedEvent) -> Option<(Record, usize)> + Send {
        let mut names = self.names.reader();
        let (mut bytes, mut taken) = (BytesMut::new(), 0);
        move |event| {
            let name = names.ours(event.stream_id())?;
            if event.position.commit <= behind.0 {
                return None;
            }
            let (together, few) = TOGETHER;
            if taken == few {
                bytes = BytesMut::with_capacity(together);
            }
            taken += 1;
            Some(sized(record::from_event(event, name, &mut bytes)))
        }
    }

    /// The position of the server's last event, whoever wrote it.
    pub(super) async fn server_position(&self) -> Result<Seen, Failure> {
        self.last_of(Of::All(last_on_server()), Wait::Briefly).await
    }

    pub(super) async fn last_of(&self, of: Of<'_>, wait: Wait) -> Result<Seen, Failure> {
        Ok(match self.read(of, 1, wait, position).await? {
            Read::Done(Filled { page, by, .. }) => {
                Seen { position: page.first().copied().unwrap_or(Position::START), by }
            }
            Read::Missing | Read::NoPlace => Seen::default(),
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
    pub(super) async fn read<T: Send>(
        &self,
        of: Of<'_>,
        limit: usize,
        wait: Wait,
        mut find: impl FnMut(RecordedEvent) -> Option<(T, usize)> + Send,
    ) -> Result<Read<T>, Failure> {
        self.connection.begun().await?;
        let wait = self.waits(&of, wait);
        let deadline = Instant::now() + READ_WITHIN;
        let mut reason = String::new();
        let mut doubts = 0;
        for _ in 0..TRIES {
            let session = self.connection.session_by(deadline).await?;
            let node = session.node();
            let mut waiting = Waiting::new(&session.client, wait, of.first_by(deadline));
            let error = match self.once(&mut waiting, &of, limit, &mut find).await {
                Ok(done) => {
                    session.answered();
                    // Where the client has moved meanwhile, nobody knows which node it was.
                    let by = if session.node() == node { node } else { Node::default() };
                    return Ok(Read::Done(Filled { by, ..done }));
                }
                Err(error) => error,
            };
            let meaning = meaning(&error);
            reason = unread(&error);
            if matches!(of, Of::OursFrom(_)) && may_tell_of_a_place(&error) {
                // A server that answers another question has no troubles of its own.
                match answers(&session.client, deadline.min(next_by())).await {
                    Ok(()) if doubts + 1 == TRIES => return Ok(Read::NoPlace),
                    Ok(()) => {
                        doubts += 1;
                        continue;
                    }
                    Err(Error::NotLeaderException(_)) => {
                        self.connection.failed(&session, &Meaning::Elsewhere, &reason);
                    }
                    Err(_) => {}
                }
            }
            // Where it may be looking at what is others', that it is late tells nothing of it.
            let is_late = matches!(error, Error::DeadlineExceeded);
            if is_late && of.is_sought() && wait == Wait::Briefly {
                reason = LOOKING.to_owned();
            } else {
                self.connection.failed(&session, &meaning, &reason);
            }
            match (meaning, &of) {
                (Meaning::Missing, Of::Stream(..)) => return Ok(Read::Missing),
                (Meaning::Invalid, Of::OursFrom(_)) => return Ok(Read::NoPlace),
                (Meaning::Tombstoned, Of::Stream(stream, _)) => return Err(deleted(stream)),
                (Meaning::Refused | Meaning::Invalid, _) => return Err(unavailable(reason)),
                (
                    Meaning::Missing
                    | Meaning::Conflict(_)
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

    /// Only what is sought among others' events is worth more than its deadline.
    fn waits(&self, of: &Of<'_>, wait: Wait) -> Wait {
        match wait {
            Wait::Briefly if self.is_patient && of.is_sought() => Wait::ForAll,
            Wait::ForFirst | Wait::ForAll if !of.is_sought() => Wait::Briefly,
            Wait::Briefly | Wait::ForFirst | Wait::ForAll => wait,
        }
    }

    async fn once<T>(
        &self,
        waiting: &mut Waiting<'_>,
        of: &Of<'_>,
        limit: usize,
        find: &mut (impl FnMut(RecordedEvent) -> Option<(T, usize)> + Send),
    ) -> Result<Filled<T>, Error> {
        let opened = waiting.opened(self.open(waiting.client(), of)).await;
        let mut events = opened.map_err(unfounded)?;
        let page = waiting.page(&mut events, limit, find).await;
        match of {
            // That there is no such stream is an answer that is begun.
            Of::Stream(..) => page,
            Of::All(_) | Of::Ours(_) | Of::OursFrom(_) => page.map_err(unfounded),
        }
    }

    async fn open(&self, client: &Client, of: &Of<'_>) -> Result<ReadStream, Error> {
        match of {
            Of::Stream(stream, options) => {
                client.read_stream(self.names.on_server(stream), options).await
            }
            Of::All(options) | Of::Ours(options) | Of::OursFrom(options) => {
                client.read_all(options).await
            }
        }
    }
}

impl Of<'_> {
    /// Whether the server may have to look at many of others before it finds one of ours.
    fn is_sought(&self) -> bool {
        match self {
            Self::Stream(..) | Self::All(_) => false,
            Self::Ours(_) | Self::OursFrom(_) => true,
        }
    }

    /// When its first record must have come.
    fn first_by(&self, deadline: Instant) -> Instant {
        if self.is_sought() { deadline } else { deadline.min(next_by()) }
    }
}

/// The last event of all, whoever wrote it.
pub(super) fn last_on_server() -> ReadAllOptions {
    ReadAllOptions::default().backwards().position(StreamPosition::End).max_count(1)
}

fn position(event: RecordedEvent) -> Option<(Position, usize)> {
    Some((Position(event.position.commit), 0))
}

fn sized(record: Record) -> (Record, usize) {
    let size = record.metadata.len() + record.data.len();
    (record, size)
}
