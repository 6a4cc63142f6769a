//! Facts of the whole installation: tokens, sealing keys, the numbers of webhooks, hooks and rules,
//! settings that change what is fanned out.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::evidence::Class;
use crate::policy::Policy;
use crate::vocabulary::vocabulary;
use crate::words;
use crate::{AccountId, HookId, KeyId, RuleId, Sealed, TokenId, WebhookId};

words! {
    /// What the holder of a token may do.
    pub enum Role {
        /// Everything in the account.
        Administrator = "administrator",
        /// Look at inboxes and health.
        Agent = "agent",
        /// Report evidence and platform events.
        Ingest = "ingest",
    }
}

/// An API token exists. Only its hash is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCreated {
    /// Its number.
    pub token: TokenId,
    /// SHA-256 of the token.
    #[serde(serialize_with = "redacted")]
    pub hash: [u8; 32],
    /// Whose it is; none means every account's.
    pub account: Option<AccountId>,
    /// What it allows.
    pub role: Role,
}

fn redacted<S: serde::Serializer>(hash: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.serialize_str("not shown")
    } else {
        hash.serialize(serializer)
    }
}

/// An API token is good for nothing from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRevoked {
    /// Its number; none is given twice.
    pub token: TokenId,
    /// Whose it was; none means every account's.
    pub account: Option<AccountId>,
    /// What it allowed.
    pub role: Role,
}

/// Secrets are sealed under a key from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealingKeyIntroduced {
    /// Its name.
    pub key: KeyId,
    /// A known text sealed under it: opening it proves the key.
    pub proof: Sealed,
}

/// Secrets are sealed under another key from here on. What was sealed before stays as it is: the
/// keys that open it are in here, sealed under the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealingKeyRotated {
    /// The new key's name.
    pub key: KeyId,
    /// A known text sealed under it: opening it proves the key.
    pub proof: Sealed,
    /// Every key there was before.
    pub older: Vec<OlderKey>,
}

/// A key that something in the log is still sealed under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OlderKey {
    /// Its name.
    pub key: KeyId,
    /// Its 32 bytes, sealed under the key of now.
    pub sealed: Sealed,
}

/// A webhook number is taken, whether or not a webhook comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookNumberTaken {
    /// The number.
    pub webhook: WebhookId,
}

/// A hook number is taken, whether or not a hook comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookNumberTaken {
    /// The number.
    pub hook: HookId,
    /// The command that it was taken for: repeated, it is given the same again.
    pub request: Uuid,
}

/// A rule number is taken, whether or not a rule comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleNumberTaken {
    /// The number.
    pub rule: RuleId,
    /// The command that it was taken for: repeated, it is given the same again.
    pub request: Uuid,
}

/// From here on inbox events are delivered (`ENABLE_INBOX_EVENTS`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxEventsEnabled {}

/// From here on they are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxEventsDisabled {}

/// From here on administrators are written to (`RELINK_SMTP_URL`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailEnabled {}

/// From here on they are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailDisabled {}

/// A kind of subject has a policy in every account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySet {
    /// Which kind: Chatwoot's model name.
    pub kind: String,
    /// All of it; an empty one means that there is none any more.
    pub policy: Policy,
}

/// An incident of the installation: what all connections of one provider's app have in common. It
/// is named by what makes it one, of which one at most is open at any time; its number is what
/// people call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppIncident {
    /// The how-manieth of the installation.
    pub number: u64,
    /// Whose app.
    pub provider: String,
    /// What kind of failure.
    pub class: Class,
}

/// Nobody wants to hear of an incident of the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppIncidentMuted {
    /// Which.
    pub incident: AppIncident,
}

/// Somebody wants to hear of it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppIncidentUnmuted {
    /// Which.
    pub incident: AppIncident,
}

/// Somebody says that it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppIncidentClosed {
    /// Which.
    pub incident: AppIncident,
}

vocabulary! {
    category "installation";
    /// What can happen to the installation.
    pub enum Event {
        /// See [`TokenCreated`].
        TokenCreated = "token_created" v 1,
        /// See [`TokenRevoked`].
        TokenRevoked = "token_revoked" v 1,
        /// See [`SealingKeyIntroduced`].
        SealingKeyIntroduced = "sealing_key_introduced" v 1,
        /// See [`SealingKeyRotated`].
        SealingKeyRotated = "sealing_key_rotated" v 1,
        /// See [`WebhookNumberTaken`].
        WebhookNumberTaken = "webhook_number_taken" v 1,
        /// See [`HookNumberTaken`].
        HookNumberTaken = "hook_number_taken" v 1,
        /// See [`RuleNumberTaken`].
        RuleNumberTaken = "rule_number_taken" v 1,
        /// See [`InboxEventsEnabled`].
        InboxEventsEnabled = "inbox_events_enabled" v 1,
        /// See [`InboxEventsDisabled`].
        InboxEventsDisabled = "inbox_events_disabled" v 1,
        /// See [`MailEnabled`].
        MailEnabled = "mail_enabled" v 1,
        /// See [`MailDisabled`].
        MailDisabled = "mail_disabled" v 1,
        /// See [`PolicySet`].
        PolicySet = "policy_set" v 1,
        /// See [`AppIncidentMuted`].
        AppIncidentMuted = "app_incident_muted" v 1,
        /// See [`AppIncidentUnmuted`].
        AppIncidentUnmuted = "app_incident_unmuted" v 1,
        /// See [`AppIncidentClosed`].
        AppIncidentClosed = "app_incident_closed" v 1,
    }
}
