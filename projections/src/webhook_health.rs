//! Each webhook's settings, and how its deliveries are doing; and how those of API inboxes and mail
//! are, whose settings stand elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;

use events::delivery::Event as DeliveryEvent;
use events::signing::SigningKeys;
use events::webhook::{Created, Event as WebhookEvent, Policy};
use events::{AccountId, EndpointId, Event, Fold, InboxId, Recorded, Timestamp, WebhookId};
use serde::{Deserialize, Serialize};

use crate::{Projection, Seen};

pub use events::delivery::{Counts, FailedAttempt, Tally, WebhookStatus};

/// One webhook as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Which.
    pub id: WebhookId,
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
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether it is gone. It is kept so that its past can be asked about.
    pub deleted: bool,
    /// What its deliveries have come to.
    pub tally: Tally,
}

/// How it is doing is told as if it were its own.
impl Deref for Webhook {
    type Target = Tally;

    fn deref(&self) -> &Tally {
        &self.tally
    }
}

/// Every webhook there is or was.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookHealth {
    seen: Seen,
    webhooks: HashMap<WebhookId, Webhook>,
    /// Those that are deleted too.
    by_account: BTreeSet<(AccountId, WebhookId)>,
    /// What the deliveries to everybody else have come to who was ever owed any.
    others: BTreeMap<EndpointId, Tally>,
}

impl WebhookHealth {
    /// One webhook, also when it is deleted.
    pub fn webhook(&self, id: WebhookId) -> Option<&Webhook> {
        self.webhooks.get(&id)
    }

    /// An account's webhooks by number, without those that are deleted.
    pub fn of_account(&self, account: AccountId) -> impl Iterator<Item = &Webhook> {
        let ever = self.ever_of_account(account).filter_map(|id| self.webhooks.get(&id));
        ever.filter(|webhook| !webhook.deleted)
    }

    /// The numbers of all webhooks that an account has or had, in order.
    pub fn ever_of_account(&self, account: AccountId) -> impl Iterator<Item = WebhookId> {
        let all = (account, WebhookId(0))..=(account, WebhookId(u64::MAX));
        self.by_account.range(all).map(|(_, id)| *id)
    }

    /// All that are not deleted, by account and number.
    pub fn iter(&self) -> impl Iterator<Item = &Webhook> {
        let ever = self.by_account.iter().filter_map(|(_, id)| self.webhooks.get(id));
        ever.filter(|webhook| !webhook.deleted)
    }

    /// What the deliveries to an API inbox, or by mail, have come to; none where none was owed yet.
    pub fn other(&self, endpoint: EndpointId) -> Option<&Tally> {
        self.others.get(&endpoint)
    }

    /// All of these, also those of inboxes that are removed.
    pub fn others(&self) -> impl Iterator<Item = (EndpointId, &Tally)> {
        self.others.iter().map(|(endpoint, tally)| (*endpoint, tally))
    }

    fn create(&mut self, id: WebhookId, at: Timestamp, created: &Created) {
        let Created { account, url, name, inbox, subscriptions, secret, policy } = created.clone();
        let webhook = Webhook {
            id,
            account,
            url,
            name,
            inbox,
            subscriptions,
            keys: SigningKeys::of(secret),
            policy,
            created_at: at,
            deleted: false,
            tally: Tally::begun(at),
        };
        self.webhooks.insert(id, webhook);
        self.by_account.insert((account, id));
    }

    fn take(&mut self, id: WebhookId, at: Timestamp, event: &WebhookEvent) {
        if let WebhookEvent::Created(created) = event {
            return self.create(id, at, created);
        }
        let Some(webhook) = self.webhooks.get_mut(&id) else { return };
        match event {
            // Handled above: it is the only one that needs no webhook.
            WebhookEvent::Created(_) => {}
            WebhookEvent::Renamed(renamed) => webhook.name.clone_from(&renamed.name),
            WebhookEvent::UrlChanged(changed) => {
                webhook.url.clone_from(&changed.url);
                webhook.tally.authorize();
            }
            WebhookEvent::SubscriptionsChanged(changed) => {
                webhook.subscriptions.clone_from(&changed.subscriptions);
            }
            WebhookEvent::InboxChanged(changed) => webhook.inbox = changed.inbox,
            WebhookEvent::PolicyChanged(changed) => webhook.policy.clone_from(&changed.policy),
            WebhookEvent::SecretRotated(_)
            | WebhookEvent::KeyPairRotated(_)
            | WebhookEvent::KeyPairRetired(_) => webhook.keys.evolve(event),
            WebhookEvent::SecretRevealed(_) => {}
            WebhookEvent::Deleted(_) => webhook.deleted = true,
        }
    }
}

fn deliver(tally: &mut Tally, at: Timestamp, event: &DeliveryEvent) {
    // For whoever has seen everything it changes nothing; a log may have lost what it tells.
    if let DeliveryEvent::SummedUp(summed) = event {
        let since = tally.since.max(summed.tally.since);
        *tally = Tally { since, ..(*summed.tally).clone() };
    }
    tally.take(at, event);
}

/// Of an endpoint whose ledger begins here, which may be with a summary of itself.
fn begun(at: Timestamp, event: &DeliveryEvent) -> Tally {
    let told = if let DeliveryEvent::SummedUp(summed) = event { summed.tally.since } else { at };
    // One that never was anything but healthy does not know since when.
    Tally::begun(if told > Timestamp::default() { told } else { at })
}

impl Fold for WebhookHealth {
    type Event = Recorded<Event>;

    fn evolve(&mut self, record: &Recorded<Event>) {
        if !self.seen.is_news(record.position) {
            return;
        }
        match &record.event {
            Event::Webhook(event) => {
                if let Some(id) = record.stream.number() {
                    self.take(WebhookId(id), record.at, event);
                }
            }
            Event::Delivery(event) => {
                let Some(endpoint) = record.stream.endpoint() else { return };
                let tally = match endpoint {
                    EndpointId::Webhook(id) => {
                        self.webhooks.get_mut(&id).map(|webhook| &mut webhook.tally)
                    }
                    EndpointId::Inbox(_) | EndpointId::Mail(_) => {
                        let new = || begun(record.at, event);
                        Some(self.others.entry(endpoint).or_insert_with(new))
                    }
                };
                if let Some(tally) = tally {
                    deliver(tally, record.at, event);
                }
            }
            Event::Account(_)
            | Event::Inbox(_)
            | Event::Platform(_)
            | Event::Installation(_)
            | Event::Fanout(_)
            | Event::Request(_)
            | Event::Hook(_)
            | Event::Rule(_) => {}
        }
    }
}

impl Projection for WebhookHealth {
    const NAME: &'static str = "webhook_health";
    const VERSION: u32 = 11;
}

#[cfg(test)]
mod tests;
