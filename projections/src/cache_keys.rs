//! When an account's labels, inboxes and teams last changed, as Chatwoot's clients ask for it.

use std::collections::HashMap;

use events::inbox::Event as InboxEvent;
use events::reauthorization::Event as Reauthorization;
use events::{AccountId, Event, Fold, InboxId, Recorded};
use serde::{Deserialize, Serialize};

use crate::{Projection, Seen};

/// One account's keys, in whole seconds since the Unix epoch.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Of its labels, which Relink does not know: since the account is known.
    pub label: i64,
    /// Of its inboxes.
    pub inbox: i64,
    /// Of its teams, which Relink does not know: since the account is known.
    pub team: i64,
}

/// Every account's keys.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheKeys {
    seen: Seen,
    keys: HashMap<AccountId, Keys>,
    /// Whose each inbox is: only its registration says so.
    accounts: HashMap<InboxId, AccountId>,
}

impl CacheKeys {
    /// An account's keys; none before anything is known of it.
    pub fn of_account(&self, account: AccountId) -> Option<Keys> {
        self.keys.get(&account).copied()
    }

    /// Whether a client that shows inboxes would show another thing after this event.
    fn shows(event: &InboxEvent) -> bool {
        match event {
            InboxEvent::Registered(_)
            | InboxEvent::Renamed(_)
            | InboxEvent::ChannelTypeChanged(_)
            | InboxEvent::AttributesChanged(_)
            | InboxEvent::Removed(_) => true,
            InboxEvent::CredentialsReplaced(_) | InboxEvent::ThresholdSet(_) => false,
            InboxEvent::Reauthorization(event) => match event {
                Reauthorization::ReauthorizationRequired(_) => true,
                Reauthorization::Reauthorized(reauthorized) => reauthorized.was_required,
                Reauthorization::AuthorizationErrorRecorded(_)
                | Reauthorization::AuthorizationSucceeded(_)
                | Reauthorization::PolicySet(_)
                | Reauthorization::ExpirySet(_)
                | Reauthorization::Expiring(_)
                | Reauthorization::IncidentMuted(_)
                | Reauthorization::IncidentUnmuted(_) => false,
            },
        }
    }

    fn take(&mut self, inbox: InboxId, seconds: i64, event: &InboxEvent) {
        if let InboxEvent::Registered(registered) = event {
            self.accounts.insert(inbox, registered.account);
        }
        if !Self::shows(event) {
            return;
        }
        let Some(account) = self.accounts.get(&inbox) else { return };
        let first = Keys { label: seconds, inbox: seconds, team: seconds };
        let keys = self.keys.entry(*account).or_insert(first);
        // Streams have clocks of their own; a key never runs backwards.
        keys.inbox = keys.inbox.max(seconds);
        if matches!(event, InboxEvent::Removed(_)) {
            self.accounts.remove(&inbox);
        }
    }
}

impl Fold for CacheKeys {
    type Event = Recorded<Event>;

    fn evolve(&mut self, record: &Recorded<Event>) {
        if !self.seen.is_news(record.position) {
            return;
        }
        let seconds = record.at.as_seconds();
        match &record.event {
            Event::Inbox(event) => {
                if let Some(id) = record.stream.number() {
                    self.take(InboxId(id), seconds, event);
                }
            }
            Event::Account(events::account::Event::Registered(_)) => {
                if let Some(id) = record.stream.number() {
                    let keys = self.keys.entry(AccountId(id)).or_default();
                    *keys = Keys { label: seconds, inbox: keys.inbox.max(seconds), team: seconds };
                }
            }
            Event::Account(
                events::account::Event::Renamed(_)
                | events::account::Event::AdministratorsChanged(_)
                | events::account::Event::LocaleSet(_)
                | events::account::Event::WebhookUrlClaimed(_)
                | events::account::Event::WebhookUrlReleased(_)
                | events::account::Event::IntegrationClaimed(_)
                | events::account::Event::IntegrationReleased(_)
                | events::account::Event::PolicySet(_),
            )
            | Event::Webhook(_)
            | Event::Delivery(_)
            | Event::Platform(_)
            | Event::Installation(_)
            | Event::Fanout(_)
            | Event::Request(_)
            | Event::Hook(_)
            | Event::Rule(_) => {}
        }
    }
}

impl Projection for CacheKeys {
    const NAME: &'static str = "cache_keys";
    const VERSION: u32 = 1;
}

#[cfg(test)]
mod tests;
