//! Who is subscribed to what, as of the record that was folded last.

use std::collections::{BTreeMap, BTreeSet};

use events::installation::Event as InstallationEvent;
use events::webhook::{Event as WebhookEvent, subscribes};
use events::{
    AccountId, DeliveryId, EndpointId, Event, Fold, InboxId, Recorded, StreamName, WebhookId,
};

use serde::{Deserialize, Serialize};

use super::api_inboxes::ApiInboxes;
use super::operational::{Telling, Trouble};

/// All that fanning out depends on.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Subscriptions {
    webhooks: BTreeMap<WebhookId, Subscriber>,
    by_account: BTreeMap<AccountId, BTreeSet<WebhookId>>,
    accounts: BTreeMap<AccountId, Tenant>,
    api_inboxes: ApiInboxes,
    /// Every endpoint there ever was: even a deleted one may still be owed an end.
    ever: BTreeSet<EndpointId>,
    inbox_events: bool,
    mail: bool,
    telling: Telling,
}

/// An account, as far as somebody is told of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Tenant {
    pub(super) name: String,
    pub(super) administrator_emails: Vec<String>,
    pub(super) locale: Option<String>,
}

/// Where an endpoint is, in the words of its account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) account: AccountId,
    pub(super) name: Option<&'a str>,
    pub(super) url: &'a str,
}

