//! Shapes that webhook events once had, and their one step to the next.

use serde::{Deserialize, Serialize};

use crate::webhook::{Created, Ordering, Policy, PolicyChanged};
use crate::{AccountId, InboxId, Sealed};

/// The policy before it had a rate, an ordering and headers.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyV1 {
    /// Attempts under way at once.
    pub concurrency: Option<u32>,
    /// For the whole exchange, body included, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Waits between attempts, in milliseconds.
    pub retry_schedule_ms: Option<Vec<u64>>,
    /// Only events of these inboxes; none means of all.
    pub inboxes: Option<Vec<InboxId>>,
}

/// `webhook.created` version 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedV1 {
    /// The tenant.
    pub account: AccountId,
    /// Where deliveries go.
    pub url: String,
    /// What people call it.
    pub name: Option<String>,
    /// The inbox it is shown with.
    pub inbox: Option<InboxId>,
    /// Event names, or prefixes ending in `*`.
    pub subscriptions: Vec<String>,
    /// The signing secret, sealed.
    pub secret: Sealed,
    /// How deliveries are made.
    pub policy: PolicyV1,
}

/// `webhook.policy_changed` version 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChangedV1 {
    /// All of it.
    pub policy: PolicyV1,
}

impl From<PolicyV1> for Policy {
    fn from(old: PolicyV1) -> Self {
        let PolicyV1 { concurrency, timeout_ms, retry_schedule_ms, inboxes } = old;
        Self {
            concurrency,
            timeout_ms,
            retry_schedule_ms,
            inboxes,
            rate_per_second: None,
            ordering: Ordering::None,
            headers: vec![],
        }
    }
}

impl From<CreatedV1> for Created {
    fn from(old: CreatedV1) -> Self {
        let CreatedV1 { account, url, name, inbox, subscriptions, secret, policy } = old;
        Self { account, url, name, inbox, subscriptions, secret, policy: policy.into() }
    }
}

impl From<PolicyChangedV1> for PolicyChanged {
    fn from(old: PolicyChangedV1) -> Self {
        Self { policy: old.policy.into() }
    }
}
