//! What a subject's authorization is, and what is decided about it.

use std::time::Duration;

use super::{
    AuthorizationErrorRecorded, AuthorizationSucceeded, Cause, Event, Expiring, ExpirySet,
    Incident, IncidentMuted, IncidentUnmuted, PolicySet, ReauthorizationRequired, Reauthorized,
    Turn, blocks, turn,
};
use crate::evidence::{Class, Evidence, Verdict};
use crate::policy::{Layers, Policy, Rules};
use crate::{Fold, Timestamp};

/// As many of the errors that count as are remembered: no threshold may be higher.
const COUNTED_MAX: usize = 1_000;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a subject's owner or the platform says about its authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A call failed.
    RecordError {
        /// What was reported.
        evidence: Evidence,
        /// What it was taken for.
        verdict: Verdict,
        /// The version of the table of provider errors that said so.
        table: u32,
        /// When.
        at: Timestamp,
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
    /// Somebody says that this incident is over.
    CloseIncident {
        /// Its number among those of its subject.
        incident: u64,
    },
    /// Nobody wants to hear of this incident, or somebody does again.
    MuteIncident {
        /// Its number among those of its subject.
        incident: u64,
        /// Whether nobody does.
        muted: bool,
    },
    /// The subject has a policy of its own; an empty one means that it has none.
    SetPolicy(Policy),
    /// When the credential ends; none means that nobody knows.
    SetExpiry(Option<Timestamp>),
    /// Tells of the end of the credential, if a step of the policy is reached.
    WarnOfExpiry {
        /// The present moment.
        now: Timestamp,
    },
}

/// A subject's authorization as its events tell it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Reauthorization {
    /// Errors that count since the last success or reauthorization.
    pub error_count: u32,
    /// Whether somebody must reauthorize.
    pub required: bool,
    /// Why reauthorizing will not help: what the last blocking error was taken for.
    pub blocked: Option<Class>,
    /// The incident that it is in.
    pub incident: Option<Incident>,
    /// When the credential ends.
    pub expires_at: Option<Timestamp>,
    /// Its own policy.
    pub policy: Policy,
    /// How often that was changed.
    pub policy_version: u32,
    /// Whether the last thing heard was a success.
    succeeding: bool,
    /// How many errors were ever recorded.
    errors: u64,
    /// How many incidents there ever were.
    incidents: u64,
    /// The errors that count, the last of them last: number and time.
    counted: Vec<(u64, Option<Timestamp>)>,
    /// The step of this expiry that was told last.
    warned: Option<u32>,
}

impl Reauthorization {
    /// What holds for a subject of this kind beside its own policy.
    pub fn rules<'a>(&'a self, kind: &str, layers: &'a Layers) -> Rules<'a> {
        Rules::of(layers, kind, &self.policy, self.policy_version)
    }

    /// What the command brings about by these rules; nothing where nothing changes.
    pub fn decide(&self, command: Command, rules: &Rules<'_>) -> Vec<Event> {
        match command {
            Command::RecordError { evidence, verdict, table, at } => {
                self.record_error(evidence, verdict, table, at, rules)
            }
            Command::RecordSuccess if self.succeeding => vec![],
            Command::RecordSuccess => {
                vec![Event::AuthorizationSucceeded(AuthorizationSucceeded {})]
            }
            Command::Prompt { .. } if self.required => vec![],
            Command::Prompt { reason } => {
                let (policy, evidence) = (rules.version, vec![]);
                let cause = Cause::Prompted { reason };
                let required = ReauthorizationRequired { cause, policy, evidence };
                vec![Event::ReauthorizationRequired(required)]
            }
            Command::Reauthorize if self.has_something_to_clear() => vec![self.clear(false)],
            Command::CloseIncident { incident } if self.is_in(incident) => vec![self.clear(true)],
            Command::Reauthorize | Command::CloseIncident { .. } => vec![],
            Command::MuteIncident { incident, muted } => self.mute(incident, muted),
            Command::SetPolicy(policy) if policy == self.policy => vec![],
            Command::SetPolicy(policy) => vec![Event::PolicySet(PolicySet { policy })],
            Command::SetExpiry(expires_at) if expires_at == self.expires_at => vec![],
            Command::SetExpiry(expires_at) => vec![Event::ExpirySet(ExpirySet { expires_at })],
            Command::WarnOfExpiry { now } => self.warn(now, rules),
        }
    }

    /// Whether nobody wants to hear of the incident that it is in.
    pub fn is_muted(&self) -> bool {
        self.incident.is_some_and(|incident| incident.muted)
    }

    /// What is left when its subject is removed: numbers that must not be given twice.
    #[must_use]
    pub fn removed(&self) -> Self {
        Self { errors: self.errors, incidents: self.incidents, ..Self::default() }
    }

    fn has_something_to_clear(&self) -> bool {
        self.required || self.error_count > 0 || self.blocked.is_some() || self.incident.is_some()
    }

    fn clear(&self, by_hand: bool) -> Event {
        Event::Reauthorized(Reauthorized { was_required: self.required, by_hand })
    }

    fn is_in(&self, incident: u64) -> bool {
        self.incident.is_some_and(|it| it.number == incident)
    }

