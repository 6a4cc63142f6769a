//! Each webhook's settings, and how its deliveries are doing.

use std::collections::{BTreeSet, HashMap};

use events::delivery::{AttemptClass, Event as DeliveryEvent, Health, Standing};
use events::reauthorization::threshold;
use events::signing::SigningKeys;
use events::webhook::{Created, Event as WebhookEvent, Policy};
use events::{
    AccountId, DeliveryId, EndpointId, Event, Fold, InboxId, Recorded, Timestamp, WebhookId, words,
};
use serde::{Deserialize, Serialize};

use crate::{Projection, Seen};

words! {
    /// How an endpoint is doing.
    pub enum WebhookStatus {
        /// The last attempt that ended was taken, or none was made yet.
        Healthy = "healthy",
        /// The last attempts that ended were not.
        Failing = "failing",
        /// It asked for fewer.
        Throttled = "throttled",
        /// So much failed that it is tried with one delivery at a time.
        Probing = "probing",
        /// What it is owed is held for a while.
        Paused = "paused",
        /// What it is owed is held.
        Disabled = "disabled",
    }
}

/// How many deliveries of one webhook are where.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Owed.
    pub pending: u64,
    /// Taken by the receiver.
    pub delivered: u64,
    /// Given up.
    pub abandoned: u64,
    /// Owed, but held: because the endpoint is disabled or paused, or each by itself.
    pub held: u64,
}

/// An attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// When its failure was recorded.
    pub at: Timestamp,
    /// What kind of failure.
    pub class: AttemptClass,
}

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
    /// How it is doing.
    pub status: WebhookStatus,
    /// Since when.
    pub since: Timestamp,
    /// The failure that the status began with.
    pub cause: Option<AttemptClass>,
    /// Where its deliveries are.
    pub counts: Counts,
    /// When a delivery was last taken.
    pub last_delivered_at: Option<Timestamp>,
    /// The last attempt that failed.
    pub last_failure: Option<FailedAttempt>,
    /// Attempts that were answered 401 or 403 since one was taken.
    pub authorization_error_count: u32,
    /// Since when there are too many of them: somebody must see to the endpoint's authorization.
    pub action_needed_since: Option<Timestamp>,
    /// How the endpoint is doing, in full.
    pub health: Health,
    /// Those that are held by themselves.
    parked: BTreeSet<DeliveryId>,
}

/// Every webhook there is or was.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookHealth {
    seen: Seen,
    webhooks: HashMap<WebhookId, Webhook>,
    /// Those that are not deleted.
    by_account: BTreeSet<(AccountId, WebhookId)>,
}

impl WebhookHealth {
    /// One webhook, also when it is deleted.
    pub fn webhook(&self, id: WebhookId) -> Option<&Webhook> {
        self.webhooks.get(&id)
    }

    /// An account's webhooks by number, without those that are deleted.
    pub fn of_account(&self, account: AccountId) -> impl Iterator<Item = &Webhook> {
        let all = (account, WebhookId(0))..=(account, WebhookId(u64::MAX));
        self.by_account.range(all).filter_map(|(_, id)| self.webhooks.get(id))
    }

    /// All that are not deleted, by account and number.
    pub fn iter(&self) -> impl Iterator<Item = &Webhook> {
        self.by_account.iter().filter_map(|(_, id)| self.webhooks.get(id))
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
            status: WebhookStatus::Healthy,
            since: at,
            cause: None,
            counts: Counts::default(),
            last_delivered_at: None,
            last_failure: None,
            authorization_error_count: 0,
            action_needed_since: None,
            health: Health::default(),
            parked: BTreeSet::new(),
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
                webhook.authorize();
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
            WebhookEvent::Deleted(_) => {
                webhook.deleted = true;
                self.by_account.remove(&(webhook.account, id));
            }
        }
    }
}

