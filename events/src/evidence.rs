//! One report that a call with a subject's credential failed, and what was made of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a provider answered, as far as it was reported.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Who answered: `meta`, `google`, `slack` ...
    pub provider: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The provider's error code: `190`, `invalid_grant`.
    pub code: Option<String>,
    /// The provider's error subcode: `460`.
    pub subcode: Option<String>,
    /// The provider's words.
    pub message: Option<String>,
    /// The raw answer, capped and with credentials taken out.
    pub body: Option<String>,
}

/// Declares an enum whose cases are words: on the wire of JSON and on the command line.
#[macro_export]
macro_rules! words {
    (
        $(#[$doc:meta])*
        pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every one, in the order of the wire.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word that stands for it in JSON and on the command line.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::evidence::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .iter()
                    .find(|one| one.as_str() == word)
                    .copied()
                    .ok_or_else(|| {
                        $crate::evidence::UnknownWord::new(word, &[$($word),*])
                    })
            }
        }
    };
}

/// A word that is none of those that are known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is none of {known}")]
pub struct UnknownWord {
    word: String,
    known: String,
}

impl UnknownWord {
    /// The word, and those that are known.
    pub fn new(word: &str, known: &[&str]) -> Self {
        Self { word: word.to_owned(), known: known.join(", ") }
    }
}

words! {
    /// What kind of failure it is; the kind decides who must act.
    pub enum Class {
        /// The authorization is gone: somebody must reauthorize.
        Auth = "auth",
        /// A scope or role is missing.
        Permission = "permission",
        /// A person must first do something at the provider.
        UserAction = "user_action",
        /// The operator's set-up is wrong.
        Config = "config",
        /// A WhatsApp number is not, or no longer, registered.
        Registration = "registration",
        /// Banned or restricted.
        Policy = "policy",
        /// The provider wants money.
        Billing = "billing",
        /// Too many calls.
        Rate = "rate",
        /// It will pass.
        Transient = "transient",
        /// Only this contact.
        Recipient = "recipient",
        /// Our call was wrong.
        Request = "request",
        /// The inbound path.
        Webhook = "webhook",
        /// Two hold the same thing.
        Conflict = "conflict",
        /// The other end is not connected.
        Disconnected = "disconnected",
        /// Nobody knows yet.
        Unknown = "unknown",
    }
}

impl Class {
    /// Whether it counts towards reauthorization.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Auth | Self::Permission)
    }
}

words! {
    /// How far a failure reaches.
    pub enum Scope {
        /// Every connection of the installation's app.
        App = "app",
        /// Everything under one authorization.
        Account = "account",
        /// One channel.
        Channel = "channel",
        /// Where the message was going.
        Destination = "destination",
        /// One contact.
        Recipient = "recipient",
        /// One message template.
        Template = "template",
        /// One call.
        Request = "request",
        /// Nobody knows yet.
        Unknown = "unknown",
    }
}

/// What a piece of evidence was taken for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What kind of failure.
    pub class: Class,
    /// How far it reaches.
    pub scope: Scope,
    /// The row of the table of provider errors that matched: `meta 190/460`.
    pub rule: Option<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Some(rule) => write!(f, "{} ({rule})", self.class),
            None => self.class.fmt(f),
        }
    }
}
