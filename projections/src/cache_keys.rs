//! When an account's labels, inboxes and teams last changed, as Chatwoot's clients ask for it.

use std::collections::HashMap;

use events::hook::Event as HookEvent;
use events::inbox::Event as InboxEvent;
use events::reauthorization::Event as Reauthorization;
use events::{AccountId, Event, Fold, HookId, InboxId, Recorded};
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
    /// Whose each hook is that works for an inbox.
    hooks: HashMap<HookId, AccountId>,
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
            InboxEvent::Reauthorization(event) => is_transition(event),
        }
    }

    /// As in Chatwoot, the transition of a hook that works for an inbox is the inbox's too.
    fn take_hook(&mut self, hook: HookId, seconds: i64, event: &HookEvent) {
        match event {
            HookEvent::Created(created) if created.scope.inbox().is_some() => {
                self.hooks.insert(hook, created.account);
            }
            HookEvent::Deleted(_) => {
                self.hooks.remove(&hook);
            }
            HookEvent::Reauthorization(event) if is_transition(event) => {
                if let Some(account) = self.hooks.get(&hook).copied() {
                    self.bump(account, seconds);
                }
            }
            HookEvent::Created(_)
            | HookEvent::SettingsChanged(_)
            | HookEvent::AccessTokenReplaced(_)
            | HookEvent::Enabled(_)
            | HookEvent::Disabled(_)
            | HookEvent::Reauthorization(_) => {}
        }
    }

    fn bump(&mut self, account: AccountId, seconds: i64) {
        let first = Keys { label: seconds, inbox: seconds, team: seconds };
        let keys = self.keys.entry(account).or_insert(first);
        // Streams have clocks of their own; a key never runs backwards.
        keys.inbox = keys.inbox.max(seconds);
    }

    fn take(&mut self, inbox: InboxId, seconds: i64, event: &InboxEvent) {
        if let InboxEvent::Registered(registered) = event {
            self.accounts.insert(inbox, registered.account);
        }
        if !Self::shows(event) {
            return;
        }
        let Some(account) = self.accounts.get(&inbox).copied() else { return };
        self.bump(account, seconds);
        if matches!(event, InboxEvent::Removed(_)) {
            self.accounts.remove(&inbox);
        }
    }
}

/// Whether somebody must reauthorize who need not before, or the other way about.
fn is_transition(event: &Reauthorization) -> bool {
    match event {
        Reauthorization::ReauthorizationRequired(_) => true,
        Reauthorization::Reauthorized(reauthorized) => reauthorized.was_required,
        Reauthorization::AuthorizationErrorRecorded(_)
        | Reauthorization::AuthorizationSucceeded(_)
        | Reauthorization::PolicySet(_)
        | Reauthorization::ExpirySet(_)
        | Reauthorization::Expiring(_)
        | Reauthorization::IncidentMuted(_)
        | Reauthorization::IncidentUnmuted(_) => false,
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
            Event::Hook(event) => {
                if let Some(id) = record.stream.number() {
                    self.take_hook(HookId(id), seconds, event);
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
            | Event::Rule(_) => {}
        }
    }
}

impl Projection for CacheKeys {
    const NAME: &'static str = "cache_keys";
    const VERSION: u32 = 2;
}

#[cfg(test)]
mod tests;
