//! Incidents of the installation: failures that all connections of one provider's app share.
//!
//! A verdict of scope *app* says so itself. A burst of `invalid_grant` over many subjects of one
//! provider only looks like it (RFC 6749 has five causes for that word, and two are the app's
//! own), so that such an incident is a suspicion.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use events::evidence::{Class, Scope};
use events::installation::Event as InstallationEvent;
use events::reauthorization::{AuthorizationErrorRecorded, Event};
use events::{Subject, Timestamp};
use serde::{Deserialize, Serialize};

use super::By;

/// So many subjects of one provider that hear `invalid_grant` ...
const BURST_SUBJECTS: usize = 5;

/// ... within so long are suspected to have the app in common.
const BURST_WITHIN: Duration = Duration::from_secs(10 * 60);

/// As many providers as are watched for a burst at a time; whoever reports names them.
const WATCHED_MAX: usize = 1_000;

/// As many subjects as are remembered of one incident.
const AFFECTED_MAX: usize = 10_000;

/// As many incidents of the installation as are kept.
const KEPT_MAX: usize = 1_000;

/// A failure of a provider's app, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppIncident {
    /// The how-manieth of the installation.
    pub number: u64,
    /// Whose app.
    pub provider: Box<str>,
    /// What kind of failure.
    pub class: Class,
    /// What the last error was taken for.
    pub cause: Box<str>,
    /// Whether it is only suspected, from a burst of `invalid_grant`.
    pub suspected: bool,
    /// When it began.
    pub first_at: Timestamp,
    /// When it was reported last.
    pub last_at: Timestamp,
    /// How many errors were reported in it.
    pub count: u64,
    /// The subjects that reported them.
    pub affected: BTreeSet<Subject>,
    /// Who does not want to hear of it.
    pub muted: Option<By>,
    /// How it ended.
    pub ended: Option<AppEnding>,
}

impl AppIncident {
    /// Whether it may have touched more subjects than are remembered.
    pub(super) fn is_forgetful(&self) -> bool {
        self.affected.len() >= AFFECTED_MAX
    }
}

/// How an incident of the installation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppEnding {
    /// A call of one of its subjects worked again.
    Healed {
        /// Whose.
        subject: Subject,
        /// When.
        at: Timestamp,
    },
    /// Somebody said that it is over.
    ByHand(By),
}

impl AppEnding {
    /// When.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Healed { at, .. } => *at,
            Self::ByHand(by) => by.at,
        }
    }
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AppIncidents {
    last: u64,
    incidents: BTreeMap<u64, AppIncident>,
    open: BTreeMap<(Box<str>, Class), u64>,
    pub(super) bursts: BTreeMap<Box<str>, VecDeque<(Timestamp, Subject)>>,
}

impl AppIncidents {
    pub(super) fn all(&self) -> impl Iterator<Item = &AppIncident> {
        self.incidents.values().rev()
    }

    pub(super) fn get(&self, number: u64) -> Option<&AppIncident> {
        self.incidents.get(&number)
    }

    /// Takes in what somebody said of one. It is found by what makes it one: its number is that of
    /// whoever counts.
    pub(super) fn hear(&mut self, event: &InstallationEvent, by: By) {
        match event {
            InstallationEvent::AppIncidentMuted(it) => {
                if let Some(open) = self.open_one(&it.incident.provider, it.incident.class) {
                    open.muted = Some(by);
                }
            }
            InstallationEvent::AppIncidentUnmuted(it) => {
                if let Some(open) = self.open_one(&it.incident.provider, it.incident.class) {
                    open.muted = None;
                }
            }
            InstallationEvent::AppIncidentClosed(it) => {
                let (provider, class) = (&it.incident.provider, it.incident.class);
                if let Some(open) = self.open_one(provider, class) {
                    open.ended = Some(AppEnding::ByHand(by));
                }
                self.open.remove(&(provider.as_str().into(), class));
            }
            InstallationEvent::TokenCreated(_)
            | InstallationEvent::TokenRevoked(_)
            | InstallationEvent::SealingKeyIntroduced(_)
            | InstallationEvent::SealingKeyRotated(_)
            | InstallationEvent::WebhookNumberTaken(_)
            | InstallationEvent::HookNumberTaken(_)
            | InstallationEvent::RuleNumberTaken(_)
            | InstallationEvent::InboxEventsEnabled(_)
            | InstallationEvent::InboxEventsDisabled(_)
            | InstallationEvent::MailEnabled(_)
            | InstallationEvent::MailDisabled(_)
            | InstallationEvent::PolicySet(_) => {}
        }
    }

    fn open_one(&mut self, provider: &str, class: Class) -> Option<&mut AppIncident> {
        let number = self.open.get(&(provider.into(), class))?;
        self.incidents.get_mut(number)
    }

