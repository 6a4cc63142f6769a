//! What one page of the log owes to whom.

use std::sync::Arc;

use events::delivery::{AbandonReason, Queued};
use events::platform::EventReceived;
use events::reauthorization::{Event as Authorization, Reauthorized};
use events::store::{PAGE_MAX, Slice};
use events::{
    AccountId, Actor, DeliveryId, EndpointId, Event, EventStore, Failure, Fold, InboxId, Position,
    Record, Recorded, Revision, Timestamp, WebhookId,
};
use uuid::Uuid;

use super::body;
use super::subscriptions::Subscriptions;
use crate::aggregate::Aggregate;
use crate::delivery::Command;
use crate::inbox::Inbox;
use crate::shell::Context;

/// Something to tell a ledger.
#[derive(Debug)]
pub(super) struct Debt {
    /// Which ledger.
    pub(super) endpoint: EndpointId,
    /// What.
    pub(super) command: Command,
    /// The record that brought it about.
    pub(super) position: Position,
    cause: Uuid,
    correlation: Uuid,
    account: Option<AccountId>,
}

impl Debt {
    pub(super) fn context(&self, now: Timestamp) -> Context {
        Context {
            id: self.cause,
            correlation: self.correlation,
            actor: Actor::FANOUT,
            account: self.account,
            now,
        }
    }
}

/// Knows who is subscribed, and so what each record owes.
pub(super) struct Debtor {
    store: Arc<dyn EventStore>,
    /// What lies before has been paid.
    paid: Position,
    subscriptions: Subscriptions,
    /// What lies before has been folded, and owes what is in `debts`.
    folded: Position,
    debts: Vec<Debt>,
}

impl Debtor {
    pub(super) fn new(store: Arc<dyn EventStore>, paid: Position) -> Self {
        let subscriptions = Subscriptions::default();
        Self { store, paid, subscriptions, folded: Position::START, debts: vec![] }
    }

    /// Every webhook there ever was.
    pub(super) fn webhooks(&self) -> impl Iterator<Item = WebhookId> {
        self.subscriptions.ever()
    }

    /// What the page owes, in its order. Asked again after a failure it goes on where it stopped,
    /// so that each record meets the subscriptions of its own position.
    pub(super) async fn debts(&mut self, page: &[Record]) -> Result<Vec<Debt>, Failure> {
        for record in page {
            if record.position > self.folded && self.concerns(record) {
                self.take_in(record).await?;
            }
            self.folded = self.folded.max(record.position);
        }
        Ok(std::mem::take(&mut self.debts))
    }

    async fn take_in(&mut self, record: &Record) -> Result<(), Failure> {
        match record.clone().decode() {
            Ok(recorded) => {
                self.subscriptions.evolve(&recorded);
                if recorded.position > self.paid {
                    let owed = self.owe(&recorded).await?;
                    self.debts.extend(owed);
                }
            }
            // The stream's own actor and the views halt it aloud; here it owes nothing.
            Err(undecodable) => {
                let position = record.position;
                tracing::error!(%position, "position {position} fans out to nobody: {undecodable}");
            }
        }
        Ok(())
    }

    fn concerns(&self, record: &Record) -> bool {
        let unpaid = record.position > self.paid;
        match &*record.kind {
            "inbox.reauthorization_required" | "inbox.reauthorized" => unpaid,
            "installation.inbox_events_enabled" | "installation.inbox_events_disabled" => true,
            kind => match kind.split('.').next() {
                Some("webhook" | "account") => true,
                Some("platform") => unpaid,
                _ => false,
            },
        }
    }

    async fn owe(&self, recorded: &Recorded<Event>) -> Result<Vec<Debt>, Failure> {
        match &recorded.event {
            Event::Platform(events::platform::Event::EventReceived(received)) => {
                Ok(self.owe_platform_event(recorded, received))
            }
            Event::Inbox(events::inbox::Event::Reauthorization(transition)) => match transition {
                Authorization::ReauthorizationRequired(_) => {
                    self.owe_transition(recorded, true).await
                }
                Authorization::Reauthorized(Reauthorized { was_required: true }) => {
                    self.owe_transition(recorded, false).await
                }
                Authorization::Reauthorized(_)
                | Authorization::AuthorizationErrorRecorded(_)
                | Authorization::AuthorizationSucceeded(_) => Ok(vec![]),
            },
            Event::Webhook(events::webhook::Event::Deleted(_)) => {
                let reason = AbandonReason::WebhookDeleted;
                let command = Command::Abandon { delivery: None, reason };
                let webhook = recorded.stream.number().map(WebhookId).map(EndpointId::from);
                Ok(webhook.map(|webhook| debt(recorded, webhook, command)).into_iter().collect())
            }
            Event::Webhook(_)
            | Event::Inbox(_)
            | Event::Account(_)
            | Event::Delivery(_)
            | Event::Installation(_)
            | Event::Fanout(_)
            | Event::Request(_) => Ok(vec![]),
        }
    }

