//! An automation rule works until it fails too often; editing its conditions is its cure.

use events::policy::{self, Layers, Rules};
use events::reauthorization::{self, Reauthorization};
use events::rule::{
    ActionsChanged, Activated, ConditionsChanged, Created, Deactivated, Deleted, Described, Event,
    EventNameChanged, Renamed,
};
use events::{AccountId, Category, Fold, RuleId};

use crate::aggregate::{Aggregate, Nothing};
use crate::subject;
use crate::switch::Switch;

/// A rule as its events tell it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Never heard of.
    #[default]
    Absent,
    /// Made.
    Live(Box<Live>),
    /// Once made.
    Deleted,
}

/// A rule that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// What it says, with every change since it was made.
    pub facts: Created,
    /// Whether it works.
    pub switch: Switch,
    /// Its authorization.
    pub reauthorization: Reauthorization,
}

/// What to change; what is not given stays as it is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Change {
    /// What people call it.
    pub name: Option<String>,
    /// What it is for; the inner none takes the words away.
    pub description: Option<Option<String>>,
    /// What it waits for.
    pub event_name: Option<String>,
    /// All conditions, a JSON array.
    pub conditions: Option<String>,
    /// All actions, a JSON array.
    pub actions: Option<String>,
    /// Whether it works.
    pub active: Option<bool>,
}

/// What can be asked of a rule, on behalf of an account.
pub type Command = subject::Command<Action>;

/// See [`Command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make it.
    Create(Box<Created>),
    /// Change what is given.
    Change(Box<Change>),
    /// Take it away.
    Delete,
    /// Report on whether it could be applied.
    Report(reauthorization::Command),
    /// Only look.
    Look,
}

/// Why a rule says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// This account has no such rule.
    #[error("the account has no such rule")]
    Unknown,
    /// The number was used before.
    #[error("the rule exists already")]
    Exists,
}

impl Rule {
    /// The rule, while there is one.
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
        let facts = &self.facts;
        let mut events: Vec<Event> = vec![];
        if let Some(name) = change.name.as_ref().filter(|name| **name != facts.name) {
            events.push(Renamed { name: name.clone() }.into());
        }
        if let Some(description) = change.description.as_ref()
            && *description != facts.description
        {
            events.push(Described { description: description.clone() }.into());
        }
        if let Some(event_name) = change.event_name.as_ref()
            && *event_name != facts.event_name
        {
            events.push(EventNameChanged { event_name: event_name.clone() }.into());
        }
        if let Some(conditions) = change.conditions.as_ref()
            && *conditions != facts.conditions
        {
            events.push(ConditionsChanged { conditions: conditions.clone() }.into());
            // What could not be evaluated is no more. Its owner says whether it works again.
            let cured = reauthorization::Command::Reauthorize;
            let cured = self.reauthorization.decide(cured, &Rules::chatwoots(0));
            events.extend(cured.into_iter().map(Event::from));
        }
        if let Some(actions) = change.actions.as_ref().filter(|it| **it != facts.actions) {
            events.push(ActionsChanged { actions: actions.clone() }.into());
        }
        let turned = change.active.and_then(|active| self.switch.turned(active));
        events.extend(turned.map(event));
        events
    }

    /// What holds for it beside what it has of its own.
    pub fn rules<'a>(&'a self, layers: &'a Layers) -> Rules<'a> {
        self.reauthorization.rules(policy::RULE, layers)
    }

    fn report(&self, report: &reauthorization::Command, layers: &Layers) -> Vec<Event> {
        let events = self.reauthorization.decide(report.clone(), &self.rules(layers));
        let turned = self.switch.follows(&self.reauthorization, report, &events);
        // As in Chatwoot, nothing but its owner activates a rule.
        let turned = turned.filter(|turned| !turned.is_on());
        events.into_iter().map(Event::from).chain(turned.map(event)).collect()
    }
}

fn event(turned: Switch) -> Event {
    match turned {
        Switch::On => Activated {}.into(),
        Switch::Off(cause) => Deactivated { cause }.into(),
    }
}

impl Fold for Rule {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        if let Event::Created(created) = event {
            *self = Self::Live(Box::new(Live {
                facts: created.clone(),
                switch: Switch::new(created.active),
                reauthorization: Reauthorization::default(),
            }));
            return;
        }
        let Self::Live(live) = self else { return };
        let facts = &mut live.facts;
        match event {
            Event::Created(_) => {}
            Event::Renamed(it) => facts.name.clone_from(&it.name),
            Event::Described(it) => facts.description.clone_from(&it.description),
            Event::EventNameChanged(it) => facts.event_name.clone_from(&it.event_name),
            Event::ConditionsChanged(it) => facts.conditions.clone_from(&it.conditions),
            Event::ActionsChanged(it) => facts.actions.clone_from(&it.actions),
            Event::Activated(Activated {}) => live.switch = Switch::On,
            Event::Deactivated(Deactivated { cause }) => live.switch = Switch::Off(*cause),
            Event::Deleted(Deleted {}) => *self = Self::Deleted,
            Event::Reauthorization(it) => live.reauthorization.evolve(it),
        }
    }
}

impl Aggregate for Rule {
    const CATEGORY: Category = Category::Rule;

    type Id = RuleId;
    type Command = Command;
    type Answer = Self;
    type Effect = Nothing;
    type Rejection = Rejection;

    fn narrow(event: events::Event) -> Option<Event> {
        if let events::Event::Rule(event) = event { Some(event) } else { None }
    }

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Rejection> {
        match (&command.action, self) {
            (Action::Create(created), Self::Absent) => Ok(vec![(**created).clone().into()]),
            (Action::Create(_), Self::Live(_) | Self::Deleted) => Err(Rejection::Exists),
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
