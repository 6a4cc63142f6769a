//! The installation gives out numbers, and knows its tokens, sealing key and settings.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use events::evidence::Class;
use events::installation::{
    AppIncident, AppIncidentClosed, AppIncidentMuted, AppIncidentUnmuted, Event, HookNumberTaken,
    InboxEventsDisabled, InboxEventsEnabled, MailDisabled, MailEnabled, OlderKey, PolicySet, Role,
    RuleNumberTaken, SealingKeyIntroduced, SealingKeyRotated, TokenCreated, TokenRevoked,
    WebhookNumberTaken,
};
use events::policy::{Layer, Policy};
use events::{AccountId, Category, Fold, HookId, KeyId, RuleId, Sealed, TokenId, WebhookId};
use uuid::Uuid;

use crate::aggregate::{Aggregate, Nothing};

/// The one installation of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TheOne;

impl fmt::Display for TheOne {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("1")
    }
}

/// As many commands as are remembered with the number that they were given.
const REMEMBERED: usize = 256;

/// Numbers of one kind, and what the last of them were given for: a request that broke off behind
/// it finds its number again.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Numbers {
    highest: u64,
    recent: VecDeque<(Uuid, u64)>,
}

impl Numbers {
    /// The number that was given to this command.
    pub fn of(&self, request: Uuid) -> Option<u64> {
        self.recent.iter().rev().find(|(id, _)| *id == request).map(|(_, number)| *number)
    }

    /// The number to give to this command; none when it has one.
    fn next(&self, request: Uuid) -> Option<u64> {
        self.of(request).is_none().then_some(self.highest + 1)
    }

    fn take(&mut self, number: u64, request: Uuid) {
        self.highest = self.highest.max(number);
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back((request, number));
    }
}

/// The installation as its events tell it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The highest webhook number taken.
    pub webhook: u64,
    /// The hook numbers taken.
    pub hooks: Numbers,
    /// The rule numbers taken.
    pub rules: Numbers,
    /// The highest token number taken.
    pub token: u64,
    /// The tokens that are good: whose each is, and what it allows.
    pub tokens: BTreeMap<TokenId, (Option<AccountId>, Role)>,
    /// The key that secrets are sealed under, and its proof.
    pub key: Option<(KeyId, Sealed)>,
    /// Keys of before, sealed under that one.
    pub older: Vec<OlderKey>,
    /// Whether inbox events are delivered.
    pub inbox_events: bool,
    /// Whether administrators are written to.
    pub mail: bool,
    /// What holds for each kind of subject in every account.
    pub policies: Layer,
    /// What was last said of an incident that a provider's app had, and of which.
    said: BTreeMap<(String, Class), (u64, Said)>,
}

/// What somebody said of an incident of the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Muted,
    Unmuted,
    Closed,
}

/// What can be asked of the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Take the next webhook number.
    TakeWebhookNumber,
    /// Take a hook number for this command.
    TakeHookNumber(Uuid),
    /// Take a rule number for this command.
    TakeRuleNumber(Uuid),
    /// Create a token.
    CreateToken {
        /// SHA-256 of the token.
        hash: [u8; 32],
        /// Whose it is; none means every account's.
        account: Option<AccountId>,
        /// What it allows.
        role: Role,
    },
    /// Let a token be good for nothing any more.
    RevokeToken(TokenId),
    /// Say which key secrets are sealed under.
    IntroduceKey {
        /// Its name.
        key: KeyId,
        /// A known text sealed under it.
        proof: Sealed,
    },
    /// Seal under another key from now on.
    RotateKey {
        /// The key of now.
        from: KeyId,
        /// The new one's name.
        to: KeyId,
        /// A known text sealed under the new one.
        proof: Sealed,
        /// Every key there was before, sealed under the new one.
        older: Vec<OlderKey>,
    },
    /// Say whether inbox events are delivered.
    SetInboxEvents(bool),
    /// Say whether administrators are written to.
    SetMail(bool),
    /// Say what holds for a kind of subject; an empty policy says nothing any more.
    SetPolicy {
        /// Which kind: Chatwoot's model name.
        kind: String,
        /// All of it.
        policy: Policy,
    },
    /// Nobody wants to hear of this incident of the installation, or somebody does again.
    MuteIncident {
        /// Which.
        incident: AppIncident,
        /// Whether nobody does.
        muted: bool,
    },
    /// Somebody says that this incident of the installation is over.
    CloseIncident(AppIncident),
    /// Only look.
    Look,
}

/// Why the installation says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The log's secrets are sealed under another key.
    #[error("the log is sealed under key {0}")]
    OtherKey(KeyId),
    /// No token has this number.
    #[error("there is no token {0}")]
    NoToken(TokenId),
    /// Nothing was ever sealed.
    #[error("the log has no sealing key yet")]
    NoKey,
}

impl Installation {
    /// Whether there is a token of an administrator of every account.
    pub fn has_administrator(&self) -> bool {
        self.tokens.values().any(|whose| *whose == (None, Role::Administrator))
    }

    /// Revoked twice is revoked once.
    fn revoke(&self, token: TokenId) -> Result<Vec<Event>, Rejection> {
        match self.tokens.get(&token) {
            Some(&(account, role)) => Ok(vec![TokenRevoked { token, account, role }.into()]),
            None if (1..=self.token).contains(&token.0) => Ok(vec![]),
            None => Err(Rejection::NoToken(token)),
        }
    }

