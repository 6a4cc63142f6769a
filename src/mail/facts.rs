//! What a mail is about, as the fan-out fixed it when it happened; see `actors::fanout::mail`.

use serde::Deserialize;

/// The body of a delivery by mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Facts {
    pub(super) to: Vec<String>,
    pub(super) locale: Option<String>,
    pub(super) account: Account,
    pub(super) inbox: Inbox,
    pub(super) reason: Option<Reason>,
    /// RFC 3339 in UTC, as are all times.
    pub(super) since: String,
    pub(super) until: Option<String>,
    pub(super) evidence_count: u32,
    pub(super) event: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Account {
    pub(super) id: u64,
    pub(super) name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Inbox {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) channel_type: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Reason {
    pub(super) provider: Option<String>,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
}

impl Facts {
    /// Whether somebody must act; else it is over.
    pub(super) fn is_broken(&self) -> bool {
        self.event == actors::fanout::mail::DISCONNECTED
    }
}