    fn mute(&self, incident: u64, mute: bool) -> Vec<Event> {
        if self.incident != Some(Incident { number: incident, muted: !mute }) {
            return vec![];
        }
        vec![if mute {
            Event::IncidentMuted(IncidentMuted { incident })
        } else {
            Event::IncidentUnmuted(IncidentUnmuted { incident })
        }]
    }

    fn record_error(
        &self,
        evidence: Evidence,
        verdict: Verdict,
        table: u32,
        at: Timestamp,
        rules: &Rules<'_>,
    ) -> Vec<Event> {
        let number = self.errors + 1;
        let mut count = self.error_count;
        let mut cause = None;
        if verdict.counts() {
            count = self.still_count(at, rules.window).saturating_add(1);
            cause = self.cause(&evidence, &verdict, count, rules);
        }
        let decisive = match &cause {
            Some(Cause::Threshold { .. }) => count,
            Some(Cause::AtOnce { .. } | Cause::Prompted { .. }) | None => 1,
        };
        let recorded = AuthorizationErrorRecorded {
            evidence,
            verdict,
            table,
            count,
            threshold: rules.threshold,
            number,
            at: Some(at),
        };
        let mut events = vec![Event::AuthorizationErrorRecorded(recorded)];
        events.extend(cause.map(|cause| {
            let evidence = self.numbers(decisive, number);
            let policy = rules.version;
            Event::ReauthorizationRequired(ReauthorizationRequired { cause, policy, evidence })
        }));
        events
    }

    /// Why this error makes reauthorization required, if it does.
    fn cause(
        &self,
        evidence: &Evidence,
        verdict: &Verdict,
        count: u32,
        rules: &Rules<'_>,
    ) -> Option<Cause> {
        let Rules { threshold, .. } = *rules;
        if self.required {
            return None;
        }
        if let Some(code) = rules.acts_at_once(evidence, verdict) {
            return Some(Cause::AtOnce { code: code.to_owned(), verdict: verdict.clone() });
        }
        let verdict = verdict.clone();
        (count >= threshold).then_some(Cause::Threshold { count, threshold, verdict })
    }

    /// How many of the errors so far count at this moment. One of unknown time does: nobody can
    /// say that it is over.
    fn still_count(&self, at: Timestamp, window: Option<Duration>) -> u32 {
        let Some(window) = window else { return self.error_count };
        let fresh = |then: &Option<Timestamp>| then.is_none_or(|then| at.since(then) <= window);
        let old = self.counted.iter().filter(|(_, then)| !fresh(then)).count();
        self.error_count.saturating_sub(u32::try_from(old).unwrap_or(u32::MAX))
    }

    /// The numbers of that many errors that count, the last of which is new.
    fn numbers(&self, count: u32, new: u64) -> Vec<u64> {
        let before = usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
        let first = self.counted.len().saturating_sub(before);
        self.counted[first..].iter().map(|(number, _)| *number).chain([new]).collect()
    }

    fn warn(&self, now: Timestamp, rules: &Rules<'_>) -> Vec<Event> {
        let Some(expires_at) = self.expires_at else { return vec![] };
        let left = expires_at.since(now);
        let reached = rules.expiring_days.iter().copied().filter(|days| left <= DAY * *days).min();
        let news = reached.filter(|days| self.warned.is_none_or(|warned| *days < warned));
        news.map(|days| Event::Expiring(Expiring { expires_at, days })).into_iter().collect()
    }

    fn settle(&mut self) {
        self.error_count = 0;
        self.counted.clear();
        self.blocked = None;
    }

    fn count(&mut self, recorded: &AuthorizationErrorRecorded) {
        self.errors += 1;
        self.succeeding = false;
        if recorded.verdict.counts() {
            self.counted.push((self.errors, recorded.at));
        }
        self.error_count = recorded.count;
        let kept = COUNTED_MAX.min(recorded.count as usize);
        self.counted.drain(..self.counted.len().saturating_sub(kept));
        if blocks(recorded.verdict.class) {
            self.blocked = Some(recorded.verdict.class);
        }
    }

    fn follow(&mut self, turn: Turn) {
        match turn {
            Turn::Trouble if self.incident.is_none() => {
                self.incidents += 1;
                self.incident = Some(Incident { number: self.incidents, muted: false });
            }
            Turn::Over(_) => self.incident = None,
            Turn::Trouble | Turn::Nothing => {}
        }
    }

    fn set_muted(&mut self, muted: bool) {
        if let Some(incident) = &mut self.incident {
            incident.muted = muted;
        }
    }
}

impl Fold for Reauthorization {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        self.follow(turn(event, self.required));
        match event {
            Event::AuthorizationErrorRecorded(recorded) => self.count(recorded),
            Event::AuthorizationSucceeded(_) => {
                self.succeeding = true;
                if !self.required {
                    self.settle();
                }
            }
            Event::ReauthorizationRequired(_) => self.required = true,
            Event::Reauthorized(_) => {
                self.settle();
                self.required = false;
                self.succeeding = false;
            }
            Event::PolicySet(set) => {
                self.policy = set.policy.clone();
                self.policy_version += 1;
            }
            Event::ExpirySet(set) => {
                self.expires_at = set.expires_at;
                self.warned = None;
            }
            Event::Expiring(expiring) => self.warned = Some(expiring.days),
            Event::IncidentMuted(_) => self.set_muted(true),
            Event::IncidentUnmuted(_) => self.set_muted(false),
        }
    }
}
