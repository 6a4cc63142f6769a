//! A webhook decides about its own settings; what it is owed is decided in its ledger.

use std::time::Duration;

use events::signing::{FORMER_MAX, SigningKeys};
use events::webhook::{
    Created, Deleted, Event, InboxChanged, KeyPairRetired, KeyPairRotated, Policy, PolicyChanged,
    Renamed, SecretRevealed, SecretRotated, SubscriptionsChanged, UrlChanged,
};
use events::{AccountId, Category, Fold, InboxId, Sealed, Timestamp, WebhookId};

use crate::aggregate::{Aggregate, Nothing};
use crate::ports::Endpoint;

/// A webhook as its events tell it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Webhook {
    /// Never heard of.
    #[default]
    Absent,
    /// Subscribed.
    Live(Box<Settings>),
    /// Once subscribed.
    Deleted,
}

/// A webhook's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The tenant.
    pub account: AccountId,
    /// Where deliveries go.
    pub url: String,
    /// What people call it.
    pub name: Option<String>,
    /// The inbox it is shown with.
    pub inbox: Option<InboxId>,
    /// Event names, or prefixes ending in `*`.
    pub subscriptions: Vec<String>,
    /// What deliveries are signed with.
    pub keys: SigningKeys,
    /// How deliveries are made.
    pub policy: Policy,
}

impl Settings {
    /// Where deliveries go.
    pub fn endpoint(&self, webhook: WebhookId) -> Endpoint {
        let schedule = self.policy.retry_schedule_ms.as_ref();
        Endpoint {
            id: webhook.into(),
            account: self.account,
            url: self.url.clone(),
            keys: self.keys.clone(),
            headers: self.policy.headers.clone(),
            timeout: self.policy.timeout_ms.map(Duration::from_millis),
            concurrency: self.policy.concurrency,
            retry_schedule: schedule
                .map(|waits| waits.iter().copied().map(Duration::from_millis).collect()),
            rate_per_second: self.policy.rate_per_second,
        }
    }
}

/// Settings to change; what is not given stays as it is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where deliveries go.
    pub url: Option<String>,
    /// What people call it; the inner none takes the name away.
    pub name: Option<Option<String>>,
    /// The inbox it is shown with; the inner none takes it away.
    pub inbox: Option<Option<InboxId>>,
    /// All subscriptions.
    pub subscriptions: Option<Vec<String>>,
    /// All of the policy.
    pub policy: Option<Policy>,
    /// What that was put together of; none takes the place of whatever there is. Another node may
    /// change it meanwhile, and that must not be lost.
    pub over: Option<Policy>,
}

/// Another key to sign with, or one fewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// Another secret, sealed.
    Secret(Sealed),
    /// A key pair, the first or another.
    KeyPair {
        /// The private key, sealed.
        secret: Sealed,
        /// The public key as receivers are given it.
        public: String,
    },
    /// No key pair.
    NoKeyPair,
}

/// What can be asked of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Subscribe it.
    Create(Box<Settings>),
    /// Change what is given.
    Change {
        /// The tenant that asks.
        account: AccountId,
        /// What.
        change: Box<Change>,
    },
    /// Sign otherwise.
    Rotate {
        /// The tenant that asks.
        account: AccountId,
        /// With what.
        rotation: Rotation,
        /// When this is asked.
        now: Timestamp,
        /// As long as the keys before sign on.
        overlap: Duration,
    },
    /// Show its secrets.
    Reveal {
        /// The tenant that asks.
        account: AccountId,
    },
    /// Unsubscribe it.
    Delete {
        /// The tenant that asks.
        account: AccountId,
    },
    /// Only look.
    Look,
}

/// Why a webhook says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// This account has no such webhook.
    #[error("the account has no such webhook")]
    Unknown,
    /// The number was used before.
    #[error("the webhook exists already")]
    Exists,
    /// Each of them is one more signature in every request.
    #[error("{FORMER_MAX} older keys still sign; rotate again when one of them has ended")]
    TooManyKeys,
    /// Its policy is not the one that the change was made of.
    #[error("the webhook was changed at the same moment")]
    Changed,
}

impl Webhook {
    /// Its settings, while it lives.
    pub fn settings(&self) -> Option<&Settings> {
        match self {
            Self::Live(settings) => Some(settings),
            Self::Absent | Self::Deleted => None,
        }
    }

    fn of(&self, account: AccountId) -> Result<&Settings, Rejection> {
        self.settings().filter(|it| it.account == account).ok_or(Rejection::Unknown)
    }

    fn create(&self, settings: &Settings) -> Result<Vec<Event>, Rejection> {
        match self {
            Self::Absent => Ok(vec![
                Created {
                    account: settings.account,
                    url: settings.url.clone(),
                    name: settings.name.clone(),
                    inbox: settings.inbox,
                    subscriptions: settings.subscriptions.clone(),
                    secret: settings.keys.secret().clone(),
                    policy: settings.policy.clone(),
                }
                .into(),
            ]),
            Self::Live(_) | Self::Deleted => Err(Rejection::Exists),
        }
    }
}

