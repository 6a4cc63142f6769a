//! Where this log begins on a server: a mark is written before its first record, as a stream of one
//! event beside the log. The server looks at every event on its way to the first of ours, and who
//! knows where the log begins need not let it look at what others wrote before.

use std::sync::OnceLock;
use std::time::Duration;

use events::store::Slice;
use events::{Expected, Failure, Position, Revision, StreamName};
use eventstore::{AppendToStreamOptions, EventData, StreamState};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout, timeout_at};

use super::failure::unavailable;
use super::{APPEND_WITHIN, EventStoreDb, TRY_WITHIN};

/// Behind the namespace. It has no category, so it is no part of the log.
const STREAM: &str = "begin";

/// The type of its event.
const KIND: &str = "relink.begin";

/// As long as the server may look for a first record that nothing tells of.
const GLANCE: Duration = Duration::from_millis(500);

/// As often as writing the mark is tried: others write it too.
const TRIES: usize = 2;

/// What is known of the beginning for good.
#[derive(Debug, Default)]
pub(super) struct Begin {
    known: OnceLock<Position>,
    turn: Mutex<()>,
}

impl EventStoreDb {
    /// Where reading from the beginning begins: at the mark, and in a log of before there were
    /// marks at the server's beginning. None where there is no log yet.
    pub(super) async fn beginning(&self) -> Result<Option<Position>, Failure> {
        if let Some(&known) = self.begin.known.get() {
            return Ok(Some(known));
        }
        let found = match self.mark().await? {
            Some(mark) => Some(mark),
            None if self.is_begun().await? => Some(Position::START),
            None => None,
        };
        Ok(found.map(|found| *self.begin.known.get_or_init(|| found)))
    }

    /// Writes the mark of a log that is not begun.
    pub(super) async fn begin_log(&self, expected: Expected) -> Result<(), Failure> {
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
            for _ in 0..TRIES {
                if self.beginning().await?.is_some() {
                    return Ok(());
                }
                if let Some(mark) = self.write_mark().await? {
                    self.begin.known.get_or_init(|| mark);
                    return Ok(());
                }
            }
            match self.beginning().await? {
                Some(_) => Ok(()),
                None => Err(unavailable("EventStoreDB does not show the mark of a new log")),
            }
        };
        timeout_at(Instant::now() + APPEND_WITHIN, marked).await.unwrap_or_else(late)
    }

    async fn mark(&self) -> Result<Option<Position>, Failure> {
        match self.stream_page(&stream(), Slice::From(Revision::FIRST), 1).await {
            Ok(page) => Ok(page.first().filter(|it| it.kind == KIND).map(|it| it.position)),
            // An operator has deleted it: then it tells nothing.
            Err(Failure::Corrupt { .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Whether there is a log without a mark. All that Relink ever wrote begins with the stream of
    /// the installation; what else there may be is looked for, but not for long.
    async fn is_begun(&self) -> Result<bool, Failure> {
        if self.growth.known() > Position::START {
            return Ok(true);
        }
        let installation = StreamName::installation();
        if !self.stream_page(&installation, Slice::From(Revision::FIRST), 1).await?.is_empty() {
            return Ok(true);
        }
        timeout(GLANCE, self.is_there_any()).await.unwrap_or(Ok(false))
    }

    /// Where it stands now; none where that is not known, and the next look at the stream tells.
    async fn write_mark(&self) -> Result<Option<Position>, Failure> {
        let session = self.connection.session().await?;
        let event = EventData::binary(KIND, "{}".into()).metadata("{}".into());
        let options = AppendToStreamOptions::default().stream_state(StreamState::NoStream);
        let options = options.deadline(TRY_WITHIN);
        let name = self.names.on_server(&stream());
        let append = session.client.append_to_stream(name, &options, event);
        let written = timeout(TRY_WITHIN, append).await.ok().and_then(Result::ok);
        let mark = written.map(|written| Position(written.position.commit));
        Ok(mark.filter(|mark| *mark != Position::START))
    }
}

fn stream() -> StreamName {
    StreamName::from_log(STREAM)
}
