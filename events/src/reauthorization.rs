//! The state machine that every subject shares which can need reauthorization.
//!
//! Chatwoot keeps a counter and a flag in Redis, checks then sets, and forgets why
//! (`Reauthorizable`). Here a transition is one event with its cause, decided by the only writer
//! of the stream, so that two prompts at once make one transition.

mod incident;
mod state;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::codec::reauthorization::{
    AuthorizationErrorRecordedV1, ReauthorizationRequiredV1, ReauthorizedV1,
};
use crate::evidence::{Class, Evidence, Verdict};
use crate::policy::{Policy, Version};

pub use crate::policy::threshold;
pub use incident::{Ending, Incident, Turn, turn};
pub use state::{Command, Reauthorization};

/// A call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationErrorRecorded {
    /// What was reported.
    pub evidence: Evidence,
    /// What it was taken for.
    pub verdict: Verdict,
    /// The version of the table of provider errors that it was taken for that by.
    pub table: u32,
    /// How many errors count now.
    pub count: u32,
    /// How many were too many then; 0 where that was not written down yet.
    pub threshold: u32,
    /// The how-manieth of its subject; the first is 1, and 0 was written before they had numbers.
    pub number: u64,
    /// When; none where that was not written down yet.
    pub at: Option<Timestamp>,
}

/// A call worked, for the first time since an error or since ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationSucceeded {}

/// Somebody must reauthorize.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReauthorizationRequired {
    /// Why.
    pub cause: Cause,
    /// The policies that decided it.
    pub policy: Version,
    /// The numbers of the errors that decided it; nothing where it was prompted.
    pub evidence: Vec<u64>,
}

/// The subject was reauthorized, or its count cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reauthorized {
    /// Whether that was needed: only then is it a transition.
    pub was_required: bool,
    /// Whether a person only said so, by closing the incident.
    pub by_hand: bool,
}

/// Why reauthorization is required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Enough errors came together.
    Threshold {
        /// As many as had come.
        count: u32,
        /// As many as were too many.
        threshold: u32,
        /// What the last of them was taken for.
        verdict: Verdict,
    },
    /// The platform said so.
    Prompted {
        /// In its own words.
        reason: Option<String>,
    },
    /// An error came that needs no second one.
    AtOnce {
        /// The code of the policy that it has.
        code: String,
        /// What it was taken for.
        verdict: Verdict,
    },
}

/// Before there were policies, and where nobody needs to know which one it was.
impl From<Cause> for ReauthorizationRequired {
    fn from(cause: Cause) -> Self {
        Self { cause, policy: Version::default(), evidence: vec![] }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threshold { count, threshold, verdict } => {
                write!(f, "threshold: {count} of {threshold}, {verdict}")
            }
            Self::Prompted { reason: Some(reason) } => write!(f, "prompted: {reason}"),
            Self::Prompted { reason: None } => f.write_str("prompted"),
            Self::AtOnce { verdict, .. } => write!(f, "at once: {verdict}"),
        }
    }
}

/// The subject has a policy of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySet {
    /// All of it.
    pub policy: Policy,
}

/// It is known when the subject's credential ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpirySet {
    /// When; none means that it is not known any more.
    pub expires_at: Option<Timestamp>,
}

/// The subject's credential ends soon. Written once for each step of the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiring {
    /// When it ends.
    pub expires_at: Timestamp,
    /// The step: that many days ahead, or fewer.
    pub days: u32,
}

/// Nobody wants to hear of this incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentMuted {
    /// Its number among those of its subject.
    pub incident: u64,
}

/// Somebody wants to hear of it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentUnmuted {
    /// Its number among those of its subject.
    pub incident: u64,
}

/// What can happen to any such subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// See [`AuthorizationErrorRecorded`].
    AuthorizationErrorRecorded(AuthorizationErrorRecorded),
    /// See [`AuthorizationSucceeded`].
    AuthorizationSucceeded(AuthorizationSucceeded),
    /// See [`ReauthorizationRequired`].
    ReauthorizationRequired(ReauthorizationRequired),
    /// See [`Reauthorized`].
    Reauthorized(Reauthorized),
    /// See [`PolicySet`].
    PolicySet(PolicySet),
    /// See [`ExpirySet`].
    ExpirySet(ExpirySet),
    /// See [`Expiring`].
    Expiring(Expiring),
    /// See [`IncidentMuted`].
    IncidentMuted(IncidentMuted),
    /// See [`IncidentUnmuted`].
    IncidentUnmuted(IncidentUnmuted),
}

macro_rules! kind {
    ($category:literal, $event:expr) => {
        match $event {
            $crate::reauthorization::Event::AuthorizationErrorRecorded(_) => {
                concat!($category, ".authorization_error_recorded")
            }
            $crate::reauthorization::Event::AuthorizationSucceeded(_) => {
                concat!($category, ".authorization_succeeded")
            }
            $crate::reauthorization::Event::ReauthorizationRequired(_) => {
                concat!($category, ".reauthorization_required")
            }
            $crate::reauthorization::Event::Reauthorized(_) => {
                concat!($category, ".reauthorized")
            }
            $crate::reauthorization::Event::PolicySet(_) => {
                concat!($category, ".policy_set")
            }
            $crate::reauthorization::Event::ExpirySet(_) => {
                concat!($category, ".expiry_set")
            }
            $crate::reauthorization::Event::Expiring(_) => {
                concat!($category, ".expiring")
            }
            $crate::reauthorization::Event::IncidentMuted(_) => {
                concat!($category, ".incident_muted")
            }
            $crate::reauthorization::Event::IncidentUnmuted(_) => {
                concat!($category, ".incident_unmuted")
            }
        }
    };
}
pub(crate) use kind;

