//! What holds for each kind of subject: the installation's policies, and each account's.

use std::collections::BTreeMap;

use events::policy::{Layer, Layers, Policy, Rules};
use events::{AccountId, Event, Fold, Recorded};
use serde::{Deserialize, Serialize};

use crate::{Projection, Seen};

static NONE: Layer = Layer { version: 0, kinds: BTreeMap::new() };

/// Every policy but those of single subjects.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    seen: Seen,
    known: bool,
    installation: Layer,
    accounts: BTreeMap<AccountId, Layer>,
}

impl Policies {
    /// The installation's.
    pub fn installation(&self) -> &Layer {
        &self.installation
    }

    /// An account's.
    pub fn account(&self, account: AccountId) -> &Layer {
        self.accounts.get(&account).unwrap_or(&NONE)
    }

    /// Both, to hand to a subject that decides.
    pub fn layers(&self, account: AccountId) -> Layers {
        let account = self.account(account).clone();
        Layers { installation: self.installation.clone(), account }
    }

    /// What holds for a subject of this kind with this policy of its own.
    pub fn rules<'a>(&'a self, account: AccountId, kind: &str, own: &'a Policy) -> Rules<'a> {
        Rules::between(&self.installation, self.account(account), kind, own, 0)
    }

    /// Whether the installation's own records were read, without which nothing can be said.
    pub(crate) fn is_known(&self) -> bool {
        self.known
    }
}

impl Fold for Policies {
    type Event = Recorded<Event>;

    fn evolve(&mut self, record: &Recorded<Event>) {
        if !self.seen.is_news(record.position) {
            return;
        }
        match &record.event {
            Event::Installation(event) => {
                self.known = true;
                if let events::installation::Event::PolicySet(set) = event {
                    self.installation.set(&set.kind, &set.policy);
                }
            }
            Event::Account(events::account::Event::PolicySet(set)) => {
                if let Some(id) = record.stream.number() {
                    self.accounts.entry(AccountId(id)).or_default().set(&set.kind, &set.policy);
                }
            }
            Event::Account(
                events::account::Event::Registered(_)
                | events::account::Event::Renamed(_)
                | events::account::Event::AdministratorsChanged(_)
                | events::account::Event::LocaleSet(_)
                | events::account::Event::IntegrationClaimed(_)
                | events::account::Event::IntegrationReleased(_)
                | events::account::Event::WebhookUrlClaimed(_)
                | events::account::Event::WebhookUrlReleased(_),
            )
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

impl Projection for Policies {
    const NAME: &'static str = "policies";
    const VERSION: u32 = 1;
}

#[cfg(test)]
mod tests;
