//! Taking what the server sends, record by record and each under a deadline.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use events::Position;
use events::store::PAGE_BYTES_MAX;
use eventstore::{Error, ReadStream, RecordedEvent};
use tokio::time::{Instant, timeout_at};

use super::NEXT_WITHIN;

/// How much is wanted: not so many records, and not so many bytes.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) records: usize,
    pub(super) bytes: usize,
    /// Behind this record much is known to be others'.
    pub(super) until: Option<Position>,
}

impl Room {
    pub(super) fn of(records: usize) -> Self {
        Self { records, bytes: PAGE_BYTES_MAX, until: None }
    }
}

/// What was taken of an answer.
pub(super) struct Filled<T> {
    pub(super) page: Vec<T>,
    pub(super) bytes: usize,
    /// Where the last event of it stands.
    pub(super) last: Option<Position>,
    pub(super) end: End,
}

/// Why there is no more of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is enough.
    Full,
    /// Much that is others' comes next.
    Others,
    /// The answer has ended.
    Ended,
    /// The next one has not come in time.
    Late,
}

/// Takes records until there is enough of them.
pub(super) async fn fill<T>(
    events: &mut ReadStream,
    room: Room,
    find: &mut impl FnMut(RecordedEvent) -> Option<(T, usize)>,
    first_by: Instant,
) -> Result<Filled<T>, Error> {
    let mut filled = Filled { page: Vec::new(), bytes: 0, last: None, end: End::Full };
    let mut first_by = Some(first_by);
    while filled.page.len() < room.records && filled.bytes < room.bytes {
        let next = match at_once(events.next()).await {
            Some(next) => next,
            // A large page over a slow line comes in the end, so each record is given its time.
            None => {
                let by = first_by.take().unwrap_or_else(next_by);
                match timeout_at(by, events.next()).await {
                    Ok(next) => next,
                    Err(_) => return Ok(Filled { end: End::Late, ..filled }),
                }
            }
        };
        first_by = None;
        let Some(resolved) = next? else { return Ok(Filled { end: End::Ended, ..filled }) };
        let Some(event) = resolved.event else { continue };
        let place = Position(event.position.commit);
        filled.last = Some(place);
        if let Some((found, size)) = find(event) {
            filled.bytes += size;
            filled.page.push(found);
        }
        if room.until.is_some_and(|until| until <= place) {
            return Ok(Filled { end: End::Others, ..filled });
        }
    }
    Ok(filled)
}

/// When the next record must have come.
pub(super) fn next_by() -> Instant {
    Instant::now() + NEXT_WITHIN
}

/// What is there already, as most records of a page are: those need no deadline, which costs as
/// much as taking them.
async fn at_once<T>(step: impl Future<Output = T>) -> Option<T> {
    let mut step = pin!(step);
    poll_fn(|context| match step.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
