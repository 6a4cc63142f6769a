//! How far the fan-out has come.

use serde::{Deserialize, Serialize};

use crate::Position;
use crate::vocabulary::vocabulary;

/// Everything up to here has been queued where it is owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advanced {
    /// Up to and with this position.
    pub position: Position,
}

vocabulary! {
    category "fanout";
    /// What can happen to the fan-out.
    pub enum Event {
        /// See [`Advanced`].
        Advanced = "advanced" v 1,
    }
}
