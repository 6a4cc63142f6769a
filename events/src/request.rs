//! One request that came with an `Idempotency-Key`, so that its repetition is told the same.

use serde::{Deserialize, Serialize};

use crate::Sealed;
use crate::vocabulary::vocabulary;

/// It came for the first time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// SHA-256 of its body: another body under the same key is refused.
    pub fingerprint: [u8; 32],
}

/// It was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub content_type: String,
    /// The answer's body, sealed because it may show a secret.
    pub body: Sealed,
}

vocabulary! {
    category "request";
    /// What can happen to such a request.
    pub enum Event {
        /// See [`Received`].
        Received = "received" v 1,
        /// See [`Answered`].
        Answered = "answered" v 1,
    }
}
