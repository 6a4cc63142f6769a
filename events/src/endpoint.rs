//! Whoever can be owed deliveries: each has a ledger of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AccountId, InboxId, ParseIdError, WebhookId};

/// As many bits of a number as a delivery id has room for beside the kind.
const NUMBER_BITS: u32 = 44;

/// Somewhere deliveries go. Numbers are below 2^44.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EndpointId {
    /// A subscriber's webhook; its ledger is `ledger-7`.
    Webhook(WebhookId),
    /// The webhook of an API inbox; its ledger is `ledger-inbox.42`.
    Inbox(InboxId),
    /// Mail to the administrators of an account; its ledger is `ledger-mail.1`.
    Mail(AccountId),
}

impl EndpointId {
    /// The webhook, where it is one.
    pub fn webhook(self) -> Option<WebhookId> {
        match self {
            Self::Webhook(webhook) => Some(webhook),
            Self::Inbox(_) | Self::Mail(_) => None,
        }
    }

    /// Every word for a kind.
    pub const KINDS: [&str; 3] = ["webhook", "inbox", "mail"];

    /// A word for its kind.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Webhook(_) => Self::KINDS[0],
            Self::Inbox(_) => Self::KINDS[1],
            Self::Mail(_) => Self::KINDS[2],
        }
    }

    /// Kind and number in 48 bits; webhooks came first and are their plain number.
    pub(crate) fn packed(self) -> u64 {
        match self {
            Self::Webhook(WebhookId(number)) => number,
            Self::Inbox(InboxId(number)) => number | 1 << NUMBER_BITS,
            Self::Mail(AccountId(number)) => number | 2 << NUMBER_BITS,
        }
    }

    pub(crate) fn unpacked(packed: u64) -> Self {
        let number = packed & ((1 << NUMBER_BITS) - 1);
        match packed >> NUMBER_BITS {
            1 => Self::Inbox(InboxId(number)),
            2 => Self::Mail(AccountId(number)),
            _ => Self::Webhook(WebhookId(packed)),
        }
    }
}

impl From<WebhookId> for EndpointId {
    fn from(webhook: WebhookId) -> Self {
        Self::Webhook(webhook)
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook(webhook) => webhook.fmt(f),
            Self::Inbox(inbox) => write!(f, "inbox.{inbox}"),
            Self::Mail(account) => write!(f, "mail.{account}"),
        }
    }
}

impl FromStr for EndpointId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('.') {
            Some(("inbox", inbox)) => inbox.parse().map(Self::Inbox),
            Some(("mail", account)) => account.parse().map(Self::Mail),
            Some(_) | None => text.parse().map(Self::Webhook),
        }
    }
}

#[cfg(test)]
mod tests;
