//! How far the fan-out has come.

use serde::{Deserialize, Serialize};

use crate::codec::fanout::AdvancedV1;
use crate::vocabulary::vocabulary;
use crate::{EndpointId, Position};

/// Everything up to here has been queued where it is owed, but for those that are behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advanced {
    /// Up to and with this position.
    pub position: Position,
    /// Those whose ledgers could not be told.
    pub behind: Vec<Behind>,
}

/// A ledger that is halted: it is told again after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// Whose.
    pub endpoint: EndpointId,
    /// From this position on nothing has been queued in it.
    pub from: Position,
}

vocabulary! {
    category "fanout";
    /// What can happen to the fan-out.
    pub enum Event {
        /// See [`Advanced`].
        Advanced = "advanced" v 2 lifts 1 AdvancedV1,
    }
}
