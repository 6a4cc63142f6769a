//! How much one append may have, which no server tells.
//!
//! Servers up to 24.10 take a mebibyte unless `EVENTSTORE_MAX_APPEND_SIZE` says otherwise. Where
//! the connection string tells what it says, more is refused here. Where it does not, what may be
//! too much for such a server is sent by itself, and its refusal is remembered.

use std::sync::atomic::{AtomicUsize, Ordering};

use events::store::APPEND_BYTES_MAX;

/// What a server takes that nobody has set.
const SERVER_DEFAULT: usize = 1 << 20;

/// What the server counts and the port does not: names, our key in the metadata.
const BESIDE: usize = 64 << 10;

/// As many bytes as the port's as one append may have.
pub(super) struct SizeLimit {
    bytes: AtomicUsize,
    /// Whether it is more than a hope.
    is_told: bool,
}

impl SizeLimit {
    /// `told` is what the server counts.
    pub(super) fn new(told: Option<usize>) -> Self {
        let bytes = told.map_or(APPEND_BYTES_MAX, |told| (told - BESIDE).min(APPEND_BYTES_MAX));
        Self { bytes: AtomicUsize::new(bytes), is_told: told.is_some() }
    }

    pub(super) fn limit(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether the server may be one that refuses it.
    pub(super) fn is_doubtful(&self, bytes: usize) -> bool {
        !self.is_told && bytes > SERVER_DEFAULT - BESIDE
    }

    /// The server has refused so many.
    pub(super) fn refused(&self, bytes: usize) {
        if self.is_doubtful(bytes) {
            let before = self.bytes.fetch_min(SERVER_DEFAULT - BESIDE, Ordering::Relaxed);
            if before > SERVER_DEFAULT - BESIDE {
                tracing::warn!(
                    "EventStoreDB refuses an append of {bytes} bytes; from now on {} are the most. \
                     EVENTSTORE_MAX_APPEND_SIZE raises it, and maxAppendSize tells Relink",
                    SERVER_DEFAULT - BESIDE,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_holds_and_nothing_is_doubtful() {
        let size = SizeLimit::new(Some(2 << 20));
        assert_eq!(size.limit(), (2 << 20) - BESIDE);
        assert!(!size.is_doubtful(3 << 20));
        assert_eq!(SizeLimit::new(Some(8 << 20)).limit(), APPEND_BYTES_MAX);
    }

    #[test]
    fn a_refusal_for_size_is_remembered_and_another_is_none() {
        let size = SizeLimit::new(None);
        assert_eq!(size.limit(), APPEND_BYTES_MAX);
        size.refused(1000);
        assert_eq!(size.limit(), APPEND_BYTES_MAX);
        size.refused(2 << 20);
        assert_eq!(size.limit(), SERVER_DEFAULT - BESIDE);
    }
}
