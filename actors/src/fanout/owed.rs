//! What one page of the log owes to whom.

use std::sync::Arc;

use events::delivery::{
    AbandonReason, DisableRule, EndpointDisabled, Event as DeliveryEvent, Queued,
};
use events::inbox::Event as InboxEvent;
use events::platform::EventReceived;
use events::store::APPEND_BYTES_MAX;
use events::webhook::{Event as WebhookEvent, Ordering};
use events::{
    AccountId, Actor, DeliveryId, EndpointId, Event, EventStore, Failure, Fold, InboxId, Position,
    Record, Recorded, Subject, Timestamp, WebhookId,
};
use uuid::Uuid;

use super::checkpoint::Paid;
use super::followed::{self, Followed};
use super::history::{Change, Histories};
use super::kept::Folded;
use super::report::{self, Report};
use super::short::{self, Shortened};
use super::{body, disabled, mail, operational};
use crate::delivery::{Command, Told};
use crate::hook::Hook;
use crate::inbox::Inbox;
use crate::rule::Rule;
use crate::shell::Context;

/// As many bytes as a delivery may have in the log beside its body.
const BESIDE: usize = 16 << 10;

/// So many debts are told before there are more, or when their bodies have come to so many bytes: a
/// page of large events for a hundred webhooks is a hundred pages.
const AT_ONCE: (usize, usize) = (4096, 16 << 20);

/// Something to tell a ledger.
#[derive(Debug, Clone)]
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
    /// Whether there was more to abandon than one append takes.
    pub(super) fn is_left(&self, told: &Told) -> bool {
        matches!(self.command, Command::Abandon { delivery: None, .. }) && told.pending > 0
    }

    /// The same with a body that fits every log, to be said by `shortened`; none where there is
    /// nothing to leave out.
    pub(super) fn in_short(&self, shortened: &mut Shortened) -> Option<Self> {
        let Command::Queue(queued) = &self.command else { return None };
        let body = short::of(&queued.event, &queued.body);
        if body.len() >= queued.body.len() {
            return None;
        }
        shortened.add(self.position, self.endpoint, queued.body.len());
        let queued = Queued { body, ..(**queued).clone() };
        Some(Self { command: Command::Queue(Arc::new(queued)), ..self.clone() })
    }

    /// As many bytes as its body has.
    fn bytes(&self) -> usize {
        if let Command::Queue(queued) = &self.command { queued.body.len() } else { 0 }
    }

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
    inboxes: Histories<Inbox>,
    hooks: Histories<Hook>,
    rules: Histories<Rule>,
    /// What was paid before this process began.
    paid: Paid,
    /// What has been folded, and owes what is in `debts`.
    folded: Folded,
    debts: Vec<Debt>,
    /// As many bytes as their bodies have.
    bytes: usize,
}

impl Debtor {
    pub(super) fn new(store: Arc<dyn EventStore>, paid: Paid, folded: Folded) -> Self {
        let (hooks, rules) = (Histories::new(store.clone()), Histories::new(store.clone()));
        let inboxes = Histories::new(store);
        Self { inboxes, hooks, rules, paid, folded, debts: vec![], bytes: 0 }
    }

    /// Who is subscribed, as of the last record.
    pub(super) fn folded(&self) -> &Folded {
        &self.folded
    }

    /// The same, for whoever goes on from there.
    pub(super) fn into_folded(self) -> Folded {
        self.folded
    }

