//! An inbox decides from evidence whether somebody must reauthorize it.

use std::sync::Arc;

use events::inbox::{
    AttributesChanged, ChannelTypeChanged, CredentialsReplaced, Event, Registered, Removed,
    Renamed, ThresholdSet,
};
use events::policy::{Layers, Rules};
use events::reauthorization::{self, Incident, Reauthorization};
use events::signing::SigningKeys;
use events::{AccountId, Category, EndpointId, Fold, InboxId, Sealed, Timestamp};

use crate::aggregate::{Aggregate, Nothing};
use crate::ports::Endpoint;
use crate::subject;

/// An inbox as its events tell it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Inbox {
    /// The tenant it was first registered by: its history is never another's, even once removed.
    owner: Option<AccountId>,
    /// Shared with every answer: it is told far more often than it changes.
    profile: Option<Arc<Profile>>,
    reauthorization: Reauthorization,
    /// How often what the host platform says of it was changed.
    version: u32,
}

/// What the host platform said of an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The tenant.
    pub account: AccountId,
    /// What people call it.
    pub name: String,
    /// Chatwoot's channel type.
    pub channel_type: String,
    /// Further attributes, a JSON object.
    pub attributes: String,
    /// Credentials, a sealed JSON object.
    pub credentials: Option<Sealed>,
    /// Its own threshold; none means its channel type's.
    pub threshold: Option<u32>,
}

/// Chatwoot's channel whose events go to an url of its own too.
pub const API_CHANNEL: &str = "Channel::Api";

/// The url that these attributes of an inbox name: `webhook_url`, as Chatwoot's `Channel::Api` has
/// it, beside the others or within `channel`. A blank one is none.
pub fn webhook_url(attributes: &str) -> Option<String> {
    // Most inboxes have none, and are not read for it.
    if !attributes.contains("webhook_url") {
        return None;
    }
    let attributes: serde_json::Value = serde_json::from_str(attributes).ok()?;
    let places = [attributes.get("webhook_url"), attributes.pointer("/channel/webhook_url")];
    let url = places.into_iter().flatten().find_map(serde_json::Value::as_str)?.trim();
    (!url.is_empty()).then(|| url.to_owned())
}

impl Profile {
    /// Where what happens in it goes beside the webhooks of the account.
    pub fn webhook_url(&self) -> Option<String> {
        if self.channel_type == API_CHANNEL { webhook_url(&self.attributes) } else { None }
    }

    /// The endpoint there, which has no settings of its own; its secret is among the credentials.
    pub fn endpoint(&self, inbox: InboxId) -> Option<Endpoint> {
        let keys = self.credentials.clone().map_or_else(SigningKeys::none, SigningKeys::of);
        let url = self.webhook_url()?;
        Some(Endpoint::plain(EndpointId::Inbox(inbox), self.account, url, keys))
    }
}

/// A registration; what is not given stays as it is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Registration {
    /// What people call it; required at first.
    pub name: Option<String>,
    /// Chatwoot's channel type; required at first.
    pub channel_type: Option<String>,
    /// Further attributes, a JSON object.
    pub attributes: Option<String>,
    /// Credentials that differ from those it has, a sealed JSON object.
    pub credentials: Option<Sealed>,
    /// Its own threshold; the inner none means its channel type's.
    pub threshold: Option<Option<u32>>,
    /// When its credential ends; the inner none means that nobody knows.
    pub expires_at: Option<Option<Timestamp>>,
    /// Only if it is of this version still; 0 is that of one which is not registered.
    pub expected: Option<u32>,
}

/// What can be asked of an inbox, on behalf of an account.
pub type Command = subject::Command<Action>;

/// See [`Command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Register it, or change what is given.
    Register(Registration),
    /// Forget it.
    Remove,
    /// Report on its authorization.
    Report(reauthorization::Command),
    /// Only look.
    Look,
}

/// What an inbox tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What the platform said of it; none when it is not registered (any more).
    pub profile: Option<Arc<Profile>>,
    /// Errors that count.
    pub authorization_error_count: u32,
    /// As many as are too many.
    pub threshold: u32,
    /// Whether somebody must reauthorize.
    pub reauthorization_required: bool,
    /// The incident that it is in.
    pub incident: Option<Incident>,
    /// When its credential ends, as far as anybody knows.
    pub expires_at: Option<Timestamp>,
    /// How often what the host platform says of it was changed; 0 when it is not registered.
    pub version: u32,
}

/// Why an inbox says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// This account has no such inbox.
    #[error("the account has no such inbox")]
    Unknown,
    /// It is not registered yet and something required is not given.
    #[error("an inbox needs {0}")]
    Missing(&'static str),
    /// Somebody else has changed it.
    #[error("the inbox was changed in the meantime; it is of version {0}")]
    Changed(u32),
}

