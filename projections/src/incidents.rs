//! Consecutive trouble, as one incident each: of a subject, or of the whole installation.

mod app;
mod refused;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt::{self, Write as _};

use events::evidence::Class;
use events::hook::Event as HookEvent;
use events::inbox::Event as InboxEvent;
use events::reauthorization::{Ending, Event as Authorization, Turn, turn};
use events::rule::Event as RuleEvent;
use events::{
    AccountId, DeliveryId, EndpointId, Event, Fold, HookId, InboxId, Metadata, Recorded, RuleId,
    Subject, Timestamp, WebhookId,
};
use serde::{Deserialize, Serialize};

use crate::{Projection, Seen};

use app::AppIncidents;
pub use app::{AppEnding, AppIncident};

/// As many incidents that are over as are kept of one account; the log has them all.
const CLOSED_MAX: usize = 1_000;

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The actor, as the log names it.
    pub actor: Box<str>,
    /// When.
    pub at: Timestamp,
}

/// The trouble of one subject, from the first error to what ended it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Whose.
    pub subject: Subject,
    /// The how-manieth of it.
    pub number: u64,
    /// The tenant.
    pub account: AccountId,
    /// When it began.
    pub first_at: Timestamp,
    /// When there was trouble last.
    pub last_at: Timestamp,
    /// How many errors were reported in it.
    pub count: u32,
    /// What the last of them was taken for; none where it was only prompted.
    pub class: Option<Class>,
    /// Why it is: what made reauthorization required, else what the last error was taken for.
    pub cause: Box<str>,
    /// Whether reauthorization became required in it.
    pub required: bool,
    /// The incident of the installation that it seems to be part of.
    pub app: Option<u64>,
    /// Who does not want to hear of it.
    pub muted: Option<By>,
    /// How it ended, and by whom.
    pub ended: Option<(Ending, By)>,
}

/// The subjects that are in one, by account.
type Open = BTreeSet<(AccountId, Subject)>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Track {
    account: AccountId,
    incidents: u64,
    open: Option<Box<Incident>>,
    required: bool,
}

/// Every incident that is open, and the last ones that are not.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incidents {
    seen: Seen,
    tracks: HashMap<Subject, Track>,
    open: Open,
    closed: BTreeMap<(Subject, u64), Incident>,
    closed_of: BTreeMap<AccountId, VecDeque<(Subject, u64)>>,
    app: AppIncidents,
    /// Deliveries of webhooks that a recovery brought back and that have not ended.
    replayed: BTreeSet<DeliveryId>,
}

impl Incidents {
    /// One of them; none when there is none, or it is too long over.
    pub fn get(&self, subject: Subject, number: u64) -> Option<&Incident> {
        let open = self.open_of(subject).filter(|open| open.number == number);
        open.or_else(|| self.closed.get(&(subject, number)))
    }

    /// The one that a subject is in.
    pub fn open_of(&self, subject: Subject) -> Option<&Incident> {
        self.tracks.get(&subject)?.open.as_deref()
    }

    /// An account's that are open.
    pub fn open_of_account(&self, account: AccountId) -> impl Iterator<Item = &Incident> {
        let first = (account, Subject::Account(AccountId(0)));
        let own = self.open.range(first..).take_while(move |(of, _)| *of == account);
        own.filter_map(|(_, subject)| self.open_of(*subject))
    }

    /// An account's that are over, the last one first.
    pub fn closed_of_account(&self, account: AccountId) -> impl Iterator<Item = &Incident> {
        let closed = self.closed_of.get(&account).into_iter().flatten().rev();
        closed.filter_map(|key| self.closed.get(key))
    }

    /// The installation's, the last one first.
    pub fn of_installation(&self) -> impl Iterator<Item = &AppIncident> {
        self.app.all()
    }

    /// One of the installation's; none when there is none, or it is too long over.
    pub fn app(&self, number: u64) -> Option<&AppIncident> {
        self.app.get(number)
    }

    /// Whether one of the installation's that are known had begun by then and may have touched an
    /// account: it may where it touched more than are remembered.
    pub fn may_have_shared(&self, account: AccountId, by: Timestamp) -> bool {
        let mut begun = self.app.all().filter(|incident| incident.first_at <= by);
        begun.any(|incident| {
            let mut touched = incident.affected.iter();
            incident.is_forgetful() || touched.any(|it| self.account_of(*it) == Some(account))
        })
    }