    fn said_of(&self, incident: &AppIncident) -> Option<Said> {
        let (number, said) = self.said.get(&(incident.provider.clone(), incident.class))?;
        (*number == incident.number).then_some(*said)
    }

    fn say(&mut self, incident: &AppIncident, said: Said) {
        let AppIncident { number, provider, class } = incident;
        self.said.insert((provider.clone(), *class), (*number, said));
    }

    /// One that is over is neither muted nor unmuted.
    fn mute(&self, incident: &AppIncident, mute: bool) -> Vec<Event> {
        let incident = incident.clone();
        match (self.said_of(&incident), mute) {
            (Some(Said::Closed | Said::Muted), true) | (Some(Said::Closed), false) => vec![],
            (Some(Said::Unmuted) | None, false) => vec![],
            (Some(Said::Unmuted) | None, true) => vec![AppIncidentMuted { incident }.into()],
            (Some(Said::Muted), false) => vec![AppIncidentUnmuted { incident }.into()],
        }
    }
}

impl Fold for Installation {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::TokenCreated(it) => {
                self.token = self.token.max(it.token.0);
                self.tokens.insert(it.token, (it.account, it.role));
            }
            Event::TokenRevoked(it) => {
                self.tokens.remove(&it.token);
            }
            Event::SealingKeyIntroduced(it) => self.key = Some((it.key, it.proof.clone())),
            Event::SealingKeyRotated(it) => {
                self.key = Some((it.key, it.proof.clone()));
                self.older.clone_from(&it.older);
            }
            Event::WebhookNumberTaken(it) => self.webhook = self.webhook.max(it.webhook.0),
            Event::HookNumberTaken(it) => self.hooks.take(it.hook.0, it.request),
            Event::RuleNumberTaken(it) => self.rules.take(it.rule.0, it.request),
            Event::InboxEventsEnabled(_) => self.inbox_events = true,
            Event::InboxEventsDisabled(_) => self.inbox_events = false,
            Event::MailEnabled(_) => self.mail = true,
            Event::MailDisabled(_) => self.mail = false,
            Event::PolicySet(set) => self.policies.set(&set.kind, &set.policy),
            Event::AppIncidentMuted(it) => self.say(&it.incident, Said::Muted),
            Event::AppIncidentUnmuted(it) => self.say(&it.incident, Said::Unmuted),
            Event::AppIncidentClosed(it) => self.say(&it.incident, Said::Closed),
        }
    }
}

impl Aggregate for Installation {
    const CATEGORY: Category = Category::Installation;

    type Id = TheOne;
    type Command = Command;
    type Answer = Self;
    type Effect = Nothing;
    type Rejection = Rejection;

    fn narrow(event: events::Event) -> Option<Event> {
        if let events::Event::Installation(event) = event { Some(event) } else { None }
    }

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Rejection> {
        Ok(match command {
            Command::TakeWebhookNumber => {
                vec![WebhookNumberTaken { webhook: WebhookId(self.webhook + 1) }.into()]
            }
            Command::TakeHookNumber(request) => {
                let taken = |number| HookNumberTaken { hook: HookId(number), request: *request };
                self.hooks.next(*request).map(|number| taken(number).into()).into_iter().collect()
            }
            Command::TakeRuleNumber(request) => {
                let taken = |number| RuleNumberTaken { rule: RuleId(number), request: *request };
                self.rules.next(*request).map(|number| taken(number).into()).into_iter().collect()
            }
            Command::CreateToken { hash, account, role } => {
                let token = TokenId(self.token + 1);
                let (hash, account, role) = (*hash, *account, *role);
                vec![TokenCreated { token, hash, account, role }.into()]
            }
            Command::RevokeToken(token) => self.revoke(*token)?,
            Command::IntroduceKey { key, proof } => match &self.key {
                Some((known, _)) if known == key => vec![],
                Some((known, _)) => return Err(Rejection::OtherKey(*known)),
                None => vec![SealingKeyIntroduced { key: *key, proof: proof.clone() }.into()],
            },
            Command::RotateKey { from, to, proof, older } => match &self.key {
                Some((known, _)) if known == to => vec![],
                Some((known, _)) if known == from => {
                    let (key, proof, older) = (*to, proof.clone(), older.clone());
                    vec![SealingKeyRotated { key, proof, older }.into()]
                }
                Some((known, _)) => return Err(Rejection::OtherKey(*known)),
                None => return Err(Rejection::NoKey),
            },
            Command::SetInboxEvents(on) if *on == self.inbox_events => vec![],
            Command::SetInboxEvents(true) => vec![InboxEventsEnabled {}.into()],
            Command::SetInboxEvents(false) => vec![InboxEventsDisabled {}.into()],
            Command::SetMail(on) if *on == self.mail => vec![],
            Command::SetMail(true) => vec![MailEnabled {}.into()],
            Command::SetMail(false) => vec![MailDisabled {}.into()],
            Command::SetPolicy { kind, policy } if self.policies.differs(kind, policy) => {
                vec![PolicySet { kind: kind.clone(), policy: policy.clone() }.into()]
            }
            Command::SetPolicy { .. } => vec![],
            Command::MuteIncident { incident, muted } => self.mute(incident, *muted),
            Command::CloseIncident(incident) => match self.said_of(incident) {
                Some(Said::Closed) => vec![],
                Some(Said::Muted | Said::Unmuted) | None => {
                    vec![AppIncidentClosed { incident: incident.clone() }.into()]
                }
            },
            Command::Look => vec![],
        })
    }

    fn answer(&self, _: &Command) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests;