impl Inbox {
    /// What the platform said of it; none when it is not registered (any more).
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_deref()
    }

    /// Its authorization.
    pub fn reauthorization(&self) -> &Reauthorization {
        &self.reauthorization
    }

    fn version(&self) -> u32 {
        if self.profile.is_some() { self.version } else { 0 }
    }

    /// What holds for it beside what it has of its own.
    pub fn rules<'a>(&'a self, layers: &'a Layers) -> Rules<'a> {
        let kind = self.profile().map_or("", |profile| &profile.channel_type);
        let own = self.profile().and_then(|profile| profile.threshold);
        let rules = self.reauthorization.rules(kind, layers);
        Rules { threshold: own.unwrap_or(rules.threshold), ..rules }
    }

    fn of(&self, account: AccountId) -> Result<&Profile, Rejection> {
        self.profile().filter(|it| it.account == account).ok_or(Rejection::Unknown)
    }

    fn register(&self, account: AccountId, given: &Registration) -> Result<Vec<Event>, Rejection> {
        if self.owner.is_some_and(|owner| owner != account) {
            return Err(Rejection::Unknown);
        }
        if given.expected.is_some_and(|expected| expected != self.version()) {
            return Err(Rejection::Changed(self.version()));
        }
        let Some(profile) = &self.profile else {
            let missing = Rejection::Missing;
            let registered = Registered {
                account,
                name: given.name.clone().ok_or(missing("a name"))?,
                channel_type: given.channel_type.clone().ok_or(missing("a channel_type"))?,
                attributes: given.attributes.clone().unwrap_or_else(|| "{}".into()),
                credentials: given.credentials.clone(),
                threshold: given.threshold.flatten(),
            };
            return Ok(std::iter::once(registered.into()).chain(self.expiry(given)).collect());
        };
        Ok(profile.changes(given).into_iter().chain(self.expiry(given)).collect())
    }

    fn expiry(&self, given: &Registration) -> impl Iterator<Item = Event> {
        let set = given.expires_at.map(reauthorization::Command::SetExpiry);
        let decided = set.map(|set| self.reauthorization.decide(set, &Rules::chatwoots(0)));
        decided.into_iter().flatten().map(Event::from)
    }
}

impl Profile {
    fn changes(&self, given: &Registration) -> Vec<Event> {
        let mut events: Vec<Event> = vec![];
        if let Some(name) = given.name.as_ref().filter(|name| **name != self.name) {
            events.push(Renamed { name: name.clone() }.into());
        }
        if let Some(channel_type) = given.channel_type.as_ref()
            && *channel_type != self.channel_type
        {
            events.push(ChannelTypeChanged { channel_type: channel_type.clone() }.into());
        }
        if let Some(attributes) = given.attributes.as_ref()
            && *attributes != self.attributes
        {
            events.push(AttributesChanged { attributes: attributes.clone() }.into());
        }
        if let Some(credentials) = given.credentials.as_ref()
            && self.credentials.as_ref() != Some(credentials)
        {
            events.push(CredentialsReplaced { credentials: credentials.clone() }.into());
        }
        if let Some(threshold) = given.threshold.filter(|threshold| *threshold != self.threshold) {
            events.push(ThresholdSet { threshold }.into());
        }
        events
    }
}

impl Fold for Inbox {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        self.version += u32::from(event.changes_settings());
        if let Event::Registered(it) = event {
            self.owner = Some(it.account);
            self.profile = Some(Arc::new(Profile {
                account: it.account,
                name: it.name.clone(),
                channel_type: it.channel_type.clone(),
                attributes: it.attributes.clone(),
                credentials: it.credentials.clone(),
                threshold: it.threshold,
            }));
            return;
        }
        let Some(profile) = &mut self.profile else { return };
        let own = Arc::make_mut;
        match event {
            Event::Registered(_) => {}
            Event::Renamed(it) => own(profile).name.clone_from(&it.name),
            Event::ChannelTypeChanged(it) => own(profile).channel_type.clone_from(&it.channel_type),
            Event::AttributesChanged(it) => own(profile).attributes.clone_from(&it.attributes),
            Event::CredentialsReplaced(it) => {
                own(profile).credentials = Some(it.credentials.clone())
            }
            Event::ThresholdSet(it) => own(profile).threshold = it.threshold,
            Event::Removed(Removed {}) => {
                self.profile = None;
                self.reauthorization = self.reauthorization.removed();
            }
            Event::Reauthorization(it) => self.reauthorization.evolve(it),
        }
    }
}

impl Aggregate for Inbox {
    const CATEGORY: Category = Category::Inbox;

    type Id = InboxId;
    type Command = Command;
    type Answer = Answer;
    type Effect = Nothing;
    type Rejection = Rejection;

    fn narrow(event: events::Event) -> Option<Event> {
        if let events::Event::Inbox(event) = event { Some(event) } else { None }
    }

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Rejection> {
        match &command.action {
            Action::Register(given) => self.register(command.account, given),
            Action::Remove => self.of(command.account).map(|_| vec![Removed {}.into()]),
            Action::Report(report) => {
                self.of(command.account)?;
                let rules = self.rules(&command.layers);
                let events = self.reauthorization.decide(report.clone(), &rules);
                Ok(events.into_iter().map(Event::from).collect())
            }
            Action::Look => self.of(command.account).map(|_| vec![]),
        }
    }

    fn answer(&self, command: &Command) -> Answer {
        Answer {
            profile: self.profile.clone(),
            authorization_error_count: self.reauthorization.error_count,
            threshold: self.rules(&command.layers).threshold,
            reauthorization_required: self.reauthorization.required,
            incident: self.reauthorization.incident,
            expires_at: self.reauthorization.expires_at,
            version: self.version(),
        }
    }
}

#[cfg(test)]
mod tests;