    /// Every endpoint there ever was.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = EndpointId> {
        self.folded.subscriptions.ever()
    }

    /// Whether all that the page owes was told.
    pub(super) fn is_through(&self, page: &[Record]) -> bool {
        self.debts.is_empty() && page.last().is_none_or(|last| self.has_folded(last))
    }

    fn has_folded(&self, record: &Record) -> bool {
        record.position <= self.folded.position
    }

    /// What the page owes, in its order, and no more than [`AT_ONCE`]. Asked again it goes on where
    /// it stopped, after a failure too, so that each record meets the subscriptions of its own
    /// position.
    pub(super) async fn debts(&mut self, page: &[Record]) -> Result<Vec<Debt>, Failure> {
        for record in page {
            if self.has_folded(record) {
                continue;
            }
            if self.debts.len() >= AT_ONCE.0 || self.bytes >= AT_ONCE.1 {
                break;
            }
            self.folded.subscriptions.note(&record.stream);
            if self.concerns(record) {
                self.take_in(record).await?;
            }
            (self.folded.position, self.folded.hash) = (record.position, record.hash);
        }
        self.bytes = 0;
        Ok(std::mem::take(&mut self.debts))
    }

    async fn take_in(&mut self, record: &Record) -> Result<(), Failure> {
        match record.clone().decode() {
            Ok(recorded) => {
                self.folded.subscriptions.evolve(&recorded);
                // Also of what is paid: who was told is remembered.
                let told = self.folded.subscriptions.tell(&recorded);
                if recorded.position > self.paid.start() {
                    let mut owed = self.owe(&recorded).await?;
                    if let Some((name, account, endpoints, body)) = told {
                        owed.extend(owed_to(&endpoints, &recorded, account, (name, &body), None));
                    }
                    owed.retain(|debt| self.paid.owes(debt.position, debt.endpoint));
                    let mut shortened = Shortened::default();
                    for debt in owed {
                        self.add(debt, &mut shortened);
                    }
                    shortened.warn();
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

    fn add(&mut self, debt: Debt, shortened: &mut Shortened) {
        // Of a log that takes less, the refusal says so: what it takes may be known too late here.
        let fits = debt.bytes() + BESIDE <= APPEND_BYTES_MAX;
        let short = if fits { None } else { debt.in_short(shortened) };
        let debt = short.unwrap_or(debt);
        self.bytes += debt.bytes();
        self.debts.push(debt);
    }

    fn concerns(&self, record: &Record) -> bool {
        let unpaid = record.position > self.paid.start();
        match &*record.kind {
            "inbox.registered"
            | "inbox.channel_type_changed"
            | "inbox.attributes_changed"
            | "inbox.removed"
            | "installation.inbox_events_enabled"
            | "installation.inbox_events_disabled"
            | "installation.mail_enabled"
            | "installation.mail_disabled" => true,
            kind if operational::name(kind).is_some() => true,
            kind if followed::tells(kind) => unpaid,
            kind => match kind.split('.').next() {
                Some("webhook" | "account") => true,
                Some("platform") => unpaid,
                _ => false,
            },
        }
    }

    async fn owe(&mut self, recorded: &Recorded<Event>) -> Result<Vec<Debt>, Failure> {
        match &recorded.event {
            Event::Platform(events::platform::Event::EventReceived(received)) => {
                Ok(self.owe_platform_event(recorded, received))
            }
            Event::Platform(events::platform::Event::Removed(_)) => Ok(vec![]),
            // Its own webhook is gone with it, also where what that is owed is held.
            Event::Inbox(InboxEvent::Removed(_)) => {
                let inbox = recorded.stream.number().map(InboxId);
                Ok(give_up_all(recorded, inbox.map(EndpointId::Inbox)))
            }
            Event::Inbox(_) if followed::tells(recorded.event.kind()) => {
                self.owe_inbox(recorded).await
            }
            Event::Hook(_) if followed::tells(recorded.event.kind()) => {
                self.owe_hook(recorded).await
            }
            Event::Rule(_) if followed::tells(recorded.event.kind()) => {
                self.owe_rule(recorded).await
            }
            // Without a word, none waits for any other.
            Event::Webhook(WebhookEvent::Created(it)) if it.policy.ordering == Ordering::None => {
                Ok(vec![])
            }
            Event::Webhook(WebhookEvent::Created(it)) => {
                Ok(tell(recorded, Command::Order(it.policy.ordering)))
            }
            Event::Webhook(WebhookEvent::PolicyChanged(it)) => {
                Ok(tell(recorded, Command::Order(it.policy.ordering)))
            }
            Event::Webhook(WebhookEvent::UrlChanged(_)) => Ok(tell(recorded, Command::Move)),
            Event::Webhook(WebhookEvent::Deleted(_)) => {
                let webhook = recorded.stream.number().map(WebhookId);
                Ok(give_up_all(recorded, webhook.map(EndpointId::Webhook)))
            }
            Event::Delivery(DeliveryEvent::EndpointDisabled(it)) => {
                Ok(self.owe_mail_of_endpoint(recorded, it))
            }
            Event::Webhook(_)
            | Event::Inbox(_)
            | Event::Account(_)
            | Event::Delivery(_)
            | Event::Installation(_)
            | Event::Fanout(_)
            | Event::Request(_)
            | Event::Hook(_)
            | Event::Rule(_) => Ok(vec![]),
        }
    }

    fn owe_platform_event(
        &self,
        recorded: &Recorded<Event>,
        received: &EventReceived,
    ) -> Vec<Debt> {
        // Whoever reports them: where inbox events are off, nobody is sent any.
        if received.event.starts_with("inbox_") && !self.folded.subscriptions.inbox_events() {
            return vec![];
        }
        let (account, event) = (received.account, &received.event);
        match report::read(received) {
            Report::Told(told) => {
                let mut wanting = self.folded.subscriptions.wanting(account, event, told.inbox);
                let own = told.inbox.filter(|_| told.to_inbox);
                wanting.extend(
                    own.and_then(|inbox| self.folded.subscriptions.of_inbox(account, inbox)),
                );
                owed_to(&wanting, recorded, account, (event, &told.body), told.key.as_deref())
            }
            Report::Untold => vec![],
            Report::Unreadable => {
                let position = recorded.position;
                tracing::error!(%position, "position {position} is no JSON object and is not sent");
                vec![]
            }
        }
    }

    /// Subscribers are told of whatever they can see of an inbox, administrators when they must act
    /// and when they need not any more.
    async fn owe_inbox(&mut self, recorded: &Recorded<Event>) -> Result<Vec<Debt>, Failure> {
        if !self.folded.subscriptions.inbox_events() && !self.folded.subscriptions.mail() {
            return Ok(vec![]);
        }
        let Some(change) = self.inboxes.change(recorded).await? else { return Ok(vec![]) };
        let Some(profile) = change.after.subject.profile() else { return Ok(vec![]) };
        let told =
            body::of_change(&change, self.folded.subscriptions.account_name(profile.account));
        let inbox = InboxId(change.number);
        let mut debts = self.owe_inbox_event(recorded, profile.account, inbox, told);
        debts.extend(self.owe_mail(recorded, &change));
        Ok(debts)
    }

    /// The same of a hook: of one that works for an inbox, subscribers are told as of the inbox.
    async fn owe_hook(&mut self, recorded: &Recorded<Event>) -> Result<Vec<Debt>, Failure> {
        if !self.folded.subscriptions.inbox_events() && !self.folded.subscriptions.mail() {
            return Ok(vec![]);
        }
        let Some(change) = self.hooks.change(recorded).await? else { return Ok(vec![]) };
        let mut debts = self.owe_mail(recorded, &change);
        let facts = change.after.subject.live().map(|live| &live.facts);
        let works_for = facts.and_then(|facts| Some((facts.account, facts.scope.inbox()?)));
        if let Some((account, id)) = works_for {
            let inbox = self.inboxes.before(id.0, recorded.position).await?;
            let name = self.folded.subscriptions.account_name(account);
            let told = body::of_hook(&change, id, &inbox, name);
            debts.extend(self.owe_inbox_event(recorded, account, id, told));
        }
        Ok(debts)
    }

    /// Only administrators are told of a rule, as in Chatwoot.
    async fn owe_rule(&mut self, recorded: &Recorded<Event>) -> Result<Vec<Debt>, Failure> {
        if !self.folded.subscriptions.mail() {
            return Ok(vec![]);
        }
        let change = self.rules.change(recorded).await?;
        Ok(change.map(|change| self.owe_mail(recorded, &change)).unwrap_or_default())
    }

    /// Whoever wants it is told, where inbox events are enabled.
    fn owe_inbox_event(
        &self,
        recorded: &Recorded<Event>,
        account: AccountId,
        inbox: InboxId,
        told: Option<(&'static str, String)>,
    ) -> Vec<Debt> {
        let subscriptions = &self.folded.subscriptions;
        let Some((name, body)) = told.filter(|_| subscriptions.inbox_events()) else {
            return vec![];
        };
        let wanting = subscriptions.wanting(account, name, Some(inbox));
        let key = Subject::Inbox(inbox).to_string();
        owed_to(&wanting, recorded, account, (name, &body), Some(&key))
    }

    fn owe_mail<S: Followed>(&self, recorded: &Recorded<Event>, change: &Change<S>) -> Vec<Debt> {
        let Some(about) = change.after.subject.about(change.number) else { return vec![] };
        let account = about.account;
        let Some(tenant) = self.folded.subscriptions.addressees(account) else { return vec![] };
        let told = mail::of_change(change, &recorded.event, &about, tenant);
        let Some((name, body)) = told else { return vec![] };
        let key = about.subject.to_string();
        owed_to(&[EndpointId::Mail(account)], recorded, account, (name, &body), Some(&key))
    }

    /// Administrators are told of an endpoint that a rule disabled; whoever did it by hand knows.
    fn owe_mail_of_endpoint(&self, recorded: &Recorded<Event>, it: &EndpointDisabled) -> Vec<Debt> {
        let subscriptions = &self.folded.subscriptions;
        let Some(endpoint) = recorded.stream.endpoint() else { return vec![] };
        let Some(place) = subscriptions.place(endpoint) else { return vec![] };
        let Some(tenant) = subscriptions.addressees(place.account) else { return vec![] };
        if it.rule == DisableRule::Asked {
            return vec![];
        }
        let (account, body) = (place.account, disabled::mail(endpoint, place, it, tenant));
        owed_to(&[EndpointId::Mail(account)], recorded, account, (disabled::DISABLED, &body), None)
    }
}

fn owed_to(
    endpoints: &[EndpointId],
    recorded: &Recorded<Event>,
    account: AccountId,
    (event, body): (&str, &str),
    key: Option<&str>,
) -> Vec<Debt> {
    let queue = |endpoint: &EndpointId| {
        let queued = Queued {
            delivery: DeliveryId::of(recorded.id, *endpoint),
            account,
            event: event.to_owned(),
            source: recorded.id,
            body: body.to_owned(),
            due: recorded.at,
            key: key.map(str::to_owned),
        };
        debt(recorded, *endpoint, Command::Queue(Arc::new(queued)))
    };
    endpoints.iter().map(queue).collect()
}

/// What the ledger of the webhook that it happened to is told.
fn tell(recorded: &Recorded<Event>, command: Command) -> Vec<Debt> {
    let webhook = recorded.stream.number().map(WebhookId);
    webhook.map(|webhook| debt(recorded, webhook.into(), command)).into_iter().collect()
}

/// Nothing is owed any more to whom nobody can reach.
fn give_up_all(recorded: &Recorded<Event>, endpoint: Option<EndpointId>) -> Vec<Debt> {
    let (delivery, reason) = (None, AbandonReason::WebhookDeleted);
    let command = Command::Abandon { delivery, reason };
    endpoint.map(|endpoint| debt(recorded, endpoint, command)).into_iter().collect()
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
