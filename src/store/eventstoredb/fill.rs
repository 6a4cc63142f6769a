//! Taking what the server sends, record by record and each under a deadline.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use events::store::PAGE_BYTES_MAX;
use eventstore::{Error, ReadStream, RecordedEvent};
use tokio::time::{Instant, timeout_at};

use super::NEXT_WITHIN;
use super::connection::Node;

/// What was taken of an answer.
pub(super) struct Filled<T> {
    pub(super) page: Vec<T>,
    pub(super) bytes: usize,
    pub(super) end: End,
    /// Which node gave it.
    pub(super) by: Node,
}

/// Why there is no more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is enough: so many records, or so many bytes.
    Full,
    /// The answer has ended.
    Ended,
    /// The next one has not come in time.
    Late,
}

impl<T> Filled<T> {
    pub(super) fn new() -> Self {
        Self { page: Vec::new(), bytes: 0, end: End::Full, by: Node::default() }
    }

    /// Takes records until there is enough of them, and may go on where the last was late.
    pub(super) async fn fill(
        &mut self,
        events: &mut ReadStream,
        limit: usize,
        find: &mut impl FnMut(RecordedEvent) -> Option<(T, usize)>,
        first_by: Instant,
    ) -> Result<(), Error> {
        let mut first_by = Some(first_by);
        while self.page.len() < limit && self.bytes < PAGE_BYTES_MAX {
            let next = match at_once(events.next()).await {
                Some(next) => next,
                // A large page over a slow line comes in the end, so each record is given its time.
                None => match timeout_at(first_by.unwrap_or_else(next_by), events.next()).await {
                    Ok(next) => next,
                    Err(_) => {
                        self.end = End::Late;
                        return Ok(());
                    }
                },
            };
            let Some(resolved) = next? else {
                self.end = End::Ended;
                return Ok(());
            };
            if let Some((found, size)) = resolved.event.and_then(&mut *find) {
                self.bytes += size;
                self.page.push(found);
                first_by = None;
            }
        }
        self.end = End::Full;
        Ok(())
    }
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
