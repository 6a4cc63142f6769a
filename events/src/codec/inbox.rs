//! Shapes that inbox events once had, and their one step to the next.

use serde::{Deserialize, Serialize};

use crate::inbox::Registered;
use crate::{AccountId, Sealed};

/// `inbox.registered` version 1: before an inbox could carry a threshold of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredV1 {
    /// The tenant.
    pub account: AccountId,
    /// What people call it.
    pub name: String,
    /// Chatwoot's channel type.
    pub channel_type: String,
    /// Further attributes, a JSON object.
    pub attributes: String,
    /// Credentials, a sealed JSON object.
    pub credentials: Option<Sealed>,
}

impl From<RegisteredV1> for Registered {
    fn from(old: RegisteredV1) -> Self {
        let RegisteredV1 { account, name, channel_type, attributes, credentials } = old;
        Self { account, name, channel_type, attributes, credentials, threshold: None }
    }
}