    /// Takes in what was heard of a subject, and says which subjects' own incidents seem to be
    /// part of which of these.
    pub(super) fn take(
        &mut self,
        subject: Subject,
        at: Timestamp,
        event: &Event,
    ) -> Vec<(Subject, u64)> {
        match event {
            Event::AuthorizationErrorRecorded(error) if error.verdict.is_app_wide() => {
                self.join(subject, at, error, false);
                vec![]
            }
            Event::AuthorizationErrorRecorded(error) if is_invalid_grant(error) => {
                self.suspect(subject, at, error)
            }
            Event::AuthorizationSucceeded(_) | Event::Reauthorized(_) => {
                self.heal(subject, at);
                vec![]
            }
            Event::AuthorizationErrorRecorded(_)
            | Event::ReauthorizationRequired(_)
            | Event::PolicySet(_)
            | Event::ExpirySet(_)
            | Event::Expiring(_)
            | Event::IncidentMuted(_)
            | Event::IncidentUnmuted(_) => vec![],
        }
    }

    fn join(
        &mut self,
        subject: Subject,
        at: Timestamp,
        error: &AuthorizationErrorRecorded,
        suspected: bool,
    ) -> u64 {
        let (provider, class) = (provider(error), error.verdict.class);
        let number = *self.open.entry((provider.clone(), class)).or_insert_with(|| {
            self.last += 1;
            self.last
        });
        let incident = self.incidents.entry(number).or_insert_with(|| AppIncident {
            number,
            provider,
            class,
            cause: "".into(),
            suspected,
            first_at: at,
            last_at: at,
            count: 0,
            affected: BTreeSet::new(),
            muted: None,
            ended: None,
        });
        // What a verdict says itself is no suspicion any more.
        incident.suspected &= suspected;
        incident.last_at = at;
        incident.count += 1;
        incident.cause = error.verdict.to_string().into();
        if incident.affected.len() < AFFECTED_MAX {
            incident.affected.insert(subject);
        }
        self.forget_the_oldest();
        number
    }

    fn suspect(
        &mut self,
        subject: Subject,
        at: Timestamp,
        error: &AuthorizationErrorRecorded,
    ) -> Vec<(Subject, u64)> {
        let provider = provider(error);
        if self.open.contains_key(&(provider.clone(), error.verdict.class)) {
            return vec![(subject, self.join(subject, at, error, true))];
        }
        self.bursts.retain(|_, recent| {
            recent.back().is_some_and(|(last, _)| at.since(*last) <= BURST_WITHIN)
        });
        if self.bursts.len() >= WATCHED_MAX && !self.bursts.contains_key(&provider) {
            return vec![];
        }
        let recent = self.bursts.entry(provider.clone()).or_default();
        recent.retain(|(then, one)| *one != subject && at.since(*then) <= BURST_WITHIN);
        recent.push_back((at, subject));
        if recent.len() < BURST_SUBJECTS {
            return vec![];
        }
        let recent = self.bursts.remove(&provider).unwrap_or_default();
        let joined = recent.into_iter().map(|(at, subject)| {
            let number = self.join(subject, at, error, true);
            (subject, number)
        });
        joined.collect()
    }

    /// One subject whose calls work again shows that the app does.
    fn heal(&mut self, subject: Subject, at: Timestamp) {
        self.bursts.retain(|_, recent| {
            recent.retain(|(_, one)| *one != subject);
            !recent.is_empty()
        });
        let incidents = &mut self.incidents;
        self.open.retain(|_, number| match incidents.get_mut(number) {
            Some(incident) if incident.affected.contains(&subject) => {
                incident.ended = Some(AppEnding::Healed { subject, at });
                false
            }
            Some(_) => true,
            None => false,
        });
    }

    fn forget_the_oldest(&mut self) {
        while self.incidents.len() > KEPT_MAX {
            self.incidents.pop_first();
        }
    }
}

fn is_invalid_grant(error: &AuthorizationErrorRecorded) -> bool {
    let AuthorizationErrorRecorded { evidence, verdict, .. } = error;
    let says = |text: &Option<String>| {
        text.as_deref().is_some_and(|text| text.trim().eq_ignore_ascii_case("invalid_grant"))
    };
    // Whoever does not say whose grant it was may mean any provider's.
    let named = evidence.provider.is_some();
    named && verdict.class == Class::Auth && verdict.scope == Scope::Account && says(&evidence.code)
}

/// Whose error it is: as the table's row says, else as it was reported.
fn provider(error: &AuthorizationErrorRecorded) -> Box<str> {
    let row = error.verdict.rule.as_deref().and_then(|rule| rule.split(' ').next());
    let name = row.or(error.evidence.provider.as_deref()).unwrap_or("unknown");
    name.to_ascii_lowercase().into()
}
