//! The accounts: what they are called and who administers them.

use std::collections::BTreeMap;

use events::account::Event as AccountEvent;
use events::{AccountId, Event, Fold, Recorded, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Projection, Seen};

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What people call it.
    pub name: String,
    /// Who is told when a connection breaks.
    pub administrator_emails: Vec<String>,
    /// The language it is written to in, in Chatwoot's words; none means English.
    pub locale: Option<String>,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// Every account.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    seen: Seen,
    accounts: BTreeMap<AccountId, Account>,
}

impl Accounts {
    /// One account.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// All of them by number.
    pub fn iter(&self) -> impl Iterator<Item = (AccountId, &Account)> {
        self.accounts.iter().map(|(id, account)| (*id, account))
    }

    fn take(&mut self, id: AccountId, at: Timestamp, event: &AccountEvent) {
        match event {
            AccountEvent::Registered(registered) => {
                let account = Account {
                    name: registered.name.clone(),
                    administrator_emails: registered.administrator_emails.clone(),
                    locale: None,
                    registered_at: at,
                };
                self.accounts.insert(id, account);
            }
            AccountEvent::Renamed(renamed) => {
                if let Some(account) = self.accounts.get_mut(&id) {
                    account.name.clone_from(&renamed.name);
                }
            }
            AccountEvent::AdministratorsChanged(changed) => {
                if let Some(account) = self.accounts.get_mut(&id) {
                    account.administrator_emails.clone_from(&changed.administrator_emails);
                }
            }
            AccountEvent::LocaleSet(set) => {
                if let Some(account) = self.accounts.get_mut(&id) {
                    account.locale.clone_from(&set.locale);
                }
            }
            AccountEvent::WebhookUrlClaimed(_)
            | AccountEvent::WebhookUrlReleased(_)
            | AccountEvent::IntegrationClaimed(_)
            | AccountEvent::IntegrationReleased(_)
            | AccountEvent::PolicySet(_) => {}
        }
    }
}

impl Fold for Accounts {
    type Event = Recorded<Event>;

    fn evolve(&mut self, record: &Recorded<Event>) {
        if !self.seen.is_news(record.position) {
            return;
        }
        match &record.event {
            Event::Account(event) => {
                if let Some(id) = record.stream.number() {
                    self.take(AccountId(id), record.at, event);
                }
            }
            Event::Inbox(_)
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

impl Projection for Accounts {
    const NAME: &'static str = "accounts";
    const VERSION: u32 = 2;
}

#[cfg(test)]
mod tests;
