//! Deliveries that ended are owed again: which, how many, and how far that is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{EndpointId, ParseIdError, Revision, Timestamp, words};

/// One recovery. Like a delivery's, its id tells the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecoveryId(pub Uuid);

impl RecoveryId {
    /// The recovery of this endpoint that `cause` asked for.
    pub fn of(cause: Uuid, endpoint: impl Into<EndpointId>) -> Self {
        let number = endpoint.into().packed().to_be_bytes();
        let hash = Uuid::new_v5(&cause, b"recovery");
        let mut bytes = *hash.as_bytes();
        bytes[..6].copy_from_slice(&number[2..]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The endpoint whose deliveries are owed again.
    pub fn endpoint(self) -> EndpointId {
        let mut number = [0; 8];
        number[2..].copy_from_slice(&self.0.as_bytes()[..6]);
        EndpointId::unpacked(u64::from_be_bytes(number))
    }
}

impl fmt::Display for RecoveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RecoveryId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| ParseIdError::new("recovery", text))
    }
}

/// Which deliveries are owed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryFilter {
    /// Queued at this moment or later.
    pub since: Timestamp,
    /// Queued before this moment.
    pub until: Option<Timestamp>,
    /// Only events of this name, or with this beginning when it ends in `*`.
    pub event: Option<String>,
    /// Only those of this key.
    pub key: Option<String>,
    /// Those that were abandoned.
    pub abandoned: bool,
    /// Also those that were delivered: only when somebody asked for that.
    pub delivered: bool,
}

/// It is known what would be owed again. Nothing is yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryPlanned {
    /// Which.
    pub recovery: RecoveryId,
    /// What it takes in.
    pub filter: RecoveryFilter,
    /// The last revision of the ledger that was looked at.
    pub head: Revision,
    /// As many deliveries as it takes in.
    pub count: u64,
    /// As many bytes as their bodies have.
    pub bytes: u64,
}

/// It begins, or goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryStarted {
    /// Which.
    pub recovery: RecoveryId,
}

/// It waits to be started again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryPaused {
    /// Which.
    pub recovery: RecoveryId,
}

/// Some more deliveries are owed again: those just before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryAdvanced {
    /// Which.
    pub recovery: RecoveryId,
    /// Where the ledger queued the last of them.
    pub reached: Revision,
    /// As many as were passed by now, whether or not they had to be owed again.
    pub passed: u64,
}

/// All of its deliveries are owed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryFinished {
    /// Which.
    pub recovery: RecoveryId,
}

/// It goes no further; what is owed again by now stays owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCancelled {
    /// Which.
    pub recovery: RecoveryId,
}

words! {
    /// Where a recovery is.
    pub enum RecoveryProgress {
        /// It was only planned.
        Planned = "planned",
        /// It brings back.
        Running = "running",
        /// It waits to be started again.
        Paused = "paused",
        /// It has brought back everything.
        Finished = "finished",
        /// Somebody ended it.
        Cancelled = "cancelled",
    }
}

impl RecoveryProgress {
    /// Whether nothing will come of it any more.
    pub fn is_over(self) -> bool {
        match self {
            Self::Planned | Self::Running | Self::Paused => false,
            Self::Finished | Self::Cancelled => true,
        }
    }

    /// Whether it brings back, or will go on with it.
    pub fn has_begun(self) -> bool {
        match self {
            Self::Running | Self::Paused => true,
            Self::Planned | Self::Finished | Self::Cancelled => false,
        }
    }
}
