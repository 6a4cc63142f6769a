//! Appending: first in a batch session, then alone, always with the same ids and the same belief.
//!
//! The server recognises such a repetition by the ids behind the expected revision, also after it
//! was restarted. So an unknown end is not a question but a reason to ask again.

use std::time::Duration;

use events::store::{Proposed, check_size};
use events::{Appended, Expected, Failure, Position, Revision, StreamName};
use eventstore::{AppendToStreamOptions, Error, EventData, StreamState};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::connection::Session;
use super::failure::{Meaning, meaning, unavailable};
use super::{APPEND_WITHIN, EventStoreDb, TRY_WITHIN, record};

/// Between two tries of one append.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// How a single try ended well: the last revision, and the position where the server tells it. It
/// tells none of a repetition that is hidden by now, as behind `$tb`.
type Written = (Option<u64>, Option<Position>);

/// One append and what is known of it.
struct Attempt<'a> {
    stream: &'a StreamName,
    /// What the server calls the stream.
    name: String,
    expected: Expected,
    records: &'a [Proposed],
}

impl Attempt<'_> {
    fn state(&self) -> StreamState {
        match self.expected {
            Expected::NoStream => StreamState::NoStream,
            Expected::Revision(revision) => StreamState::StreamRevision(revision.0),
        }
    }

    fn events(&self) -> Vec<EventData> {
        self.records.iter().map(record::to_event).collect()
    }

    fn bytes(&self) -> usize {
        self.records.iter().map(Proposed::size).sum()
    }

    /// The revision of the last record once it is written.
    fn last(&self) -> Revision {
        Revision(self.expected.first().0 + self.records.len() as u64 - 1)
    }

    async fn in_lane(&self, session: &Session) -> Result<Written, Error> {
        let append = session.lanes.append(&self.name, self.state(), self.events());
        let written = append.await?;
        let position = written.current_position().map(|position| Position(position.commit));
        Ok((written.current_revision(), position))
    }

    /// Slow, for the client does not set TCP_NODELAY; but nobody else's refusal ends it, and a
    /// conflict says where the stream is.
    async fn alone(&self, session: &Session) -> Result<Written, Error> {
        let options = AppendToStreamOptions::default().stream_state(self.state());
        let options = options.deadline(TRY_WITHIN);
        let append = session.client.append_to_stream(&*self.name, &options, self.events());
        let written = timeout(TRY_WITHIN, append).await.unwrap_or(Err(Error::DeadlineExceeded))?;
        // No position of a user's is 0: it is what the client makes of none.
        let position = Some(Position(written.position.commit));
        let position = position.filter(|position| *position != Position::START);
        Ok((Some(written.next_expected_version), position))
    }
}

impl EventStoreDb {
    /// Refuses what the server does not take. What it may take, though it did not say when it was
    /// asked, is a matter of time: another node may have been told, and counts on it.
    pub(super) async fn check_size(&self, records: &[Proposed]) -> Result<(), Failure> {
        let checked = check_size(records, self.size.limit());
        if checked.is_ok() || records.is_empty() || !self.size.is_unclear() {
            return checked;
        }
        let session = self.connection.session().await?;
        self.size.ask(&session.client).await;
        match check_size(records, self.size.limit()) {
            Err(_) if self.size.is_unclear() => {
                Err(unavailable("EventStoreDB does not say whether it takes so much"))
            }
            checked => checked,
        }
    }

    /// Appends until it is known what became of it, or the time for it is over.
    pub(super) async fn write(
        &self,
        stream: &StreamName,
        expected: Expected,
        records: &[Proposed],
        deadline: Instant,
    ) -> Result<Appended, Failure> {
        let name = self.names.on_server(stream);
        let attempt = Attempt { stream, name, expected, records };
        let mut reason = format!("no answer within {APPEND_WITHIN:?}");
        let mut alone = false;
        while Instant::now() < deadline {
            match timeout_at(deadline, self.attempt(&attempt, alone)).await {
                Ok(Ok(Ok(appended))) => return Ok(appended),
                Ok(Ok(Err(unknown))) => reason = unknown,
                Ok(Err(failure)) => return Err(failure),
                Err(_) => break,
            }
            alone = true;
            sleep(RETRY_AFTER).await;
        }
        Err(unavailable(reason))
    }

    /// One try. The inner error is an unknown end, with its reason; the outer one is certain.
    async fn attempt(
        &self,
        attempt: &Attempt<'_>,
        alone: bool,
    ) -> Result<Result<Appended, String>, Failure> {
        let session = match self.connection.session().await {
            Ok(session) => session,
            Err(Failure::Unavailable { reason }) => return Ok(Err(reason)),
            Err(failure) => return Err(failure),
        };
        let tried =
            if alone { attempt.alone(&session).await } else { attempt.in_lane(&session).await };
        let error = match tried {
            Ok(written) => {
                session.answered();
                return self.appended(attempt, written).await.map(Ok);
            }
            Err(error) => error,
        };
        let dead = !alone && session.lanes.are_dead();
        let meaning = if dead { Meaning::Dead } else { meaning(&error) };
        let stream = attempt.stream.clone();
        // In a session the end of somebody else's append looks like that of the connection.
        if alone || meaning == Meaning::Dead {
            self.connection.failed(&session, &meaning, &error.to_string());
        }
        match meaning {
            Meaning::Conflict(current) => Err(Failure::Conflict { stream, current }),
            Meaning::Invalid => {
                let bytes = attempt.bytes();
                self.size.refused(bytes);
                Err(Failure::Size { bytes, limit: self.size.limit().min(bytes.saturating_sub(1)) })
            }
            Meaning::Tombstoned => Err(deleted(&stream)),
            Meaning::Refused if alone => {
                Err(unavailable(format!("EventStoreDB refuses the append: {error}")))
            }
            Meaning::ConflictUntold
            | Meaning::Missing
            | Meaning::Refused
            | Meaning::Elsewhere
            | Meaning::Dead
            | Meaning::Unknown => Ok(Err(format!("EventStoreDB does not append: {error}"))),
        }
    }

    async fn appended(
        &self,
        attempt: &Attempt<'_>,
        (revision, position): Written,
    ) -> Result<Appended, Failure> {
        let last = attempt.last();
        if revision.is_some_and(|revision| revision != last.0) {
            // Only behind a deletion is "no stream" true and the revision another.
            return Err(deleted(attempt.stream));
        }
        let position = match position {
            Some(position) => position,
            None => self.position_of(attempt.stream, last).await?,
        };
        Ok(Appended { revision: last, position })
    }
}

/// What an operator did to a stream that nobody may delete.
pub(super) fn deleted(stream: &StreamName) -> Failure {
    let reason = format!("{stream} was deleted in EventStoreDB, and its history with it");
    Failure::Corrupt { position: None, reason }
}
