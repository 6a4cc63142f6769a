//! From what is heard of a subject to its state: the table of `domain.md`.

use events::Timestamp;
use events::reauthorization::{AuthorizationErrorRecorded, Cause, Event, blocks};

use super::{Entry, HealthState};

impl Entry {
    /// Takes in what was heard; `threshold` is what holds for it now.
    pub(super) fn assess(&mut self, event: &Event, at: Timestamp, threshold: u32) {
        match event {
            Event::AuthorizationErrorRecorded(recorded) => self.fail(recorded, at, threshold),
            Event::AuthorizationSucceeded(_) => {
                self.last_success_at = Some(at);
                // A mark stands until somebody reauthorizes.
                if !self.required {
                    self.error_count = 0;
                    self.turn(HealthState::Healthy, at, None);
                }
            }
            Event::ReauthorizationRequired(required) => {
                self.required = true;
                self.turn(HealthState::ActionNeeded, at, Some(words(&required.cause)));
            }
            Event::Reauthorized(_) => {
                self.required = false;
                self.error_count = 0;
                self.turn(HealthState::Healthy, at, None);
            }
        }
    }

    fn fail(&mut self, recorded: &AuthorizationErrorRecorded, at: Timestamp, threshold: u32) {
        let AuthorizationErrorRecorded { verdict, count, evidence: _ } = recorded;
        self.last_error_at = Some(at);
        self.last_class = Some(verdict.class);
        self.error_count = *count;
        if self.required {
            return;
        }
        if blocks(verdict.class) {
            return self.turn(HealthState::Blocked, at, Some(verdict.to_string()));
        }
        // Only a success or a reauthorization shows that what blocked it is over.
        if self.state == HealthState::Blocked {
            return;
        }
        let cause = if verdict.class.counts() {
            format!("{count} of {threshold}, {verdict}")
        } else {
            verdict.to_string()
        };
        self.turn(HealthState::Degraded, at, Some(cause));
    }

    /// `since` tells when the state changed, not when it was last confirmed.
    fn turn(&mut self, state: HealthState, at: Timestamp, cause: Option<String>) {
        if self.state != state {
            self.state = state;
            self.since = at;
        }
        self.cause = cause.map(String::into_boxed_str);
    }
}

fn words(cause: &Cause) -> String {
    match cause {
        Cause::Threshold { count, threshold, verdict } => {
            format!("threshold: {count} of {threshold}, {verdict}")
        }
        Cause::Prompted { reason: Some(reason) } => format!("prompted: {reason}"),
        Cause::Prompted { reason: None } => "prompted".to_owned(),
    }
}