#[derive(Debug, Serialize, Deserialize)]
struct Subscriber {
    account: AccountId,
    name: Option<String>,
    url: String,
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
    ) -> Vec<EndpointId> {
        let of_account = self.by_account.get(&account).into_iter().flatten();
        of_account
            .filter(|webhook| self.webhooks.get(webhook).is_some_and(|it| it.wants(event, inbox)))
            .map(|webhook| EndpointId::Webhook(*webhook))
            .collect()
    }

    /// Who is to be told of a webhook's trouble, with the name of it, whose it is and the body; and
    /// remembers what tells of it.
    pub(super) fn tell(
        &mut self,
        recorded: &Recorded<Event>,
    ) -> Option<(&'static str, AccountId, Vec<EndpointId>, String)> {
        let trouble = Trouble::of(recorded, &self.telling)?;
        let (name, sick) = (trouble.name, trouble.webhook);
        let account = self.webhooks.get(&sick)?.account;
        let mut wanting = self.wanting(account, name, None);
        wanting.retain(|endpoint| *endpoint != EndpointId::Webhook(sick));
        for endpoint in &wanting {
            self.telling.remember(DeliveryId::of(recorded.id, *endpoint));
        }
        let body = trouble.body(recorded, account, self.account_name(account));
        Some((name, account, wanting, body))
    }

    pub(super) fn account_name(&self, account: AccountId) -> &str {
        self.accounts.get(&account).map_or("", |tenant| &tenant.name)
    }

    /// Whether administrators are written to.
    pub(super) fn mail(&self) -> bool {
        self.mail
    }

    /// Whom to write to of what befell something of this account; none where nobody is to be.
    pub(super) fn addressees(&self, account: AccountId) -> Option<&Tenant> {
        let tenant = self.accounts.get(&account)?;
        (self.mail && !tenant.administrator_emails.is_empty()).then_some(tenant)
    }

    /// Whose an endpoint is, what people call it and where it is; none when it is gone, or no
    /// subscriber's.
    pub(super) fn place(&self, endpoint: EndpointId) -> Option<Place<'_>> {
        match endpoint {
            EndpointId::Webhook(id) => {
                let it = self.webhooks.get(&id)?;
                Some(Place { account: it.account, name: it.name.as_deref(), url: &it.url })
            }
            EndpointId::Inbox(id) => {
                let (account, url) = self.api_inboxes.place(id)?;
                Some(Place { account, name: None, url })
            }
            EndpointId::Mail(_) => None,
        }
    }

    /// The endpoint of an API inbox, which hears of all that happens in it.
    pub(super) fn of_inbox(&self, account: AccountId, inbox: InboxId) -> Option<EndpointId> {
        self.api_inboxes.has_webhook(account, inbox).then_some(EndpointId::Inbox(inbox))
    }

    /// Something stands in this stream: if it is a ledger, its endpoint may still be owed.
    pub(super) fn note(&mut self, stream: &StreamName) {
        self.ever.extend(stream.endpoint());
    }

    /// Whether inbox events are delivered.
    pub(super) fn inbox_events(&self) -> bool {
        self.inbox_events
    }

    pub(super) fn ever(&self) -> impl Iterator<Item = EndpointId> {
        self.ever.iter().copied()
    }

    fn webhook(&mut self, id: WebhookId, event: &WebhookEvent) {
        if let WebhookEvent::Created(it) = event {
            let subscriber = Subscriber {
                account: it.account,
                name: it.name.clone(),
                url: it.url.clone(),
                subscriptions: it.subscriptions.clone(),
                inboxes: it.policy.inboxes.clone(),
            };
            self.webhooks.insert(id, subscriber);
            self.by_account.entry(it.account).or_default().insert(id);
            self.ever.insert(id.into());
            return;
        }
        let Some(subscriber) = self.webhooks.get_mut(&id) else { return };
        match event {
            WebhookEvent::Renamed(it) => subscriber.name.clone_from(&it.name),
            WebhookEvent::UrlChanged(it) => subscriber.url.clone_from(&it.url),
            WebhookEvent::Created(_)
            | WebhookEvent::InboxChanged(_)
            | WebhookEvent::SecretRotated(_)
            | WebhookEvent::KeyPairRotated(_)
            | WebhookEvent::KeyPairRetired(_)
            | WebhookEvent::SecretRevealed(_) => {}
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
                let administrator_emails = it.administrator_emails.clone();
                let tenant = Tenant { name: it.name.clone(), administrator_emails, locale: None };
                self.accounts.insert(id, tenant);
            }
            Event::Renamed(it) => self.accounts.entry(id).or_default().name.clone_from(&it.name),
            Event::AdministratorsChanged(it) => {
                let tenant = self.accounts.entry(id).or_default();
                tenant.administrator_emails.clone_from(&it.administrator_emails);
            }
            Event::LocaleSet(it) => {
                self.accounts.entry(id).or_default().locale.clone_from(&it.locale);
            }
            Event::WebhookUrlClaimed(_)
            | Event::WebhookUrlReleased(_)
            | Event::IntegrationClaimed(_)
            | Event::IntegrationReleased(_)
            | Event::PolicySet(_) => {}
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
            (Event::Inbox(event), Some(id)) => self.api_inboxes.evolve(InboxId(id), event),
            (Event::Installation(event), _) => match event {
                InstallationEvent::InboxEventsEnabled(_) => self.inbox_events = true,
                InstallationEvent::InboxEventsDisabled(_) => self.inbox_events = false,
                InstallationEvent::MailEnabled(_) => self.mail = true,
                InstallationEvent::MailDisabled(_) => self.mail = false,
                InstallationEvent::TokenCreated(_)
                | InstallationEvent::TokenRevoked(_)
                | InstallationEvent::SealingKeyIntroduced(_)
                | InstallationEvent::SealingKeyRotated(_)
                | InstallationEvent::WebhookNumberTaken(_)
                | InstallationEvent::HookNumberTaken(_)
                | InstallationEvent::RuleNumberTaken(_)
                | InstallationEvent::PolicySet(_)
                | InstallationEvent::AppIncidentMuted(_)
                | InstallationEvent::AppIncidentUnmuted(_)
                | InstallationEvent::AppIncidentClosed(_) => {}
            },
            (Event::Webhook(_) | Event::Account(_) | Event::Inbox(_), None)
            | (
                Event::Delivery(_)
                | Event::Platform(_)
                | Event::Fanout(_)
                | Event::Request(_)
                | Event::Hook(_)
                | Event::Rule(_),
                _,
            ) => {}
        }
    }
}

#[cfg(test)]
mod tests;
