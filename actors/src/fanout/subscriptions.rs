//! Who is subscribed to what, as of the record that was folded last.

use std::collections::{BTreeMap, BTreeSet};

use events::installation::Event as InstallationEvent;
use events::webhook::{Event as WebhookEvent, subscribes};
use events::{AccountId, Event, Fold, InboxId, Recorded, WebhookId};

/// All that fanning out depends on.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    webhooks: BTreeMap<WebhookId, Subscriber>,
    by_account: BTreeMap<AccountId, BTreeSet<WebhookId>>,
    accounts: BTreeMap<AccountId, String>,
    /// Every webhook there ever was: even a deleted one may still be owed an end.
    ever: BTreeSet<WebhookId>,
    inbox_events: bool,
}

#[derive(Debug)]
struct Subscriber {
    account: AccountId,
    subscriptions: Vec<String>,
    inboxes: Option<Vec<InboxId>>,
}

impl Subscriptions {
    /// Who wants this event; `inbox` is where it happened, if it did in one.
    pub(super) fn wanting(
        &self,
        account: AccountId,
        event: &str,
        inbox: Option<InboxId>,
    ) -> Vec<WebhookId> {
        let of_account = self.by_account.get(&account).into_iter().flatten();
        of_account
            .filter(|webhook| self.webhooks.get(webhook).is_some_and(|it| it.wants(event, inbox)))
            .copied()
            .collect()
    }

    pub(super) fn account_name(&self, account: AccountId) -> &str {
        self.accounts.get(&account).map_or("", String::as_str)
    }

    /// Whether inbox events are delivered.
    pub(super) fn inbox_events(&self) -> bool {
        self.inbox_events
    }

    pub(super) fn ever(&self) -> impl Iterator<Item = WebhookId> {
        self.ever.iter().copied()
    }

    fn webhook(&mut self, id: WebhookId, event: &WebhookEvent) {
        if let WebhookEvent::Created(it) = event {
            let subscriber = Subscriber {
                account: it.account,
                subscriptions: it.subscriptions.clone(),
                inboxes: it.policy.inboxes.clone(),
            };
            self.webhooks.insert(id, subscriber);
            self.by_account.entry(it.account).or_default().insert(id);
            self.ever.insert(id);
            return;
        }
        let Some(subscriber) = self.webhooks.get_mut(&id) else { return };
        match event {
            WebhookEvent::Created(_)
            | WebhookEvent::Renamed(_)
            | WebhookEvent::UrlChanged(_)
            | WebhookEvent::InboxChanged(_) => {}
            WebhookEvent::SubscriptionsChanged(it) => {
                subscriber.subscriptions.clone_from(&it.subscriptions);
            }
            WebhookEvent::PolicyChanged(it) => subscriber.inboxes.clone_from(&it.policy.inboxes),
            WebhookEvent::Deleted(_) => {
                if let Some(webhooks) = self.by_account.get_mut(&subscriber.account) {
                    webhooks.remove(&id);
                }
                self.webhooks.remove(&id);
            }
        }
    }

    fn account(&mut self, id: AccountId, event: &events::account::Event) {
        use events::account::Event;
        match event {
            Event::Registered(it) => {
                self.accounts.insert(id, it.name.clone());
            }
            Event::Renamed(it) => {
                self.accounts.insert(id, it.name.clone());
            }
            Event::AdministratorsChanged(_)
            | Event::WebhookUrlClaimed(_)
            | Event::WebhookUrlReleased(_) => {}
        }
    }
}

impl Subscriber {
    /// An event that happened in no inbox passes every filter by inbox.
    fn wants(&self, event: &str, inbox: Option<InboxId>) -> bool {
        let here = match (&self.inboxes, inbox) {
            (Some(wanted), Some(inbox)) => wanted.contains(&inbox),
            (None, _) | (_, None) => true,
        };
        here && subscribes(&self.subscriptions, event)
    }
}

impl Fold for Subscriptions {
    type Event = Recorded<Event>;

    fn evolve(&mut self, recorded: &Recorded<Event>) {
        let number = recorded.stream.number();
        match (&recorded.event, number) {
            (Event::Webhook(event), Some(id)) => self.webhook(WebhookId(id), event),
            (Event::Account(event), Some(id)) => self.account(AccountId(id), event),
            (Event::Installation(event), _) => match event {
                InstallationEvent::InboxEventsEnabled(_) => self.inbox_events = true,
                InstallationEvent::InboxEventsDisabled(_) => self.inbox_events = false,
                InstallationEvent::TokenCreated(_)
                | InstallationEvent::SealingKeyIntroduced(_)
                | InstallationEvent::WebhookNumberTaken(_) => {}
            },
            (Event::Webhook(_) | Event::Account(_), None)
            | (
                Event::Inbox(_)
                | Event::Delivery(_)
                | Event::Platform(_)
                | Event::Fanout(_)
                | Event::Request(_),
                _,
            ) => {}
        }
    }
}

#[cfg(test)]
mod tests;
