//! How much one append may have, which a server tells by refusing alone.
//!
//! Servers up to 24.10 take a mebibyte unless `EVENTSTORE_MAX_APPEND_SIZE` says otherwise. Where
//! the connection string tells what it says, that holds. Where it does not, the default is believed
//! until the server has shown that it takes what the port may want.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use events::store::APPEND_BYTES_MAX;
use eventstore::{AppendToStreamOptions, Client, EventData, StreamState};
use tokio::time::timeout;

use super::TRY_WITHIN;
use super::failure::{Meaning, meaning};

/// What a server takes that nobody has set.
const SERVER_DEFAULT: usize = 1 << 20;

/// What the server counts and the port does not: names, our key in the metadata.
const BESIDE: usize = 64 << 10;

/// A stream that nobody writes, and where it is believed to be: so the question writes nothing.
const NOWHERE: (&str, StreamState) = ("relink_size", StreamState::StreamRevision(1 << 40));

/// As often as it is asked at a time by somebody who gets no clear answer.
const TRIES: usize = 2;

/// As many bytes as the port's as one append may have.
pub(super) struct SizeLimit {
    bytes: AtomicUsize,
    is_asked: AtomicBool,
    /// Whether there is nothing left to ask.
    is_told: AtomicBool,
}

impl SizeLimit {
    /// `told` is what the server counts.
    pub(super) fn new(told: Option<usize>) -> Self {
        let bytes = (told.unwrap_or(SERVER_DEFAULT) - BESIDE).min(APPEND_BYTES_MAX);
        let (is_asked, is_told) = (AtomicBool::new(false), AtomicBool::new(told.is_some()));
        Self { bytes: AtomicUsize::new(bytes), is_asked, is_told }
    }

    pub(super) fn limit(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether nobody has told or asked yet.
    pub(super) fn is_new(&self) -> bool {
        !self.is_told.load(Ordering::Relaxed) && !self.is_asked.load(Ordering::Relaxed)
    }

    /// Whether the server was asked and did not say: it may take more than is believed.
    pub(super) fn is_unclear(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed) && !self.is_told.load(Ordering::Relaxed)
    }

    /// Asks the server by the largest append there may be, which expects what cannot be: a
    /// conflict shows that only this is wrong with it.
    pub(super) async fn ask(&self, client: &Client) {
        self.is_asked.store(true, Ordering::Relaxed);
        for _ in 0..TRIES {
            match tried(client).await {
                Some(Meaning::Conflict(_) | Meaning::ConflictUntold) => {
                    self.bytes.store(APPEND_BYTES_MAX, Ordering::Relaxed);
                    return self.is_told.store(true, Ordering::Relaxed);
                }
                Some(Meaning::Invalid | Meaning::Refused) => {
                    tracing::info!(
                        "EventStoreDB takes no appends of more than {} bytes; \
                         EVENTSTORE_MAX_APPEND_SIZE raises that",
                        self.limit(),
                    );
                    return self.is_told.store(true, Ordering::Relaxed);
                }
                // No time, another node, or a server that breaks off: it shows nothing.
                Some(
                    Meaning::Missing
                    | Meaning::Tombstoned
                    | Meaning::Elsewhere
                    | Meaning::Dead
                    | Meaning::Unknown,
                )
                | None => {}
            }
        }
        tracing::warn!(
            "EventStoreDB does not say whether it takes appends of more than {} bytes, \
             so none is sent; maxAppendSize in its connection string tells",
            self.limit(),
        );
    }

    /// The server has refused so many, whatever it was believed to take.
    pub(super) fn refused(&self, bytes: usize) {
        let default = SERVER_DEFAULT - BESIDE;
        if bytes > default {
            self.bytes.fetch_min(default, Ordering::Relaxed);
        }
    }
}

/// What became of the question; none where there was no answer in time, or it was written.
async fn tried(client: &Client) -> Option<Meaning> {
    let (stream, state) = NOWHERE;
    let options = AppendToStreamOptions::default().stream_state(state).deadline(TRY_WITHIN);
    let event = EventData::binary(stream, vec![0; APPEND_BYTES_MAX + BESIDE].into());
    let asked = timeout(TRY_WITHIN, client.append_to_stream(stream, &options, event)).await;
    asked.ok()?.err().map(|error| meaning(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_holds_and_without_it_the_servers_default() {
        assert_eq!(SizeLimit::new(Some(2 << 20)).limit(), (2 << 20) - BESIDE);
        assert_eq!(SizeLimit::new(Some(8 << 20)).limit(), APPEND_BYTES_MAX);
        assert_eq!(SizeLimit::new(None).limit(), SERVER_DEFAULT - BESIDE);
    }

    #[test]
    fn a_refusal_for_size_is_remembered_and_another_is_none() {
        let size = SizeLimit::new(Some(8 << 20));
        size.refused(1000);
        assert_eq!(size.limit(), APPEND_BYTES_MAX);
        size.refused(2 << 20);
        assert_eq!(size.limit(), SERVER_DEFAULT - BESIDE);
    }
}
