//! Who may do what: tokens by their hash, the sealing key, and what the installation has enabled.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use events::installation::{
    Event as InstallationEvent, Role, SealingKeyIntroduced, SealingKeyRotated,
};
use events::{AccountId, Event, Fold, KeyId, Recorded, Sealed, TokenId};
use serde::{Deserialize, Serialize};

use crate::{Projection, Seen};

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its number.
    pub id: TokenId,
    /// Whose it is; none means every account's.
    pub account: Option<AccountId>,
    /// What its holder may do.
    pub role: Role,
}

/// The key that secrets are sealed under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealingKey {
    /// Its name.
    pub key: KeyId,
    /// A known text sealed under it: opening it proves the key.
    pub proof: Sealed,
}

/// Who may do what.
#[derive(Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    seen: Seen,
    /// By SHA-256 of the token.
    tokens: HashMap<[u8; 32], Token>,
    highest_token: Option<TokenId>,
    revoked: BTreeSet<TokenId>,
    sealing_key: Option<SealingKey>,
    inbox_events: bool,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = self.tokens.len();
        write!(f, "Access({tokens} tokens, key {:?})", self.sealing_key.as_ref().map(|key| key.key))
    }
}

impl Access {
    /// What the token with this SHA-256 allows.
    pub fn token(&self, hash: &[u8; 32]) -> Option<Token> {
        self.tokens.get(hash).copied()
    }

    /// Whether a token that was good is so no more.
    pub fn is_revoked(&self, token: TokenId) -> bool {
        self.revoked.contains(&token)
    }

    /// The highest number that a token has; the next token gets the next.
    pub fn highest_token(&self) -> Option<TokenId> {
        self.highest_token
    }

    /// The key that secrets are sealed under now; none before the first.
    pub fn sealing_key(&self) -> Option<&SealingKey> {
        self.sealing_key.as_ref()
    }

    /// Whether inbox events are delivered, as the log was last told.
    pub fn inbox_events(&self) -> bool {
        self.inbox_events
    }

    fn take(&mut self, event: &InstallationEvent) {
        match event {
            InstallationEvent::TokenCreated(created) => {
                let token =
                    Token { id: created.token, account: created.account, role: created.role };
                self.tokens.insert(created.hash, token);
                self.highest_token = self.highest_token.max(Some(created.token));
            }
            InstallationEvent::TokenRevoked(revoked) => {
                self.tokens.retain(|_, token| token.id != revoked.token);
                self.revoked.insert(revoked.token);
            }
            InstallationEvent::SealingKeyIntroduced(SealingKeyIntroduced { key, proof })
            | InstallationEvent::SealingKeyRotated(SealingKeyRotated { key, proof, .. }) => {
                self.sealing_key = Some(SealingKey { key: *key, proof: proof.clone() });
            }
            InstallationEvent::InboxEventsEnabled(_) => self.inbox_events = true,
            InstallationEvent::InboxEventsDisabled(_) => self.inbox_events = false,
            InstallationEvent::WebhookNumberTaken(_)
            | InstallationEvent::HookNumberTaken(_)
            | InstallationEvent::RuleNumberTaken(_)
            | InstallationEvent::MailEnabled(_)
            | InstallationEvent::MailDisabled(_)
            | InstallationEvent::PolicySet(_)
            | InstallationEvent::AppIncidentMuted(_)
            | InstallationEvent::AppIncidentUnmuted(_)
            | InstallationEvent::AppIncidentClosed(_) => {}
        }
    }
}

impl Fold for Access {
    type Event = Recorded<Event>;

    fn evolve(&mut self, record: &Recorded<Event>) {
        if !self.seen.is_news(record.position) {
            return;
        }
        match &record.event {
            Event::Installation(event) => self.take(event),
            Event::Account(_)
            | Event::Inbox(_)
            | Event::Webhook(_)
            | Event::Delivery(_)
            | Event::Platform(_)
            | Event::Fanout(_)
            | Event::Request(_)
            | Event::Hook(_)
            | Event::Rule(_) => {}
        }
    }
}

impl Projection for Access {
    const NAME: &'static str = "access";
    const VERSION: u32 = 2;
}

#[cfg(test)]
mod tests;
