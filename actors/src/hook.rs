//! An integration hook works until it needs reauthorization, and again when it has it.

use events::hook::{
    AccessTokenReplaced, Created, Deleted, Disabled, Enabled, Event, SettingsChanged,
};
use events::policy::{self, Layers, Rules};
use events::reauthorization::{self, Reauthorization};
use events::{AccountId, Category, Fold, HookId, Sealed, Timestamp};

use crate::aggregate::{Aggregate, Nothing};
use crate::subject;
use crate::switch::Switch;

/// A hook as its events tell it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Hook {
    /// Never heard of.
    #[default]
    Absent,
    /// Connected.
    Live(Box<Live>),
    /// Once connected.
    Deleted,
}

/// A hook that is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// What was said of it, with every change since.
    pub facts: Created,
    /// Whether it works.
    pub switch: Switch,
    /// Its authorization.
    pub reauthorization: Reauthorization,
}

/// What to change; what is not given stays as it is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whether it works.
    pub enabled: Option<bool>,
    /// All settings.
    pub settings: Option<SettingsChanged>,
    /// A token that differs from the one it has.
    pub access_token: Option<Sealed>,
    /// When its credential ends; the inner none means that nobody knows.
    pub expires_at: Option<Option<Timestamp>>,
}

/// What can be asked of a hook, on behalf of an account.
pub type Command = subject::Command<Action>;

/// See [`Command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Connect it, with the end of its credential where that is known.
    Create(Box<Created>, Option<Timestamp>),
    /// Change what is given.
    Change(Box<Change>),
    /// Disconnect it.
    Delete,
    /// Report on its authorization.
    Report(reauthorization::Command),
    /// Only look.
    Look,
}

/// Why a hook says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// This account has no such hook.
    #[error("the account has no such hook")]
    Unknown,
    /// The number was used before.
    #[error("the hook exists already")]
    Exists,
}

impl Hook {
    /// The hook, while it is connected.
    pub fn live(&self) -> Option<&Live> {
        match self {
            Self::Live(live) => Some(live),
            Self::Absent | Self::Deleted => None,
        }
    }

    fn of(&self, account: AccountId) -> Result<&Live, Rejection> {
        self.live().filter(|live| live.facts.account == account).ok_or(Rejection::Unknown)
    }
}

impl Live {
    fn changes(&self, change: &Change) -> Vec<Event> {
        let mut events: Vec<Event> = vec![];
        if let Some(settings) = change.settings.as_ref()
            && (settings.settings != self.facts.settings
                || settings.credentials != self.facts.credentials)
        {
            events.push(settings.clone().into());
        }
        if let Some(token) = change.access_token.as_ref()
            && self.facts.access_token.as_ref() != Some(token)
        {
            events.push(AccessTokenReplaced { access_token: token.clone() }.into());
        }
        events.extend(
            change.expires_at.into_iter().flat_map(|end| expiry(&self.reauthorization, end)),
        );
        let turned = change.enabled.and_then(|enabled| self.switch.turned(enabled));
        events.extend(turned.map(event));
        events
    }

    /// What holds for it beside what it has of its own.
    pub fn rules<'a>(&'a self, layers: &'a Layers) -> Rules<'a> {
        self.reauthorization.rules(policy::HOOK, layers)
    }

    fn report(&self, report: &reauthorization::Command, layers: &Layers) -> Vec<Event> {
        let events = self.reauthorization.decide(report.clone(), &self.rules(layers));
        let turned = self.switch.follows(&self.reauthorization, report, &events);
        events.into_iter().map(Event::from).chain(turned.map(event)).collect()
    }
}

/// That the credential ends then, where that is news.
fn expiry(known: &Reauthorization, end: Option<Timestamp>) -> impl Iterator<Item = Event> + use<> {
    let set = reauthorization::Command::SetExpiry(end);
    known.decide(set, &Rules::chatwoots(0)).into_iter().map(Event::from)
}

fn event(turned: Switch) -> Event {
    match turned {
        Switch::On => Enabled {}.into(),
        Switch::Off(cause) => Disabled { cause }.into(),
    }
}

impl Fold for Hook {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        if let Event::Created(created) = event {
            *self = Self::Live(Box::new(Live {
                facts: created.clone(),
                switch: Switch::new(created.enabled),
                reauthorization: Reauthorization::default(),
            }));
            return;
        }
        let Self::Live(live) = self else { return };
        match event {
            Event::Created(_) => {}
            Event::SettingsChanged(it) => {
                live.facts.settings.clone_from(&it.settings);
                live.facts.credentials.clone_from(&it.credentials);
            }
            Event::AccessTokenReplaced(it) => {
                live.facts.access_token = Some(it.access_token.clone());
            }
            Event::Enabled(Enabled {}) => live.switch = Switch::On,
            Event::Disabled(Disabled { cause }) => live.switch = Switch::Off(*cause),
            Event::Deleted(Deleted {}) => *self = Self::Deleted,
            Event::Reauthorization(it) => live.reauthorization.evolve(it),
        }
    }
}

impl Aggregate for Hook {
    const CATEGORY: Category = Category::Hook;

    type Id = HookId;
    type Command = Command;
    type Answer = Self;
    type Effect = Nothing;
    type Rejection = Rejection;

    fn narrow(event: events::Event) -> Option<Event> {
        if let events::Event::Hook(event) = event { Some(event) } else { None }
    }

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Rejection> {
        match (&command.action, self) {
            (Action::Create(created, end), Self::Absent) => {
                let created = std::iter::once((**created).clone().into());
                Ok(created.chain(expiry(&Reauthorization::default(), *end)).collect())
            }
            (Action::Create(..), Self::Live(_) | Self::Deleted) => Err(Rejection::Exists),
            (Action::Change(change), _) => Ok(self.of(command.account)?.changes(change)),
            (Action::Delete, _) => self.of(command.account).map(|_| vec![Deleted {}.into()]),
            (Action::Report(report), _) => {
                Ok(self.of(command.account)?.report(report, &command.layers))
            }
            (Action::Look, _) => self.of(command.account).map(|_| vec![]),
        }
    }

    fn answer(&self, _: &Command) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests;
