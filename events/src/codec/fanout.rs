//! Shapes that events of the fan-out once had, and their one step to the next.

use serde::{Deserialize, Serialize};

use crate::Position;
use crate::fanout::Advanced;

/// `fanout.advanced` version 1: before a halted ledger was left behind by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvancedV1 {
    /// Up to and with this position.
    pub position: Position,
}

impl From<AdvancedV1> for Advanced {
    fn from(AdvancedV1 { position }: AdvancedV1) -> Self {
        Self { position, behind: vec![] }
    }
}
