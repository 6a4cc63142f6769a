//! An integration hook: one application that an account, or one inbox of it, is connected to.

use serde::{Deserialize, Serialize};

use crate::switch::OffCause;
use crate::vocabulary::vocabulary;
use crate::{AccountId, InboxId, Sealed};

/// What a hook works for (Chatwoot's `hook_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The whole account.
    Account,
    /// This inbox alone.
    Inbox(InboxId),
}

impl Scope {
    /// Chatwoot's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Inbox(_) => "inbox",
        }
    }

    /// The inbox, where it is one.
    pub const fn inbox(self) -> Option<InboxId> {
        match self {
            Self::Account => None,
            Self::Inbox(inbox) => Some(inbox),
        }
    }
}

/// An account connected an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The tenant.
    pub account: AccountId,
    /// Chatwoot's name of the application: `slack`.
    pub app: String,
    /// What it works for.
    pub scope: Scope,
    /// What the application calls the other end: a channel of Slack.
    pub reference: Option<String>,
    /// Settings that may be shown, a JSON object.
    pub settings: String,
    /// All other settings, a sealed JSON object.
    pub credentials: Option<Sealed>,
    /// The application's token, sealed.
    pub access_token: Option<Sealed>,
    /// Whether it works from the start.
    pub enabled: bool,
}

/// Its settings are others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsChanged {
    /// All that may be shown, a JSON object.
    pub settings: String,
    /// All others, a sealed JSON object.
    pub credentials: Option<Sealed>,
}

/// Its token is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenReplaced {
    /// The new one, sealed.
    pub access_token: Sealed,
}

/// It works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enabled {}

/// It does not work any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Why: what was disabled by hand stays so.
    pub cause: OffCause,
}

/// It is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {}

vocabulary! {
    category "hook";
    /// What can happen to an integration hook.
    pub enum Event {
        /// See [`Created`].
        Created = "created" v 1,
        /// See [`SettingsChanged`].
        SettingsChanged = "settings_changed" v 1,
        /// See [`AccessTokenReplaced`].
        AccessTokenReplaced = "access_token_replaced" v 1,
        /// See [`Enabled`].
        Enabled = "enabled" v 1,
        /// See [`Disabled`].
        Disabled = "disabled" v 1,
        /// See [`Deleted`].
        Deleted = "deleted" v 1,
    }
    shares reauthorization as Reauthorization;
}