macro_rules! known {
    ($category:literal, $name:expr) => {
        match $name {
            "authorization_error_recorded" => {
                Some(concat!($category, ".authorization_error_recorded"))
            }
            "authorization_succeeded" => Some(concat!($category, ".authorization_succeeded")),
            "reauthorization_required" => Some(concat!($category, ".reauthorization_required")),
            "reauthorized" => Some(concat!($category, ".reauthorized")),
            "policy_set" => Some(concat!($category, ".policy_set")),
            "expiry_set" => Some(concat!($category, ".expiry_set")),
            "expiring" => Some(concat!($category, ".expiring")),
            "incident_muted" => Some(concat!($category, ".incident_muted")),
            "incident_unmuted" => Some(concat!($category, ".incident_unmuted")),
            _ => None,
        }
    };
}
pub(crate) use known;

impl Event {
    /// What stands behind the category and its full stop, and every version that has shipped.
    pub(crate) const SHAPES: &[(&str, u16)] = &[
        ("authorization_error_recorded", 2),
        ("authorization_error_recorded", 1),
        ("authorization_succeeded", 1),
        ("reauthorization_required", 2),
        ("reauthorization_required", 1),
        ("reauthorized", 2),
        ("reauthorized", 1),
        ("policy_set", 1),
        ("expiry_set", 1),
        ("expiring", 1),
        ("incident_muted", 1),
        ("incident_unmuted", 1),
    ];

    pub(crate) fn version(&self) -> u16 {
        match self {
            Self::AuthorizationErrorRecorded(_)
            | Self::ReauthorizationRequired(_)
            | Self::Reauthorized(_) => 2,
            Self::AuthorizationSucceeded(_)
            | Self::PolicySet(_)
            | Self::ExpirySet(_)
            | Self::Expiring(_)
            | Self::IncidentMuted(_)
            | Self::IncidentUnmuted(_) => 1,
        }
    }

    /// Puts the payload behind what is in `bytes`.
    pub(crate) fn encode(&self, bytes: Vec<u8>) -> Result<Vec<u8>, postcard::Error> {
        match self {
            Self::AuthorizationErrorRecorded(payload) => postcard::to_extend(payload, bytes),
            Self::AuthorizationSucceeded(payload) => postcard::to_extend(payload, bytes),
            Self::ReauthorizationRequired(payload) => postcard::to_extend(payload, bytes),
            Self::Reauthorized(payload) => postcard::to_extend(payload, bytes),
            Self::PolicySet(payload) => postcard::to_extend(payload, bytes),
            Self::ExpirySet(payload) => postcard::to_extend(payload, bytes),
            Self::Expiring(payload) => postcard::to_extend(payload, bytes),
            Self::IncidentMuted(payload) => postcard::to_extend(payload, bytes),
            Self::IncidentUnmuted(payload) => postcard::to_extend(payload, bytes),
        }
    }

    pub(crate) fn view(&self) -> serde_json::Result<serde_json::Value> {
        match self {
            Self::AuthorizationErrorRecorded(payload) => serde_json::to_value(payload),
            Self::AuthorizationSucceeded(payload) => serde_json::to_value(payload),
            Self::ReauthorizationRequired(payload) => serde_json::to_value(payload),
            Self::Reauthorized(payload) => serde_json::to_value(payload),
            Self::PolicySet(payload) => serde_json::to_value(payload),
            Self::ExpirySet(payload) => serde_json::to_value(payload),
            Self::Expiring(payload) => serde_json::to_value(payload),
            Self::IncidentMuted(payload) => serde_json::to_value(payload),
            Self::IncidentUnmuted(payload) => serde_json::to_value(payload),
        }
    }

    pub(crate) fn decode(
        name: &str,
        version: u16,
        data: &[u8],
    ) -> Result<Self, crate::codec::Problem> {
        use crate::codec::exact;
        match (name, version) {
            ("authorization_error_recorded", 2) => {
                exact(data).map(Self::AuthorizationErrorRecorded)
            }
            ("authorization_error_recorded", 1) => exact::<AuthorizationErrorRecordedV1>(data)
                .map(|old| Self::AuthorizationErrorRecorded(old.into())),
            ("authorization_succeeded", 1) => exact(data).map(Self::AuthorizationSucceeded),
            ("reauthorization_required", 2) => exact(data).map(Self::ReauthorizationRequired),
            ("reauthorization_required", 1) => exact::<ReauthorizationRequiredV1>(data)
                .map(|old| Self::ReauthorizationRequired(old.into())),
            ("reauthorized", 2) => exact(data).map(Self::Reauthorized),
            ("reauthorized", 1) => {
                exact::<ReauthorizedV1>(data).map(|old| Self::Reauthorized(old.into()))
            }
            ("policy_set", 1) => exact(data).map(Self::PolicySet),
            ("expiry_set", 1) => exact(data).map(Self::ExpirySet),
            ("expiring", 1) => exact(data).map(Self::Expiring),
            ("incident_muted", 1) => exact(data).map(Self::IncidentMuted),
            ("incident_unmuted", 1) => exact(data).map(Self::IncidentUnmuted),
            _ => Err(crate::codec::Problem::Unknown),
        }
    }
}

/// Whether a class says that reauthorizing will not help.
pub const fn blocks(class: Class) -> bool {
    matches!(class, Class::Policy | Class::Billing | Class::UserAction)
}

#[cfg(test)]
mod tests;
