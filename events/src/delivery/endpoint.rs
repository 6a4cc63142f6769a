//! What can happen to the endpoint that a ledger belongs to.

use serde::{Deserialize, Serialize};

use super::AttemptClass;
use crate::webhook::Ordering;
use crate::{Actor, Timestamp, words};

/// Its deliveries are made in another order from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointPaced {
    /// What waits for what.
    pub ordering: Ordering,
}

/// It has another url: what was known of its health is known of another place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointMoved {}

/// Several deliveries in a row failed: from here on one at a time is tried, at no cost to the
/// schedule of any, until one is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointFailing {
    /// When the first of the failures began.
    pub since: Timestamp,
    /// What kind of failure that was.
    pub class: AttemptClass,
    /// What happened then, in words.
    pub detail: String,
    /// When it is tried next.
    pub probe_at: Timestamp,
}

/// One that was failing took a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointRecovered {
    /// When the first of the failures began.
    pub since: Timestamp,
    /// When it took one.
    pub at: Timestamp,
}

/// Something that its owner should know before it is too late; each is told once in a row of
/// failures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointWarned {
    /// What.
    pub warning: Warning,
    /// What happened, in words.
    pub detail: String,
    /// When the first of the failures began.
    pub since: Timestamp,
    /// When it will be disabled if nothing is taken until then.
    pub disables_at: Timestamp,
}

words! {
    /// What an owner is warned of.
    pub enum Warning {
        /// It answers 404: nobody is there.
        NotFound = "not_found",
        /// It answers 401 or 403: it does not believe us.
        Unauthorized = "unauthorized",
        /// No TLS, such as with an expired certificate.
        Tls = "tls",
        /// Half of the time is over after which it is disabled.
        Half = "half",
        /// 70 % of it.
        Most = "most",
        /// 90 % of it.
        Nearly = "nearly",
    }
}

/// What it is owed is held until somebody enables it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointDisabled {
    /// Which rule said so.
    pub rule: DisableRule,
    /// Why, in words.
    pub reason: String,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// When the first of the failures began that led to it; none where none did.
    pub since: Option<Timestamp>,
    /// How many it is owed then; none where that was not written down yet.
    pub held: Option<u64>,
}

words! {
    /// Why an endpoint is disabled.
    pub enum DisableRule {
        /// It answered 410.
        Gone = "gone",
        /// It took nothing for too long.
        Failing = "failing",
        /// Somebody asked for it.
        Asked = "asked",
    }
}

/// What it is owed is held for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointPaused {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// It is neither disabled nor paused any more, and nothing is held against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointEnabled {
    /// What became of that which was held.
    pub backlog: Backlog,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

words! {
    /// What becomes of that which was held.
    pub enum Backlog {
        /// It is delivered.
        All = "all",
        /// The newest of each key is; what has no key is.
        NewestPerKey = "newest_per_key",
        /// It is abandoned.
        None = "none",
    }
}
