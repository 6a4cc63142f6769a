//! Where this log begins on a server: a mark is written before its first record, as a stream of one
//! event beside the log. The server looks at every event on its way to the first of ours, and who
//! knows where the log begins need not let it look at what others wrote before.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use events::store::{Proposed, Slice};
use events::{EventId, Expected, Failure, Hash, Position, Record, Revision, StreamName, Timestamp};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use super::EventStoreDb;
use super::failure::unavailable;

/// The type of the mark's event.
const KIND: &str = "relink.begin";

/// As long as the server may look for a first record that nothing tells of.
const GLANCE: Duration = Duration::from_millis(500);

/// What is known of the beginning for good.
#[derive(Debug, Default)]
pub(super) struct Begin {
    known: OnceLock<Position>,
    turn: Mutex<()>,
}

/// What stands where the mark is written.
enum Mark {
    /// Nothing, so it may be.
    Nothing,
    /// The mark.
    At(Position),
    /// What somebody else wrote, or an operator deleted: it tells nothing.
    Foreign,
}

impl EventStoreDb {
    /// Whether anything was ever written to this log.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn is_begun(&self) -> Result<bool, Failure> {
        Ok(self.beginning().await?.is_some())
    }

    /// Where reading from the beginning begins: at the mark, and where none tells of all of the
    /// log at the server's beginning. None where there is no log yet.
    pub(super) async fn beginning(&self) -> Result<Option<Position>, Failure> {
        if let Some(&known) = self.begin.known.get() {
            return Ok(Some(known));
        }
        let found = match self.mark().await? {
            Mark::At(mark) if self.is_begun_before(mark).await? => Some(Position::START),
            Mark::At(mark) => Some(mark),
            Mark::Foreign => Some(Position::START),
            Mark::Nothing => self.is_begun_unmarked().await?.then_some(Position::START),
        };
        Ok(found.map(|found| *self.begin.known.get_or_init(|| found)))
    }

    /// Writes the mark of a log that is not begun.
    pub(super) async fn begin_log(
        &self,
        expected: Expected,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let is_begun = match expected {
            Expected::Revision(_) => true,
            Expected::NoStream => {
                self.begin.known.get().is_some() || self.growth.known() > Position::START
            }
        };
        if is_begun {
            return Ok(());
        }
        let late = |_| Err(unavailable("EventStoreDB does not take the mark of a new log in time"));
        let marked = async {
            // One for all that begin at once.
            let _turn = self.begin.turn.lock().await;
            if self.beginning().await?.is_some() {
                return Ok(());
            }
            let (name, mark) = (self.names.mark(), [mark()]);
            match self.write(&name, Expected::NoStream, &mark, deadline).await {
                // Others write it too, and one that was deleted begins with another revision.
                Ok(_) | Err(Failure::Conflict { .. } | Failure::Corrupt { .. }) => {}
                Err(failure) => return Err(failure),
            }
            match self.beginning().await? {
                Some(_) => Ok(()),
                None => Err(unavailable("EventStoreDB does not show the mark of a new log")),
            }
        };
        timeout_at(deadline, marked).await.unwrap_or_else(late)
    }

    async fn mark(&self) -> Result<Mark, Failure> {
        Ok(match self.first_of(&self.names.mark()).await {
            Ok(None) => Mark::Nothing,
            Ok(Some(first)) if first.kind == KIND => Mark::At(first.position),
            Ok(Some(_)) | Err(Failure::Corrupt { .. }) => Mark::Foreign,
            Err(failure) => return Err(failure),
        })
    }

    /// Whether there is a log without a mark. All that Relink ever wrote begins with the stream of
    /// the installation; what else there may be is looked for, but not for long.
    async fn is_begun_unmarked(&self) -> Result<bool, Failure> {
        if self.growth.known() > Position::START
            || self.first_of(&StreamName::installation()).await?.is_some()
        {
            return Ok(true);
        }
        timeout(GLANCE, self.is_there_any()).await.unwrap_or(Ok(false))
    }

    /// Whether somebody who knew of no marks began the log before this one was written.
    async fn is_begun_before(&self, mark: Position) -> Result<bool, Failure> {
        let first = self.first_of(&StreamName::installation()).await?;
        Ok(first.is_some_and(|first| first.position < mark))
    }

    async fn first_of(&self, stream: &StreamName) -> Result<Option<Record>, Failure> {
        Ok(self.stream_page(stream, Slice::From(Revision::FIRST), 1).await?.pop())
    }
}

fn mark() -> Proposed {
    Proposed {
        id: EventId(Uuid::new_v4()),
        kind: KIND.into(),
        version: 1,
        at: Timestamp::default(),
        metadata: Bytes::from_static(b"{}"),
        data: Bytes::from_static(b"{}"),
        hash: Hash::ROOT,
    }
}
