//! Streams are named `category-id`; a category has no hyphen, because EventStoreDB ends it at
//! the first one.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{AccountId, EndpointId, HookId, InboxId, ParseIdError, RuleId, WebhookId};

macro_rules! categories {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What kind of history a stream holds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Category {
            $($(#[$doc])* $name,)*
        }

        impl Category {
            /// Every one: an engine that is shared with others tells by them what is ours.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word before the hyphen of the stream's name and before the full stop of its
            /// events.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

categories! {
    /// An account, and which webhook urls it has given away.
    Account = "account",
    /// An inbox: registration, evidence and reauthorization.
    Inbox = "inbox",
    /// A webhook endpoint: its settings.
    Webhook = "webhook",
    /// What one webhook is owed. A stream of its own, so that it can be truncated behind a
    /// snapshot without touching the endpoint's history.
    Ledger = "ledger",
    /// What the host platform reported, by account.
    Platform = "platform",
    /// Facts of the whole installation: tokens, sealing keys, webhook numbers.
    Installation = "installation",
    /// How far the fan-out has come.
    Fanout = "fanout",
    /// One request with an `Idempotency-Key`, and its answer.
    Request = "request",
    /// An integration hook: settings, evidence and reauthorization.
    Hook = "hook",
    /// An automation rule: what it says, evidence and reauthorization.
    Rule = "rule",
}

/// The name of a stream, cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// The stream of one thing of a category.
    pub fn new(category: Category, id: impl fmt::Display) -> Self {
        Self(format!("{}-{id}", category.as_str()).into())
    }

    /// The one stream of the installation.
    pub fn installation() -> Self {
        Self::new(Category::Installation, 1)
    }

    /// The one stream of the fan-out.
    pub fn fanout() -> Self {
        Self::new(Category::Fanout, 1)
    }

    /// A name as a log holds it, whoever wrote it.
    pub fn from_log(name: &str) -> Self {
        Self(name.into())
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first hyphen.
    pub fn category(&self) -> &str {
        self.0.split_once('-').map_or(&*self.0, |(category, _)| category)
    }

    /// The endpoint whose ledger it is, where it is one.
    pub fn endpoint(&self) -> Option<EndpointId> {
        let ledger = Category::Ledger.as_str();
        self.0.strip_prefix(ledger)?.strip_prefix('-')?.parse().ok()
    }

    /// The number behind the first hyphen, where it is one.
    pub fn number(&self) -> Option<u64> {
        self.0.split_once('-').and_then(|(_, id)| id.parse().ok())
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something whose history can be asked for by name: `inbox/42`, `webhook/7`, `hook/3`, `rule/5`,
/// `account/1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// `account/1`
    Account(AccountId),
    /// `inbox/42`
    Inbox(InboxId),
    /// `webhook/7`
    Webhook(WebhookId),
    /// `hook/3`
    Hook(HookId),
    /// `rule/5`
    Rule(RuleId),
}

impl Subject {
    /// The stream that holds the subject's history.
    pub fn stream(self) -> StreamName {
        match self {
            Self::Account(id) => StreamName::new(Category::Account, id),
            Self::Inbox(id) => StreamName::new(Category::Inbox, id),
            Self::Webhook(id) => StreamName::new(Category::Webhook, id),
            Self::Hook(id) => StreamName::new(Category::Hook, id),
            Self::Rule(id) => StreamName::new(Category::Rule, id),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "account/{id}"),
            Self::Inbox(id) => write!(f, "inbox/{id}"),
            Self::Webhook(id) => write!(f, "webhook/{id}"),
            Self::Hook(id) => write!(f, "hook/{id}"),
            Self::Rule(id) => write!(f, "rule/{id}"),
        }
    }
}

/// A text that names no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseSubjectError {
    /// The word before the slash is none of ours.
    #[error("{0:?} is no subject; say inbox/42, webhook/7, hook/3, rule/5 or account/1")]
    Kind(String),
    /// What stands behind the slash is no number.
    #[error(transparent)]
    Id(#[from] ParseIdError),
}

impl FromStr for Subject {
    type Err = ParseSubjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some(("account", id)) => Ok(Self::Account(id.parse()?)),
            Some(("inbox", id)) => Ok(Self::Inbox(id.parse()?)),
            Some(("webhook", id)) => Ok(Self::Webhook(id.parse()?)),
            Some(("hook", id)) => Ok(Self::Hook(id.parse()?)),
            Some(("rule", id)) => Ok(Self::Rule(id.parse()?)),
            _ => Err(ParseSubjectError::Kind(text.to_owned())),
        }
    }
}

impl From<AccountId> for Subject {
    fn from(id: AccountId) -> Self {
        Self::Account(id)
    }
}

impl From<InboxId> for Subject {
    fn from(id: InboxId) -> Self {
        Self::Inbox(id)
    }
}

impl From<WebhookId> for Subject {
    fn from(id: WebhookId) -> Self {
        Self::Webhook(id)
    }
}