impl Webhook {
    fn deliver(&mut self, at: Timestamp, event: &DeliveryEvent) {
        let counted = |health: &Health, delivery| !health.is_replayed(delivery);
        match event {
            DeliveryEvent::Queued(_) | DeliveryEvent::Reopened(_) => self.counts.pending += 1,
            DeliveryEvent::AttemptFailed(failed) => {
                if counted(&self.health, failed.delivery) {
                    self.last_failure = Some(FailedAttempt { at, class: failed.class });
                    if failed.class == AttemptClass::Auth {
                        self.refuse(at);
                    }
                }
            }
            DeliveryEvent::Delivered(delivered) => {
                self.end(delivered.delivery);
                self.counts.delivered += 1;
                if counted(&self.health, delivered.delivery) {
                    self.last_delivered_at = Some(at);
                    self.authorize();
                }
            }
            DeliveryEvent::Abandoned(abandoned) => {
                self.end(abandoned.delivery);
                self.counts.abandoned += 1;
            }
            DeliveryEvent::Parked(parked) => {
                self.parked.insert(parked.delivery);
            }
            DeliveryEvent::RetryRequested(asked) => {
                self.parked.remove(&asked.delivery);
            }
            DeliveryEvent::EndpointPaced(_)
            | DeliveryEvent::EndpointMoved(_)
            | DeliveryEvent::EndpointFailing(_)
            | DeliveryEvent::EndpointRecovered(_)
            | DeliveryEvent::EndpointWarned(_)
            | DeliveryEvent::EndpointDisabled(_)
            | DeliveryEvent::EndpointPaused(_)
            | DeliveryEvent::EndpointEnabled(_)
            | DeliveryEvent::RecoveryPlanned(_)
            | DeliveryEvent::RecoveryStarted(_)
            | DeliveryEvent::RecoveryPaused(_)
            | DeliveryEvent::RecoveryAdvanced(_)
            | DeliveryEvent::RecoveryFinished(_)
            | DeliveryEvent::RecoveryCancelled(_)
            | DeliveryEvent::Removed(_) => {}
        }
        self.health.evolve(event);
        let holds = self.health.standing.holds();
        let parked = self.parked.len() as u64;
        self.counts.held = if holds { self.counts.pending } else { parked };
        let (status, cause) = self.doing();
        self.turn(status, at, cause);
    }

    fn end(&mut self, delivery: DeliveryId) {
        self.counts.pending = self.counts.pending.saturating_sub(1);
        self.parked.remove(&delivery);
    }

    /// In one word, and the failure that it began with.
    fn doing(&self) -> (WebhookStatus, Option<AttemptClass>) {
        let cause = self.health.failing.as_ref().map(|failing| failing.class);
        let status = match &self.health.standing {
            Standing::Disabled { .. } => WebhookStatus::Disabled,
            Standing::Paused { .. } => WebhookStatus::Paused,
            Standing::Free | Standing::Probing { .. } if self.health.throttled_until.is_some() => {
                WebhookStatus::Throttled
            }
            Standing::Probing { .. } => WebhookStatus::Probing,
            Standing::Free if cause.is_some() => WebhookStatus::Failing,
            Standing::Free => WebhookStatus::Healthy,
        };
        (status, cause)
    }

    /// Refusals are an endpoint's evidence, counted like any other subject's.
    fn refuse(&mut self, at: Timestamp) {
        self.authorization_error_count = self.authorization_error_count.saturating_add(1);
        if self.authorization_error_count >= threshold("Webhook") {
            self.action_needed_since.get_or_insert(at);
        }
    }

    /// It took one, or is another endpoint now.
    fn authorize(&mut self) {
        self.authorization_error_count = 0;
        self.action_needed_since = None;
    }

    /// Time and cause are those of the change, not of its last confirmation.
    fn turn(&mut self, status: WebhookStatus, at: Timestamp, cause: Option<AttemptClass>) {
        if self.status != status {
            (self.status, self.since, self.cause) = (status, at, cause);
        }
    }
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
                let webhook = record.stream.endpoint().and_then(EndpointId::webhook);
                if let Some(webhook) = webhook.and_then(|id| self.webhooks.get_mut(&id)) {
                    webhook.deliver(record.at, event);
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
    const VERSION: u32 = 6;
}

#[cfg(test)]
mod tests;
