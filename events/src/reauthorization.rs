//! The state machine that every subject shares which can need reauthorization.
//!
//! Chatwoot keeps a counter and a flag in Redis, checks then sets, and forgets why
//! (`Reauthorizable`). Here a transition is one event with its cause, decided by the only writer
//! of the stream, so that two prompts at once make one transition.

use serde::{Deserialize, Serialize};

use crate::Fold;
use crate::evidence::{Class, Evidence, Verdict};

/// A call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationErrorRecorded {
    /// What was reported.
    pub evidence: Evidence,
    /// What it was taken for.
    pub verdict: Verdict,
    /// How many errors count now.
    pub count: u32,
}

/// A call worked, for the first time since an error or since ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationSucceeded {}

/// Somebody must reauthorize.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReauthorizationRequired {
    /// Why.
    pub cause: Cause,
}

/// The subject was reauthorized, or its count cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reauthorized {
    /// Whether that was needed: only then is it a transition.
    pub was_required: bool,
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
            $crate::reauthorization::Event::Reauthorized(_) => concat!($category, ".reauthorized"),
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
            _ => None,
        }
    };
}
pub(crate) use known;

impl Event {
    /// What stands behind the category and its full stop, and every version that has shipped.
    pub(crate) const SHAPES: &[(&str, u16)] = &[
        ("authorization_error_recorded", 1),
        ("authorization_succeeded", 1),
        ("reauthorization_required", 1),
        ("reauthorized", 1),
    ];

    pub(crate) fn version(&self) -> u16 {
        match self {
            Self::AuthorizationErrorRecorded(_)
            | Self::AuthorizationSucceeded(_)
            | Self::ReauthorizationRequired(_)
            | Self::Reauthorized(_) => 1,
        }
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        match self {
            Self::AuthorizationErrorRecorded(payload) => postcard::to_stdvec(payload),
            Self::AuthorizationSucceeded(payload) => postcard::to_stdvec(payload),
            Self::ReauthorizationRequired(payload) => postcard::to_stdvec(payload),
            Self::Reauthorized(payload) => postcard::to_stdvec(payload),
        }
    }

    pub(crate) fn view(&self) -> serde_json::Result<serde_json::Value> {
        match self {
            Self::AuthorizationErrorRecorded(payload) => serde_json::to_value(payload),
            Self::AuthorizationSucceeded(payload) => serde_json::to_value(payload),
            Self::ReauthorizationRequired(payload) => serde_json::to_value(payload),
            Self::Reauthorized(payload) => serde_json::to_value(payload),
        }
    }

    pub(crate) fn decode(
        name: &str,
        version: u16,
        data: &[u8],
    ) -> Result<Self, crate::codec::Problem> {
        use crate::codec::exact;
        match (name, version) {
            ("authorization_error_recorded", 1) => {
                exact(data).map(Self::AuthorizationErrorRecorded)
            }
            ("authorization_succeeded", 1) => exact(data).map(Self::AuthorizationSucceeded),
            ("reauthorization_required", 1) => exact(data).map(Self::ReauthorizationRequired),
            ("reauthorized", 1) => exact(data).map(Self::Reauthorized),
            _ => Err(crate::codec::Problem::Unknown),
        }
    }
}

/// What a subject's owner or the platform says about its authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A call failed.
    RecordError {
        /// What was reported.
        evidence: Evidence,
        /// What it was taken for.
        verdict: Verdict,
    },
    /// A call worked.
    RecordSuccess,
    /// Somebody must reauthorize, whatever the count.
    Prompt {
        /// In the platform's own words.
        reason: Option<String>,
    },
    /// Somebody did.
    Reauthorize,
}

/// A subject's authorization as its events tell it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Reauthorization {
    /// Errors that count since the last success or reauthorization.
    pub error_count: u32,
    /// Whether somebody must reauthorize.
    pub required: bool,
    /// Whether the last thing heard was a success.
    succeeding: bool,
}

impl Reauthorization {
    /// What the command brings about at this threshold; nothing where nothing changes.
    pub fn decide(&self, command: Command, threshold: u32) -> Vec<Event> {
        match command {
            Command::RecordError { evidence, verdict } => {
                self.record_error(evidence, verdict, threshold)
            }
            Command::RecordSuccess if self.succeeding => vec![],
            Command::RecordSuccess => {
                vec![Event::AuthorizationSucceeded(AuthorizationSucceeded {})]
            }
            Command::Prompt { .. } if self.required => vec![],
            Command::Prompt { reason } => {
                let cause = Cause::Prompted { reason };
                vec![Event::ReauthorizationRequired(ReauthorizationRequired { cause })]
            }
            Command::Reauthorize if self.required || self.error_count > 0 => {
                vec![Event::Reauthorized(Reauthorized { was_required: self.required })]
            }
            Command::Reauthorize => vec![],
        }
    }

    fn record_error(&self, evidence: Evidence, verdict: Verdict, threshold: u32) -> Vec<Event> {
        let counts = u32::from(verdict.class.counts());
        let count = self.error_count.saturating_add(counts);
        let mut events = Vec::with_capacity(2);
        let cause = (counts > 0 && count >= threshold && !self.required)
            .then(|| Cause::Threshold { count, threshold, verdict: verdict.clone() });
        let recorded = AuthorizationErrorRecorded { evidence, verdict, count };
        events.push(Event::AuthorizationErrorRecorded(recorded));
        events.extend(
            cause.map(|cause| Event::ReauthorizationRequired(ReauthorizationRequired { cause })),
        );
        events
    }
}

impl Fold for Reauthorization {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::AuthorizationErrorRecorded(recorded) => {
                self.error_count = recorded.count;
                self.succeeding = false;
            }
            Event::AuthorizationSucceeded(_) => {
                self.succeeding = true;
                if !self.required {
                    self.error_count = 0;
                }
            }
            Event::ReauthorizationRequired(_) => self.required = true,
            Event::Reauthorized(_) => {
                self.error_count = 0;
                self.required = false;
                self.succeeding = false;
            }
        }
    }
}

/// How many errors it takes where nobody said otherwise.
///
/// As in Chatwoot: `AUTHORIZATION_ERROR_THRESHOLD` is 2 in `Reauthorizable`, 10 in
/// `Channel::Email`, 1 in `Channel::Instagram` and `Channel::Tiktok`.
pub fn threshold(channel_type: &str) -> u32 {
    match channel_type {
        "Channel::Email" => 10,
        "Channel::Instagram" | "Channel::Tiktok" => 1,
        _ => 2,
    }
}

/// Whether a class says that reauthorizing will not help.
pub const fn blocks(class: Class) -> bool {
    matches!(class, Class::Policy | Class::Billing | Class::UserAction)
}

#[cfg(test)]
mod tests;
