//! What the server may forget of a stream: its metadata, which is a stream of its own.
//!
//! Written as an event of ours, because the client's own builder writes ages in the wrong unit.

use std::time::Duration;

use events::store::{Bound, Slice};
use events::{Failure, Hash, Revision, StreamName};
use eventstore::{
    AppendToStreamOptions, Client, Error, EventData, ReadStreamOptions, StreamPosition, StreamState,
};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::failure::{Meaning, meaning, unavailable};
use super::{EventStoreDb, TRY_WITHIN};

/// Writers of one stream's metadata that may get in between.
const RACES_MAX: usize = 5;

/// Our own key beside the server's.
const PREVIOUS: &str = "previousHash";

/// What may be forgotten of a stream; what is none stays as it is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    /// Everything before this revision (`$tb`), as of a ledger behind its summary.
    pub truncate_before: Option<Revision>,
    /// The hash of the last record before it, which the chain goes on from.
    pub previous: Option<Hash>,
    /// Everything but so many of the last records (`$maxCount`), as of snapshots.
    pub max_count: Option<u64>,
    /// Everything older (`$maxAge`, in whole seconds).
    pub max_age: Option<Duration>,
}

impl StreamLimits {
    fn apply(self, metadata: &mut Map<String, Value>) {
        let settings = [
            ("$tb", self.truncate_before.map(|revision| revision.0)),
            ("$maxCount", self.max_count),
            ("$maxAge", self.max_age.map(|age| age.as_secs().max(1))),
        ];
        for (key, number) in settings {
            if let Some(number) = number {
                metadata.insert(key.to_owned(), number.into());
            }
        }
        if let Some(hash) = self.previous {
            metadata.insert(PREVIOUS.to_owned(), hash.to_string().into());
        }
    }
}

impl EventStoreDb {
    /// Lets the server forget. Revisions stay; the room comes back when an operator scavenges.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when the server cannot be asked; asking again does no harm.
    pub async fn limit(&self, stream: &StreamName, limits: StreamLimits) -> Result<(), Failure> {
        let name = format!("$${}", self.names.on_server(stream));
        let mut reason = String::new();
        for _ in 0..RACES_MAX {
            let session = self.connection.session().await?;
            let error = match limit(&session.client, &name, limits).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            reason = format!("EventStoreDB does not limit {stream}: {error}");
            let meaning = meaning(&error);
            self.connection.failed(&session, &meaning, &reason);
            if meaning == Meaning::Refused {
                break;
            }
        }
        Err(unavailable(reason))
    }
}

impl EventStoreDb {
    /// Removes what stands before a revision, but never the last record.
    pub(super) async fn truncate_stream(
        &self,
        stream: &StreamName,
        before: Revision,
    ) -> Result<(), Failure> {
        let last = self.stream_page(stream, Slice::Before(None), 1).await?.pop();
        let Some(first) = last.map(|last| before.min(last.revision)) else { return Ok(()) };
        let known = self.bound_of(stream).await?.map_or(Revision::FIRST, |bound| bound.first);
        if first <= known {
            return Ok(());
        }
        let previous = self.stream_page(stream, Slice::Before(Some(first)), 1).await?.pop();
        let Some(previous) = previous.map(|record| record.hash) else { return Ok(()) };
        let (truncate_before, previous) = (Some(first), Some(previous));
        let limits = StreamLimits { truncate_before, previous, ..StreamLimits::default() };
        self.limit(stream, limits).await
    }

    /// Where a stream begins that was truncated by us.
    pub(super) async fn bound_of(&self, stream: &StreamName) -> Result<Option<Bound>, Failure> {
        let name = format!("$${}", self.names.on_server(stream));
        let mut reason = String::new();
        for _ in 0..RACES_MAX {
            let session = self.connection.session().await?;
            let within = |_| Error::DeadlineExceeded;
            let found = timeout(TRY_WITHIN, current(&session.client, &name)).await;
            let error = match found.map_err(within).flatten() {
                Ok((_, metadata)) => return Ok(bound(&metadata)),
                Err(error) => error,
            };
            let meaning = meaning(&error);
            reason = format!("EventStoreDB does not tell where {stream} begins: {error}");
            self.connection.failed(&session, &meaning, &reason);
            if meaning == Meaning::Refused {
                break;
            }
        }
        Err(unavailable(reason))
    }
}

fn bound(metadata: &Map<String, Value>) -> Option<Bound> {
    let first = metadata.get("$tb")?.as_u64()?;
    let previous: Hash = metadata.get(PREVIOUS)?.as_str()?.parse().ok()?;
    Some(Bound { first: Revision(first), previous })
}

/// Adds to what is there, whoever wrote it, and only to that.
async fn limit(client: &Client, name: &str, limits: StreamLimits) -> Result<(), Error> {
    let within = |error: tokio::time::error::Elapsed| {
        let _ = error;
        Error::DeadlineExceeded
    };
    let (state, mut metadata) =
        timeout(TRY_WITHIN, current(client, name)).await.map_err(within)??;
    limits.apply(&mut metadata);
    let event = EventData::json("$metadata", &metadata)
        .map_err(|error| Error::InternalParsingError(error.to_string()))?;
    let options = AppendToStreamOptions::default().stream_state(state).deadline(TRY_WITHIN);
    let append = client.append_to_stream(name, &options, event);
    timeout(TRY_WITHIN, append).await.map_err(within)??;
    Ok(())
}

async fn current(client: &Client, name: &str) -> Result<(StreamState, Map<String, Value>), Error> {
    let options = ReadStreamOptions::default().backwards().position(StreamPosition::End);
    let mut events = client.read_stream(name, &options.max_count(1)).await?;
    let last = match events.next().await {
        Ok(last) => last.and_then(|resolved| resolved.event),
        Err(Error::ResourceNotFound) => None,
        Err(error) => return Err(error),
    };
    Ok(match last {
        None => (StreamState::NoStream, Map::new()),
        Some(event) => {
            let metadata = serde_json::from_slice(&event.data).unwrap_or_default();
            (StreamState::StreamRevision(event.revision), metadata)
        }
    })
}
