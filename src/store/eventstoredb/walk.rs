//! Going through the log: whoever asks for one page behind the other gets them from one answer of
//! the server, which sends the next of them while this one is folded.
//!
//! The client does not set TCP_NODELAY, so that each page asked for by itself would come some
//! 40 ms later: with 4,096 records a page that is half of the time of a rebuild.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use events::store::{PAGE_MAX, is_last};
use events::{Failure, Position, Record};
use eventstore::ReadStream;
use tokio::time::Instant;

use super::EventStoreDb;
use super::connection::Session;

/// As long as an answer may lie there half read. What the server has sent ahead of it, 2 MiB at
/// most, counts against what all calls of its connection may have under way.
const UNREAD_MAX: Duration = Duration::from_secs(5);

/// The walk that was begun last; those of others go on page by page.
#[derive(Default)]
pub(super) struct Walk(Mutex<Option<Step>>);

/// Where a walk has come to.
struct Step {
    /// The last record of the last page: who asks for what is behind it reads on.
    behind: Position,
    at: Instant,
    /// None behind the first page: most readers want no second one.
    answer: Option<Answer>,
}

/// What the server is still sending, and over which connection.
pub(super) struct Answer {
    pub(super) events: ReadStream,
    pub(super) session: Arc<Session>,
}

impl EventStoreDb {
    /// The next page for one who goes on asking until there is none, and whether that is all there
    /// was.
    pub(super) async fn walk_page(&self, behind: Position) -> Result<(Vec<Record>, bool), Failure> {
        if let Some(step) = self.walk.take(behind) {
            let answer = step.answer.filter(|it| self.connection.is_current(&it.session));
            // Where that fails, asking again finds out what the matter is. An answer may also have
            // ended a while ago, and the log has grown since.
            if let Ok((page, answer)) = self.read_on(behind, answer).await
                && !page.is_empty()
            {
                let ended = answer.is_none();
                self.walk.keep(&page, answer);
                return Ok((page, ended));
            }
        }
        let page = self.next_log_page(behind).await?;
        self.walk.keep(&page, None);
        let ended = is_last(&page, PAGE_MAX);
        Ok((page, ended))
    }
}

impl Step {
    fn is_old(&self) -> bool {
        self.at.elapsed() > UNREAD_MAX
    }
}

impl Walk {
    /// Takes the step out, if it is this reader's.
    fn take(&self, behind: Position) -> Option<Step> {
        let mut step = self.step();
        step.take_if(|step| step.behind == behind || step.is_old())
            .filter(|step| step.behind == behind)
    }

    /// Lets go of the answer of a reader who has what is behind it from elsewhere.
    pub(super) fn end(&self, behind: Position) {
        drop(self.take(behind));
    }

    /// Keeps where a reader has come to, unless that is the end.
    fn keep(&self, page: &[Record], answer: Option<Answer>) {
        let goes_on = answer.is_some() || !is_last(page, PAGE_MAX);
        let Some(last) = page.last().filter(|_| goes_on) else { return };
        let mut step = self.step();
        // Who has only begun does not take the answer from whoever is in the middle.
        let taken = step.as_ref().is_some_and(|it| it.answer.is_some() && !it.is_old());
        if answer.is_some() || !taken {
            *step = Some(Step { behind: last.position, at: Instant::now(), answer });
        }
    }

    fn step(&self) -> MutexGuard<'_, Option<Step>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
