//! Where nodes hear of each other: one small stream beside the log. Its name has no category, so it
//! is no part of the log: it is neither copied nor verified nor shown as history.

use std::collections::BTreeSet;

use actors::ports::{self, NodeId, Roster, Word};
use events::store::{PAGE_MAX, Slice};
use events::{Failure, Revision, StreamName};
use eventstore::{AppendToStreamOptions, Error, EventData, StreamState};
use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::failure::{Meaning, meaning, unavailable};
use super::{EventStoreDb, StreamLimits, TRY_WITHIN};

/// Behind the namespace.
const STREAM: &str = "nodes";

/// The type of its events.
const KIND: &str = "relink.node";

/// As many words as the server keeps: of two nodes those of some 25 minutes.
const KEPT: u64 = 1000;

/// As many of the last words as a node listens to when it comes.
const FIRST_HEARD: usize = 200;

/// [`Word`] as JSON.
#[derive(Serialize, Deserialize)]
struct Said {
    node: Uuid,
    name: String,
    counts: BTreeSet<Uuid>,
    leaves: bool,
}

impl From<Word> for Said {
    fn from(word: Word) -> Self {
        let Word { node, name, counts, leaves } = word;
        let counts = counts.into_iter().map(|NodeId(node)| node).collect();
        Self { node: node.0, name, counts, leaves }
    }
}

impl From<Said> for Word {
    fn from(said: Said) -> Self {
        let Said { node, name, counts, leaves } = said;
        let counts = counts.into_iter().map(NodeId).collect();
        Self { node: NodeId(node), name, counts, leaves }
    }
}

impl Roster for EventStoreDb {
    fn heard(&self, behind: Option<Revision>) -> BoxFuture<'_, Result<Vec<ports::Said>, Failure>> {
        Box::pin(async move {
            let (slice, limit) = match behind {
                Some(revision) => (Slice::From(revision.next()), PAGE_MAX),
                None => (Slice::Before(None), FIRST_HEARD),
            };
            let mut page = self.stream_page(&stream(), slice, limit).await?;
            page.sort_unstable_by_key(|record| record.revision);
            // Whoever said the first word may have died before it set the limit. To set it again
            // does no harm, and of its stream the server keeps only the last.
            if behind.is_none() && !page.is_empty() {
                self.keep_few().await;
            }
            let word = |data: &[u8]| serde_json::from_slice::<Said>(data).ok().map(Word::from);
            Ok(page.iter().map(|record| (record.revision, word(&record.data))).collect())
        })
    }

    fn say(
        &self,
        behind: Option<Revision>,
        word: Word,
    ) -> BoxFuture<'_, Result<Revision, Failure>> {
        Box::pin(async move {
            let revision = self.say_behind(behind, Said::from(word)).await?;
            if behind.is_none() {
                self.keep_few().await;
            }
            Ok(revision)
        })
    }
}

impl EventStoreDb {
    /// Lets the server forget words of long ago. Nodes hear of each other without it: whoever
    /// comes next tries again.
    async fn keep_few(&self) {
        let limits = StreamLimits { max_count: Some(KEPT), ..StreamLimits::default() };
        if let Err(failure) = self.limit(&stream(), limits).await {
            tracing::warn!("the server keeps all words of the nodes for now: {failure}");
        }
    }

    async fn say_behind(&self, behind: Option<Revision>, said: Said) -> Result<Revision, Failure> {
        let session = self.connection.session_by(Instant::now() + TRY_WITHIN).await?;
        let event = EventData::json(KIND, &said)
            .map_err(|error| unavailable(format!("a word of a node is no JSON: {error}")))?;
        let state =
            behind.map_or(StreamState::NoStream, |last| StreamState::StreamRevision(last.0));
        let options = AppendToStreamOptions::default().stream_state(state).deadline(TRY_WITHIN);
        let append =
            session.client.append_to_stream(self.names.on_server(&stream()), &options, event);
        let error = match timeout(TRY_WITHIN, append).await.unwrap_or(Err(Error::DeadlineExceeded))
        {
            Ok(written) => {
                session.answered();
                return Ok(Revision(written.next_expected_version));
            }
            Err(error) => error,
        };
        let meaning = meaning(&error);
        let reason = format!("EventStoreDB does not take the word of this node: {error}");
        self.connection.failed(&session, &meaning, &reason);
        Err(match meaning {
            Meaning::Conflict(current) => Failure::Conflict { stream: stream(), current },
            Meaning::ConflictUntold => Failure::Conflict { stream: stream(), current: None },
            Meaning::Missing
            | Meaning::Tombstoned
            | Meaning::Invalid
            | Meaning::Refused
            | Meaning::Elsewhere
            | Meaning::Dead
            | Meaning::Unknown => unavailable(reason),
        })
    }
}

fn stream() -> StreamName {
    StreamName::from_log(STREAM)
}