    /// Whose a subject is.
    pub fn account_of(&self, subject: Subject) -> Option<AccountId> {
        self.tracks.get(&subject).map(|track| track.account)
    }

    /// How many are open.
    pub fn count_open(&self) -> usize {
        self.open.len()
    }

    fn take_inbox(&mut self, subject: Subject, record: &Recorded<Event>, event: &InboxEvent) {
        match event {
            InboxEvent::Registered(registered) => self.begin(subject, registered.account),
            InboxEvent::Removed(_) => {
                self.close(subject, record, Ending::Removed);
                if let Some(track) = self.tracks.get_mut(&subject) {
                    track.required = false;
                }
            }
            InboxEvent::Reauthorization(event) => self.take(subject, record, event),
            InboxEvent::Renamed(_)
            | InboxEvent::ChannelTypeChanged(_)
            | InboxEvent::AttributesChanged(_)
            | InboxEvent::CredentialsReplaced(_)
            | InboxEvent::ThresholdSet(_) => {}
        }
    }

    fn take_hook(&mut self, subject: Subject, record: &Recorded<Event>, event: &HookEvent) {
        match event {
            HookEvent::Created(created) => self.begin(subject, created.account),
            HookEvent::Deleted(_) => self.close(subject, record, Ending::Removed),
            HookEvent::Reauthorization(event) => self.take(subject, record, event),
            HookEvent::SettingsChanged(_)
            | HookEvent::AccessTokenReplaced(_)
            | HookEvent::Enabled(_)
            | HookEvent::Disabled(_) => {}
        }
    }

    fn take_rule(&mut self, subject: Subject, record: &Recorded<Event>, event: &RuleEvent) {
        match event {
            RuleEvent::Created(created) => self.begin(subject, created.account),
            RuleEvent::Deleted(_) => self.close(subject, record, Ending::Removed),
            RuleEvent::Reauthorization(event) => self.take(subject, record, event),
            RuleEvent::Renamed(_)
            | RuleEvent::Described(_)
            | RuleEvent::EventNameChanged(_)
            | RuleEvent::ConditionsChanged(_)
            | RuleEvent::ActionsChanged(_)
            | RuleEvent::Activated(_)
            | RuleEvent::Deactivated(_) => {}
        }
    }

    fn begin(&mut self, subject: Subject, account: AccountId) {
        let new = Track { account, incidents: 0, open: None, required: false };
        self.tracks.entry(subject).or_insert(new);
    }

    /// The same for every kind of subject.
    fn take(&mut self, subject: Subject, record: &Recorded<Event>, event: &Authorization) {
        let Some(track) = self.tracks.get_mut(&subject) else { return };
        let turn = turn(event, track.required);
        match event {
            Authorization::ReauthorizationRequired(_) => track.required = true,
            Authorization::Reauthorized(_) => track.required = false,
            Authorization::AuthorizationErrorRecorded(_)
            | Authorization::AuthorizationSucceeded(_)
            | Authorization::PolicySet(_)
            | Authorization::ExpirySet(_)
            | Authorization::Expiring(_)
            | Authorization::IncidentMuted(_)
            | Authorization::IncidentUnmuted(_) => {}
        }
        match turn {
            Turn::Trouble => {
                track.opened(subject, record.at, &mut self.open).trouble(event);
            }
            Turn::Over(ending) => self.close(subject, record, ending),
            Turn::Nothing => track.mute(record, event),
        }
        for (subject, app) in self.app.take(subject, record.at, event) {
            let track = self.tracks.get_mut(&subject);
            if let Some(incident) = track.and_then(|track| track.open.as_mut()) {
                incident.app = Some(app);
            }
        }
    }

    fn close(&mut self, subject: Subject, record: &Recorded<Event>, ending: Ending) {
        let Some(track) = self.tracks.get_mut(&subject) else { return };
        let Some(mut incident) = track.open.take() else { return };
        incident.ended = Some((ending, by(record)));
        self.open.remove(&(track.account, subject));
        let key = (subject, incident.number);
        let order = self.closed_of.entry(track.account).or_default();
        order.push_back(key);
        self.closed.insert(key, *incident);
        if order.len() > CLOSED_MAX
            && let Some(oldest) = order.pop_front()
        {
            self.closed.remove(&oldest);
        }
    }
}

