//! A webhook: a subscriber's endpoint and its settings. What it is owed is in its ledger.

use serde::{Deserialize, Serialize};

use crate::codec::webhook::{CreatedV1, PolicyChangedV1};
use crate::vocabulary::vocabulary;
use crate::{AccountId, InboxId, Sealed, Timestamp, words};

/// Every event that an account can subscribe to, in Chatwoot's order
/// (`Webhook::ALLOWED_WEBHOOK_EVENTS`).
pub const SUBSCRIBABLE: [&str; 12] = [
    "conversation_status_changed",
    "conversation_updated",
    "conversation_created",
    "contact_created",
    "contact_updated",
    "message_created",
    "message_updated",
    "webwidget_triggered",
    "inbox_created",
    "inbox_updated",
    "conversation_typing_on",
    "conversation_typing_off",
];

/// Relink's own events, about the account's other webhooks and what they are owed.
pub const OPERATIONAL: [&str; 4] =
    ["webhook.failing", "webhook.disabled", "webhook.recovered", "delivery.abandoned"];

/// What is subscribed to where nobody says: the first eight, as Chatwoot's schema has it.
pub const DEFAULT_SUBSCRIPTIONS: [&str; 8] = [
    "conversation_status_changed",
    "conversation_updated",
    "conversation_created",
    "contact_created",
    "contact_updated",
    "message_created",
    "message_updated",
    "webwidget_triggered",
];

/// How deliveries to an endpoint are made; what is not set is the installation's.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Attempts under way at once.
    pub concurrency: Option<u32>,
    /// For the whole exchange, body included, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Waits between attempts, in milliseconds.
    pub retry_schedule_ms: Option<Vec<u64>>,
    /// Only events of these inboxes; none means of all.
    pub inboxes: Option<Vec<InboxId>>,
    /// Attempts begun in any second, retries among them; none means as many as can be.
    pub rate_per_second: Option<u32>,
    /// What waits for what.
    pub ordering: Ordering,
    /// Sent with every attempt beside our own.
    pub headers: Vec<Header>,
}

words! {
    /// Which deliveries to one endpoint wait for which.
    #[derive(Default)]
    pub enum Ordering {
        /// None for any other.
        #[default]
        None = "none",
        /// Each for all that were queued before it.
        Fifo = "fifo",
        /// Each for those before it that have the same key.
        ByKey = "by_key",
    }
}

/// A header that an endpoint wants to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Its name as it is sent.
    pub name: String,
    /// Its value.
    pub value: HeaderValue,
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderValue {
    /// Anybody may read it who may read the settings.
    Plain(String),
    /// Nobody may.
    Sealed(Sealed),
}

/// An account subscribed an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The tenant.
    pub account: AccountId,
    /// Where deliveries go.
    pub url: String,
    /// What people call it.
    pub name: Option<String>,
    /// The inbox it is shown with; as in Chatwoot it filters nothing.
    pub inbox: Option<InboxId>,
    /// Event names, or prefixes ending in `*`.
    pub subscriptions: Vec<String>,
    /// The signing secret, sealed.
    pub secret: Sealed,
    /// How deliveries are made.
    pub policy: Policy,
}

/// It has another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// The new one.
    pub name: Option<String>,
}

/// Deliveries go elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlChanged {
    /// The new one.
    pub url: String,
}

/// It wants other events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionsChanged {
    /// All of them.
    pub subscriptions: Vec<String>,
}

/// It is shown with another inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxChanged {
    /// The new one.
    pub inbox: Option<InboxId>,
}

/// Deliveries are made otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChanged {
    /// All of it.
    pub policy: Policy,
}

/// It signs with another secret. The secrets before it sign beside it for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRotated {
    /// The new one, sealed.
    pub secret: Sealed,
    /// From when on those before it sign no more, unless they end sooner.
    pub previous_until: Timestamp,
}

/// It signs with a key pair too (Ed25519), or with another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPairRotated {
    /// The private key, sealed.
    pub secret: Sealed,
    /// The public key, as receivers are given it: `whpk_...`.
    pub public: String,
    /// From when on the pairs before it sign no more, unless they end sooner.
    pub previous_until: Timestamp,
}

/// It signs with its secret alone again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPairRetired {
    /// From when on.
    pub until: Timestamp,
}

/// Somebody was shown its secrets; who, stands in the metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRevealed {}

/// It is gone; what it was still owed is abandoned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {}

vocabulary! {
    category "webhook";
    /// What can happen to a webhook.
    pub enum Event {
        /// See [`Created`].
        Created = "created" v 2 lifts 1 CreatedV1,
        /// See [`Renamed`].
        Renamed = "renamed" v 1,
        /// See [`UrlChanged`].
        UrlChanged = "url_changed" v 1,
        /// See [`SubscriptionsChanged`].
        SubscriptionsChanged = "subscriptions_changed" v 1,
        /// See [`InboxChanged`].
        InboxChanged = "inbox_changed" v 1,
        /// See [`PolicyChanged`].
        PolicyChanged = "policy_changed" v 2 lifts 1 PolicyChangedV1,
        /// See [`SecretRotated`].
        SecretRotated = "secret_rotated" v 1,
        /// See [`KeyPairRotated`].
        KeyPairRotated = "key_pair_rotated" v 1,
        /// See [`KeyPairRetired`].
        KeyPairRetired = "key_pair_retired" v 1,
        /// See [`SecretRevealed`].
        SecretRevealed = "secret_revealed" v 1,
        /// See [`Deleted`].
        Deleted = "deleted" v 1,
    }
}

/// Whether one of the subscriptions asks for this event. Relink's own events are asked for by their
/// names or by what stands before their full stop (`webhook.*`): `*` is everything of the platform.
pub fn subscribes(subscriptions: &[String], event: &str) -> bool {
    subscriptions.iter().any(|wanted| match wanted.strip_suffix('*') {
        Some(prefix) if OPERATIONAL.contains(&event) && !prefix.contains('.') => false,
        Some(prefix) => event.starts_with(prefix),
        None => wanted == event,
    })
}

#[cfg(test)]
mod tests;
