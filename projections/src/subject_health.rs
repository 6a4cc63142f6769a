//! How a subject is doing, whatever it is: its state, since when, why, and what to do.

mod advice;
mod assess;
mod expiring;

use events::evidence::Class;
use events::policy::{Policy, Rules};
use events::{Timestamp, words};
use serde::{Deserialize, Serialize};

use crate::names::Names;

pub(crate) use advice::Cure;
use assess::Why;
pub(crate) use expiring::AHEAD_MAX;

const EMPTY: Policy =
    Policy { threshold: None, window_s: None, at_once: None, expiring_days: None };

words! {
    /// How a subject is doing.
    pub enum HealthState {
        /// The last call worked, or it was reauthorized.
        Healthy = "healthy",
        /// Errors under the threshold, or such as do not count.
        Degraded = "degraded",
        /// Reauthorization is required.
        ActionNeeded = "action_needed",
        /// Policy, billing or a person's task: reauthorizing will not help.
        Blocked = "blocked",
        /// The credential ends soon.
        Expiring = "expiring",
        /// Nothing has been heard of it.
        Unknown = "unknown",
    }
}

/// A subject's health as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// How it is doing.
    pub state: HealthState,
    /// Since when it has been in this state.
    pub since: Timestamp,
    /// Why: `threshold: 2 of 2, auth (meta 190/460)`; none where all is well or nothing is known.
    pub cause: Option<String>,
    /// When a call was last reported to work, for the first time since an error.
    pub last_success_at: Option<Timestamp>,
    /// When a call was last reported to fail.
    pub last_error_at: Option<Timestamp>,
    /// What that failure was taken for.
    pub last_error_class: Option<Class>,
    /// Errors that count since the last success or reauthorization.
    pub authorization_error_count: u32,
    /// How many of them are too many.
    pub threshold: u32,
    /// Whether somebody must reauthorize.
    pub reauthorization_required: bool,
    /// What to do, for people; none where nothing is to be done.
    pub next_action: Option<&'static str>,
    /// When its credential ends, as far as anybody knows.
    pub expires_at: Option<Timestamp>,
    /// The step of that end which was told last, in days ahead.
    pub told_days: Option<u32>,
}

/// What is kept of a subject's health. Small, because there may be a million subjects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assessment {
    why: Why,
    since: Timestamp,
    last_success_at: Option<Timestamp>,
    last_error_at: Option<Timestamp>,
    error_count: u32,
    /// By which the last error was decided; 0 before the first.
    decided_threshold: u32,
    state: HealthState,
    last_class: Option<Class>,
    required: bool,
    /// What few subjects have.
    more: Option<Box<More>>,
}

/// What is kept of a subject with a policy of its own, or a credential with a known end.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct More {
    policy: Policy,
    expires_at: Option<Timestamp>,
    /// The step of that expiry which was told last.
    warned: Option<u32>,
}

impl Assessment {
    /// Nothing has been heard of it since it is there.
    pub(crate) fn new(at: Timestamp) -> Self {
        Self {
            why: Why::Nothing,
            since: at,
            last_success_at: None,
            last_error_at: None,
            error_count: 0,
            decided_threshold: 0,
            state: HealthState::Unknown,
            last_class: None,
            required: false,
            more: None,
        }
    }

    /// How it is doing.
    pub(crate) fn state(&self) -> HealthState {
        self.state
    }

    /// Its own policy; an empty one where it has none.
    pub(crate) fn policy(&self) -> &Policy {
        self.more.as_ref().map_or(&EMPTY, |more| &more.policy)
    }

    /// When its credential ends, as far as anybody knows.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        self.more.as_ref()?.expires_at
    }

    /// By which the last error was decided; none before the first, and where that was not written.
    pub(crate) fn decided_threshold(&self) -> Option<u32> {
        Some(self.decided_threshold).filter(|threshold| *threshold > 0)
    }

    /// Another threshold holds from here on, whatever was decided by the last one.
    pub(crate) fn forget_threshold(&mut self) {
        self.decided_threshold = 0;
    }

    /// Whether a step before the end of its credential is reached and was not told yet.
    pub(crate) fn is_owed_a_warning(&self, rules: &Rules<'_>, now: Timestamp) -> bool {
        self.more.as_ref().is_some_and(|more| expiring::step(more, rules, now).is_some())
    }

    /// In full, at this threshold.
    pub(crate) fn shown(&self, threshold: u32, rules: &Names, cure: &Cure) -> Health {
        Health {
            state: self.state,
            since: self.since,
            cause: self.why.words(rules),
            last_success_at: self.last_success_at,
            last_error_at: self.last_error_at,
            last_error_class: self.last_class,
            authorization_error_count: self.error_count,
            threshold,
            reauthorization_required: self.required,
            next_action: advice::next_action(self.state, self.last_class, cure),
            expires_at: self.expires_at(),
            told_days: self.more.as_ref().and_then(|more| more.warned),
        }
    }
}