impl Settings {
    fn rotate(
        &self,
        rotation: &Rotation,
        now: Timestamp,
        overlap: Duration,
    ) -> Result<Vec<Event>, Rejection> {
        let previous_until = now.after(overlap);
        let event: Event = match rotation {
            Rotation::Secret(secret) if secret == self.keys.secret() => return Ok(vec![]),
            Rotation::Secret(secret) => {
                SecretRotated { secret: secret.clone(), previous_until }.into()
            }
            Rotation::KeyPair { secret, public } => {
                if self.keys.pair().is_some_and(|pair| pair.secret == *secret) {
                    return Ok(vec![]);
                }
                let (secret, public) = (secret.clone(), public.clone());
                KeyPairRotated { secret, public, previous_until }.into()
            }
            Rotation::NoKeyPair if self.keys.pair().is_none() => return Ok(vec![]),
            Rotation::NoKeyPair => KeyPairRetired { until: previous_until }.into(),
        };
        // Told by the keys as they will be: a rotation without overlap ends the others at once.
        let mut keys = self.keys.clone();
        keys.evolve(&event);
        if keys.former(now) > FORMER_MAX {
            return Err(Rejection::TooManyKeys);
        }
        Ok(vec![event])
    }

    fn changes(&self, change: &Change) -> Result<Vec<Event>, Rejection> {
        let mut events: Vec<Event> = vec![];
        if let Some(url) = change.url.as_ref().filter(|url| **url != self.url) {
            events.push(UrlChanged { url: url.clone() }.into());
        }
        if let Some(name) = change.name.as_ref().filter(|name| **name != self.name) {
            events.push(Renamed { name: name.clone() }.into());
        }
        if let Some(inbox) = change.inbox.filter(|inbox| *inbox != self.inbox) {
            events.push(InboxChanged { inbox }.into());
        }
        if let Some(subscriptions) = change.subscriptions.as_ref()
            && *subscriptions != self.subscriptions
        {
            events.push(SubscriptionsChanged { subscriptions: subscriptions.clone() }.into());
        }
        if let Some(policy) = change.policy.as_ref().filter(|policy| **policy != self.policy) {
            if change.over.as_ref().is_some_and(|over| *over != self.policy) {
                return Err(Rejection::Changed);
            }
            events.push(PolicyChanged { policy: policy.clone() }.into());
        }
        Ok(events)
    }
}

impl Fold for Webhook {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        if let Event::Created(it) = event {
            *self = Self::Live(Box::new(Settings {
                account: it.account,
                url: it.url.clone(),
                name: it.name.clone(),
                inbox: it.inbox,
                subscriptions: it.subscriptions.clone(),
                keys: SigningKeys::of(it.secret.clone()),
                policy: it.policy.clone(),
            }));
            return;
        }
        let Self::Live(settings) = self else { return };
        match event {
            Event::Created(_) => {}
            Event::Renamed(it) => settings.name.clone_from(&it.name),
            Event::UrlChanged(it) => settings.url.clone_from(&it.url),
            Event::SubscriptionsChanged(it) => {
                settings.subscriptions.clone_from(&it.subscriptions);
            }
            Event::InboxChanged(it) => settings.inbox = it.inbox,
            Event::PolicyChanged(it) => settings.policy = it.policy.clone(),
            Event::SecretRotated(_) | Event::KeyPairRotated(_) | Event::KeyPairRetired(_) => {
                settings.keys.evolve(event);
            }
            Event::SecretRevealed(SecretRevealed {}) => {}
            Event::Deleted(Deleted {}) => *self = Self::Deleted,
        }
    }
}

impl Aggregate for Webhook {
    const CATEGORY: Category = Category::Webhook;

    type Id = WebhookId;
    type Command = Command;
    type Answer = Self;
    type Effect = Nothing;
    type Rejection = Rejection;

    fn narrow(event: events::Event) -> Option<Event> {
        if let events::Event::Webhook(event) = event { Some(event) } else { None }
    }

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Create(settings) => self.create(settings),
            Command::Change { account, change } => self.of(*account)?.changes(change),
            Command::Rotate { account, rotation, now, overlap } => {
                self.of(*account)?.rotate(rotation, *now, *overlap)
            }
            Command::Reveal { account } => {
                self.of(*account).map(|_| vec![SecretRevealed {}.into()])
            }
            Command::Delete { account } => self.of(*account).map(|_| vec![Deleted {}.into()]),
            Command::Look => Ok(vec![]),
        }
    }

    fn answer(&self, _: &Command) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests;