impl Track {
    /// The incident that the subject is in, now at the latest.
    fn opened(&mut self, subject: Subject, at: Timestamp, open: &mut Open) -> &mut Incident {
        let incident = self.open.get_or_insert_with(|| {
            self.incidents += 1;
            open.insert((self.account, subject));
            Box::new(Incident {
                subject,
                number: self.incidents,
                account: self.account,
                first_at: at,
                last_at: at,
                count: 0,
                class: None,
                cause: "".into(),
                required: false,
                app: None,
                muted: None,
                ended: None,
            })
        });
        incident.last_at = at;
        incident
    }

    fn mute(&mut self, record: &Recorded<Event>, event: &Authorization) {
        let Some(incident) = &mut self.open else { return };
        match event {
            Authorization::IncidentMuted(_) => incident.muted = Some(by(record)),
            Authorization::IncidentUnmuted(_) => incident.muted = None,
            Authorization::AuthorizationErrorRecorded(_)
            | Authorization::AuthorizationSucceeded(_)
            | Authorization::ReauthorizationRequired(_)
            | Authorization::Reauthorized(_)
            | Authorization::PolicySet(_)
            | Authorization::ExpirySet(_)
            | Authorization::Expiring(_) => {}
        }
    }
}

impl Incident {
    fn trouble(&mut self, event: &Authorization) {
        match event {
            Authorization::AuthorizationErrorRecorded(recorded) => {
                self.count += 1;
                self.class = Some(recorded.verdict.class);
                if !self.required && !reads(&recorded.verdict, &self.cause) {
                    self.cause = recorded.verdict.to_string().into();
                }
            }
            Authorization::ReauthorizationRequired(required) => {
                self.required = true;
                self.cause = required.cause.to_string().into();
            }
            Authorization::AuthorizationSucceeded(_)
            | Authorization::Reauthorized(_)
            | Authorization::PolicySet(_)
            | Authorization::ExpirySet(_)
            | Authorization::Expiring(_)
            | Authorization::IncidentMuted(_)
            | Authorization::IncidentUnmuted(_) => {}
        }
    }
}

/// Whether a thing is written as that text: most errors repeat the one before them, and what they
/// are is not written anew each time.
fn reads(thing: &impl fmt::Display, text: &str) -> bool {
    struct Rest<'a>(&'a str);

    impl fmt::Write for Rest<'_> {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(part).ok_or(fmt::Error)?;
            Ok(())
        }
    }

    let mut rest = Rest(text);
    write!(rest, "{thing}").is_ok() && rest.0.is_empty()
}

fn by(record: &Recorded<Event>) -> By {
    let metadata = serde_json::from_slice::<Metadata>(&record.metadata).ok();
    let actor = metadata.map(|it| it.actor.to_string()).unwrap_or_default();
    By { actor: actor.into(), at: record.at }
}

impl Fold for Incidents {
    type Event = Recorded<Event>;

    fn evolve(&mut self, record: &Recorded<Event>) {
        if !self.seen.is_news(record.position) {
            return;
        }
        match &record.event {
            Event::Inbox(event) => {
                if let Some(id) = record.stream.number() {
                    self.take_inbox(Subject::Inbox(InboxId(id)), record, event);
                }
            }
            Event::Hook(event) => {
                if let Some(id) = record.stream.number() {
                    self.take_hook(Subject::Hook(HookId(id)), record, event);
                }
            }
            Event::Rule(event) => {
                if let Some(id) = record.stream.number() {
                    self.take_rule(Subject::Rule(RuleId(id)), record, event);
                }
            }
            Event::Installation(event) => self.app.hear(event, by(record)),
            Event::Webhook(event) => {
                if let Some(id) = record.stream.number() {
                    self.take_webhook(Subject::Webhook(WebhookId(id)), record, event);
                }
            }
            Event::Delivery(event) => {
                if let Some(id) = record.stream.endpoint().and_then(EndpointId::webhook) {
                    self.take_delivery(Subject::Webhook(id), record, event);
                }
            }
            Event::Account(_) | Event::Platform(_) | Event::Fanout(_) | Event::Request(_) => {}
        }
    }
}

impl Projection for Incidents {
    const NAME: &'static str = "incidents";
    const VERSION: u32 = 5;
}

#[cfg(test)]
mod tests;
