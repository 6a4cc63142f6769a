//! From what is heard of a subject to its state: the table of `domain.md`.

use events::Timestamp;
use events::evidence::{Class, Verdict};
use events::reauthorization::{AuthorizationErrorRecorded, Cause, Event, blocks};
use serde::{Deserialize, Serialize};

use super::{Assessment, HealthState};
use crate::names::{Name, Names};

/// Why a subject is in its state. Made into words only where somebody reads it: a replay of
/// millions would else do little but write sentences.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Why {
    /// All is well, or nothing is known.
    #[default]
    Nothing,
    /// An error that does not count.
    Error(Failing),
    /// An error that counts, but not yet enough.
    Counted(Tally),
    /// Enough of them.
    Threshold(Tally),
    /// The platform said so.
    Prompted(Option<Box<str>>),
    /// An error came that needs no second one.
    AtOnce(Failing),
    /// The credential ends then.
    Ends(Timestamp),
}

/// What an error was taken for; the rule is one of few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failing {
    class: Class,
    rule: Option<Name>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    count: u32,
    threshold: u32,
    failing: Failing,
}

impl Failing {
    fn of(verdict: &Verdict, rules: &mut Names) -> Self {
        let rule = verdict.rule.as_deref().map(|rule| rules.name(rule));
        Self { class: verdict.class, rule }
    }

    fn words(self, rules: &Names) -> String {
        match self.rule {
            Some(rule) => format!("{} ({})", self.class, rules.text(rule)),
            None => self.class.to_string(),
        }
    }
}

impl Tally {
    fn words(self, rules: &Names) -> String {
        format!("{} of {}, {}", self.count, self.threshold, self.failing.words(rules))
    }
}

impl Why {
    fn of(cause: &Cause, rules: &mut Names) -> Self {
        match cause {
            Cause::Threshold { count, threshold, verdict } => Self::Threshold(Tally {
                count: *count,
                threshold: *threshold,
                failing: Failing::of(verdict, rules),
            }),
            Cause::Prompted { reason } => Self::Prompted(reason.as_deref().map(Into::into)),
            Cause::AtOnce { verdict, code: _ } => Self::AtOnce(Failing::of(verdict, rules)),
        }
    }

    /// For people.
    pub(super) fn words(&self, rules: &Names) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Error(failing) => Some(failing.words(rules)),
            Self::Counted(tally) => Some(tally.words(rules)),
            Self::Threshold(tally) => Some(format!("threshold: {}", tally.words(rules))),
            Self::Prompted(Some(reason)) => Some(format!("prompted: {reason}")),
            Self::Prompted(None) => Some("prompted".to_owned()),
            Self::AtOnce(failing) => Some(format!("at once: {}", failing.words(rules))),
            Self::Ends(at) => Some(format!("the credential ends at {at}")),
        }
    }
}

impl Assessment {
    /// Takes in what was heard; `threshold` is what holds for it now.
    pub(crate) fn assess(
        &mut self,
        event: &Event,
        at: Timestamp,
        threshold: u32,
        rules: &mut Names,
    ) {
        match event {
            Event::AuthorizationErrorRecorded(recorded) => {
                self.fail(recorded, at, threshold, rules);
            }
            Event::AuthorizationSucceeded(_) => {
                self.last_success_at = Some(at);
                // A mark stands until somebody reauthorizes.
                if !self.required {
                    self.error_count = 0;
                    self.recover(at);
                }
            }
            Event::ReauthorizationRequired(required) => {
                self.required = true;
                self.turn(HealthState::ActionNeeded, at, Why::of(&required.cause, rules));
            }
            Event::Reauthorized(_) => {
                self.required = false;
                self.error_count = 0;
                self.recover(at);
            }
            Event::PolicySet(set) => {
                self.more.get_or_insert_default().policy = set.policy.clone();
                self.decided_threshold = 0;
            }
            Event::ExpirySet(set) => {
                let more = self.more.get_or_insert_default();
                (more.expires_at, more.warned) = (set.expires_at, None);
                if self.state == HealthState::Expiring {
                    self.turn(HealthState::Healthy, at, Why::Nothing);
                }
            }
            Event::Expiring(expiring) => {
                self.more.get_or_insert_default().warned = Some(expiring.days);
                if matches!(self.state, HealthState::Healthy | HealthState::Unknown) {
                    self.turn(HealthState::Expiring, at, Why::Ends(expiring.expires_at));
                }
            }
            // Who wants to hear of it is not how it is doing.
            Event::IncidentMuted(_) | Event::IncidentUnmuted(_) => {}
        }
    }

    fn fail(
        &mut self,
        recorded: &AuthorizationErrorRecorded,
        at: Timestamp,
        threshold: u32,
        rules: &mut Names,
    ) {
        let AuthorizationErrorRecorded { verdict, count, .. } = recorded;
        self.last_error_at = Some(at);
        self.error_count = *count;
        self.decided_threshold = recorded.threshold;
        // What concerns one contact or one wrong call says nothing of the connection.
        if !verdict.troubles() {
            return;
        }
        self.last_class = Some(verdict.class);
        if self.required {
            return;
        }
        let threshold = if recorded.threshold > 0 { recorded.threshold } else { threshold };
        let failing = Failing::of(verdict, rules);
        if blocks(verdict.class) {
            self.turn(HealthState::Blocked, at, Why::Error(failing));
        } else if self.state == HealthState::Blocked {
            // Only a success or a reauthorization shows that what blocked it is over.
        } else if verdict.counts() {
            let tally = Tally { count: *count, threshold, failing };
            self.turn(HealthState::Degraded, at, Why::Counted(tally));
        } else {
            self.turn(HealthState::Degraded, at, Why::Error(failing));
        }
    }

    /// All is well again; a credential that ends soon still does.
    fn recover(&mut self, at: Timestamp) {
        let told = self.more.as_ref().filter(|more| more.warned.is_some());
        match told.and_then(|more| more.expires_at) {
            Some(end) => self.turn(HealthState::Expiring, at, Why::Ends(end)),
            None => self.turn(HealthState::Healthy, at, Why::Nothing),
        }
    }

    /// `since` tells when the state changed, not when it was last confirmed.
    fn turn(&mut self, state: HealthState, at: Timestamp, why: Why) {
        if self.state != state {
            self.state = state;
            self.since = at;
        }
        self.why = why;
    }
}
