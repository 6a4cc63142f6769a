//! What the host platform reports, to be fanned out.

use serde::{Deserialize, Serialize};

use crate::AccountId;
use crate::vocabulary::vocabulary;

/// The platform reported an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventReceived {
    /// The tenant.
    pub account: AccountId,
    /// Its name: `message_created`.
    pub event: String,
    /// Its content, a JSON object.
    pub data: String,
}

/// Stands for a record that retention had removed before the log was copied into another engine,
/// so that revisions stay what they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {}

vocabulary! {
    category "platform";
    /// What the platform can report.
    pub enum Event {
        /// See [`EventReceived`].
        EventReceived = "event_received" v 1,
        /// See [`Removed`].
        Removed = "removed" v 1,
    }
}
