//! Batch append with many appends in flight: the one path of the client that is fast.
//!
//! One append that is refused ends the whole batch session, and every other append on it comes to
//! an unknown end. So there are several sessions, divided by stream; who comes to an unknown end
//! repeats its append alone, and the next one opens a new session.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use eventstore::{
    BatchAppendClient, BatchAppendOptions, BatchWriteResult, Client, Error, EventData, StreamState,
};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::TRY_WITHIN;
use super::fill::next_by;
use super::wait::answers;

/// Sessions side by side. A refused append disturbs one in so many of those in flight.
const LANES: usize = 8;

/// So many tries in a row without an answer, and none that was answered between them, mean that
/// the connection is gone.
const STALLED_MAX: u32 = 8;

/// The batch sessions of a client that does nothing else.
pub(super) struct Lanes {
    client: Client,
    sessions: [Mutex<Option<Arc<BatchAppendClient>>>; LANES],
    stalled: AtomicU32,
}

impl Lanes {
    pub(super) fn new(client: Client) -> Self {
        Self { client, sessions: Default::default(), stalled: AtomicU32::new(0) }
    }

    /// Whether nothing comes back any more, although nobody says why.
    pub(super) fn are_dead(&self) -> bool {
        self.stalled.load(Ordering::Relaxed) >= STALLED_MAX
    }

    /// One try; the client itself has no deadline here, and a lost answer would hang for ever.
    pub(super) async fn append(
        &self,
        stream: &str,
        expected: StreamState,
        events: Vec<EventData>,
    ) -> Result<BatchWriteResult, Error> {
        let lane = &self.sessions[lane_of(stream)];
        let session = open(lane, &self.client).await?;
        let answer =
            match timeout(TRY_WITHIN, session.append_to_stream(stream, expected, events)).await {
                Ok(answer) => {
                    self.stalled.store(0, Ordering::Relaxed);
                    answer
                }
                Err(_) => {
                    self.stalled.fetch_add(1, Ordering::Relaxed);
                    Err(Error::DeadlineExceeded)
                }
            };
        let Err(error) = &answer else { return answer };
        let is_first = {
            let mut current = lane.lock().await;
            current.take_if(|it| Arc::ptr_eq(it, &session)).is_some()
        };
        // All that is under way in the session is told so, and one that asks is enough.
        if is_first && matches!(error, Error::NotLeaderException(_)) {
            // The client goes to the leader when it is told so, but not by a session that is
            // refused before it has answered anything.
            let _ = answers(&self.client, next_by()).await;
        }
        answer
    }
}

async fn open(
    lane: &Mutex<Option<Arc<BatchAppendClient>>>,
    client: &Client,
) -> Result<Arc<BatchAppendClient>, Error> {
    let mut current = lane.lock().await;
    if let Some(session) = &*current {
        return Ok(Arc::clone(session));
    }
    let opened = timeout(TRY_WITHIN, client.batch_append(&BatchAppendOptions::default())).await;
    let session = Arc::new(opened.unwrap_or(Err(Error::DeadlineExceeded))?);
    Ok(Arc::clone(current.insert(session)))
}

/// Appends to one stream stay in one session.
fn lane_of(stream: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    stream.hash(&mut hasher);
    usize::try_from(hasher.finish() % LANES as u64).unwrap_or(0)
}
