//! Looking for a record of ours among many of others for longer than anybody waits. The server
//! looks at each event on its way, sends nothing before it finds one of ours, and forgets how far
//! it has come when nobody listens any more. So a search goes on when its caller gives up waiting,
//! and what it finds is remembered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use events::{Failure, Position};
use eventstore::{Client, Error, Position as ServerPosition, ReadAllOptions, StreamPosition};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::connection::{Connection, Session};
use super::failure::{meaning, unavailable};
use super::growth::Growth;
use super::read::last_on_server;
use super::{EventStoreDb, NEXT_WITHIN, READ_WITHIN};

/// As many at a time: each keeps the server busy.
const SEARCHES_MAX: usize = 4;

/// Where a search begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Whence {
    /// Forwards from a record.
    From(Position),
    /// Backwards from the end of the log.
    End,
}

/// What is being looked for.
#[derive(Default)]
pub(super) struct Searches(Mutex<HashMap<Whence, Search>>);

struct Search {
    since: Instant,
    /// Whether it has found something out; it has ended when nobody can say so any more.
    found: watch::Receiver<bool>,
}

impl Searches {
    /// Says that the server is still looking, if it is.
    pub(super) fn check(&self, whence: Whence) -> Result<(), Failure> {
        match self.searches().get(&whence) {
            Some(search) => Err(unavailable(format!(
                "EventStoreDB has been looking for records of this log among others' for {} s",
                search.since.elapsed().as_secs()
            ))),
            None => Ok(()),
        }
    }

    /// Waits for a search that is under way, if there is one; tells whether it found out.
    pub(super) async fn found(&self, whence: Whence) -> bool {
        let found = self.searches().get(&whence).map(|search| search.found.clone());
        match found {
            Some(mut found) => found.wait_for(|found| *found).await.is_ok(),
            None => false,
        }
    }

    fn searches(&self) -> MutexGuard<'_, HashMap<Whence, Search>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventStoreDb {
    /// Begins a search, unless it is under way.
    pub(super) fn search(&self, whence: Whence, session: Arc<Session>) {
        let mut searches = self.searches.searches();
        if searches.contains_key(&whence) || searches.len() >= SEARCHES_MAX {
            return;
        }
        let (finder, found) = watch::channel(false);
        searches.insert(whence, Search { since: Instant::now(), found });
        let options = ReadAllOptions::default().filter(self.names.filter()).max_count(1);
        let options = match whence {
            Whence::From(Position::START) => options.forwards().position(StreamPosition::Start),
            Whence::From(Position(at)) => {
                let place = ServerPosition { commit: at, prepare: at };
                // The record that stands there and the one that is looked for.
                options.forwards().position(StreamPosition::Position(place)).max_count(2)
            }
            Whence::End => options.backwards().position(StreamPosition::End),
        };
        let (growth, connection) = (Arc::clone(&self.growth), self.connection.clone());
        let searches = Arc::clone(&self.searches);
        tokio::spawn(async move {
            match searched(&session, whence, &options, &growth).await {
                Ok(()) => {
                    session.answered();
                    finder.send_replace(true);
                }
                Err(error) => lost(&connection, &session, &error),
            }
            searches.searches().remove(&whence);
        });
    }
}

fn lost(connection: &Connection, session: &Arc<Session>, error: &Error) {
    let reason = format!("EventStoreDB cannot be searched: {error}");
    connection.failed(session, &meaning(error), &reason);
}

/// Remembers what it finds. There is no deadline as long as the server answers other questions.
async fn searched(
    session: &Session,
    whence: Whence,
    options: &ReadAllOptions,
    growth: &Growth,
) -> Result<(), Error> {
    let seen = server_position(&session.client).await?;
    let begun = Instant::now();
    let search = first_of(&session.client, whence, options);
    tokio::pin!(search);
    let found = loop {
        tokio::select! {
            found = &mut search => break found?,
            () = sleep(READ_WITHIN) => {
                server_position(&session.client).await?;
                tracing::info!(
                    "EventStoreDB has been looking for records of this log among others' for {} s",
                    begun.elapsed().as_secs()
                );
            }
        }
    };
    match (whence, found) {
        (Whence::From(from), Some(found)) => growth.skip(from, found),
        (Whence::From(from), None) => growth.quiet(from, seen),
        (Whence::End, Some(found)) => {
            growth.know(found);
            growth.quiet(found, seen);
        }
        (Whence::End, None) => growth.quiet(Position::START, seen),
    }
    Ok(())
}

/// Where the first event stands that is not the one where the search begins.
async fn first_of(
    client: &Client,
    whence: Whence,
    options: &ReadAllOptions,
) -> Result<Option<Position>, Error> {
    let mut events = client.read_all(options).await?;
    while let Some(resolved) = events.next().await? {
        let found = resolved.event.map(|event| Position(event.position.commit));
        if let Some(found) = found.filter(|found| Whence::From(*found) != whence) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The position of the server's last event, whoever wrote it.
async fn server_position(client: &Client) -> Result<Position, Error> {
    let asked = async {
        let mut events = client.read_all(&last_on_server()).await?;
        let last = events.next().await?.and_then(|resolved| resolved.event);
        Ok(last.map_or(Position::START, |last| Position(last.position.commit)))
    };
    timeout(NEXT_WITHIN, asked).await.unwrap_or(Err(Error::DeadlineExceeded))
}