    fn owe_platform_event(
        &self,
        recorded: &Recorded<Event>,
        received: &EventReceived,
    ) -> Vec<Debt> {
        let Some((body, inbox)) = body::of_platform_event(received) else {
            let position = recorded.position;
            tracing::error!(%position, "position {position} is no JSON object and is not sent");
            return vec![];
        };
        // Whoever reports them: where inbox events are off, nobody is sent any.
        if received.event.starts_with("inbox_") && !self.subscriptions.inbox_events() {
            return vec![];
        }
        let wanting = self.subscriptions.wanting(received.account, &received.event, inbox);
        owed_to(&wanting, recorded, received.account, &received.event, &body)
    }

    async fn owe_transition(
        &self,
        recorded: &Recorded<Event>,
        required: bool,
    ) -> Result<Vec<Debt>, Failure> {
        const EVENT: &str = "inbox_updated";
        if !self.subscriptions.inbox_events() {
            return Ok(vec![]);
        }
        let Some(facts) = self.inbox_at(recorded).await? else { return Ok(vec![]) };
        let account = facts.account;
        let wanting = self.subscriptions.wanting(account, EVENT, Some(facts.id));
        let name = self.subscriptions.account_name(account);
        let body = body::of_transition(EVENT, &facts, name, required);
        Ok(owed_to(&wanting, recorded, account, EVENT, &body))
    }

    /// The inbox as it was when the record was written.
    async fn inbox_at(
        &self,
        recorded: &Recorded<Event>,
    ) -> Result<Option<body::InboxFacts>, Failure> {
        let mut inbox = Inbox::default();
        let (mut created_at, mut updated_at) = (recorded.at, recorded.at);
        let mut from = Revision::FIRST;
        while from <= recorded.revision {
            let page =
                self.store.read_stream(&recorded.stream, Slice::From(from), PAGE_MAX).await?;
            if page.is_empty() {
                break;
            }
            for record in page {
                from = record.revision.next();
                if record.revision > recorded.revision {
                    break;
                }
                updated_at = record.at;
                // What cannot be decoded has halted the inbox before it came here.
                let event = record.decode().ok().and_then(|it| Inbox::narrow(it.event));
                let Some(event) = event else { continue };
                // It may have been removed and registered again.
                if matches!(event, events::inbox::Event::Registered(_)) {
                    created_at = updated_at;
                }
                inbox.evolve(&event);
            }
        }
        let facts =
            inbox.profile().zip(recorded.stream.number()).map(|(profile, id)| body::InboxFacts {
                id: InboxId(id),
                account: profile.account,
                name: profile.name.clone(),
                channel_type: profile.channel_type.clone(),
                attributes: profile.attributes.clone(),
                created_at,
                updated_at,
            });
        Ok(facts)
    }
}

fn owed_to(
    webhooks: &[WebhookId],
    recorded: &Recorded<Event>,
    account: AccountId,
    event: &str,
    body: &str,
) -> Vec<Debt> {
    let queue = |webhook: &WebhookId| {
        let queued = Queued {
            delivery: DeliveryId::of(recorded.id, *webhook),
            account,
            event: event.to_owned(),
            source: recorded.id,
            body: body.to_owned(),
            due: recorded.at,
        };
        debt(recorded, (*webhook).into(), Command::Queue(Box::new(queued)))
    };
    webhooks.iter().map(queue).collect()
}

fn debt(recorded: &Recorded<Event>, endpoint: EndpointId, command: Command) -> Debt {
    // Metadata that is not ours loses the thread, never the delivery.
    let metadata = recorded.metadata().ok();
    Debt {
        endpoint,
        command,
        position: recorded.position,
        cause: recorded.id.0,
        correlation: metadata.as_ref().map_or(recorded.id.0, |it| it.correlation),
        account: metadata.and_then(|it| it.account),
    }
}

#[cfg(test)]
mod tests;
