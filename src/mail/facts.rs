//! What a mail is about, as the fan-out fixed it when it happened; see `actors::fanout::mail`.

use serde::Deserialize;

/// The body of a delivery by mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Facts {
    pub(super) to: Vec<String>,
    pub(super) locale: Option<String>,
    pub(super) account: Account,
    #[serde(flatten)]
    pub(super) about: About,
    pub(super) reason: Option<Reason>,
    /// RFC 3339 in UTC, as are all times.
    pub(super) since: String,
    pub(super) until: Option<String>,
    /// When the credential ends, where that is what it is about.
    pub(super) expires_at: Option<String>,
    pub(super) evidence_count: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Account {
    pub(super) id: u64,
    pub(super) name: String,
}

/// Each under a key of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum About {
    Inbox { id: u64, name: String, channel_type: String },
    Hook { app_id: String },
    Rule { name: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Reason {
    pub(super) provider: Option<String>,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
}

/// What a mail tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Somebody must act.
    Broken,
    /// Nobody must any more.
    Mended,
    /// Somebody must soon.
    Expiring,
}

impl Facts {
    pub(super) fn news(&self) -> News {
        match (&self.until, &self.expires_at) {
            (Some(_), _) => News::Mended,
            (None, Some(_)) => News::Expiring,
            (None, None) => News::Broken,
        }
    }
}
