//! What was known at a moment: folded anew from the streams of those it is asked of, and no more.

mod cursor;
mod installation;

use std::sync::Arc;

use events::{
    Category, EndpointId, Event, EventStore, Failure, Fold, HookId, InboxId, Position, Recorded,
    RuleId, StreamName, Subject, Timestamp, Until, WebhookId,
};
use projections::hook_health::HookHealth;
use projections::inbox_health::InboxHealth;
use projections::incidents::Incidents;
use projections::rule_health::RuleHealth;
use projections::webhook_health::WebhookHealth;
use tokio::task::JoinSet;

use crate::damage::Damage;
use cursor::Cursor;

pub use installation::of_installation;

/// As many subjects as are read at once.
const AT_ONCE: usize = 16;

/// A text that names no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is neither a time such as 2026-11-21T09:30:00Z nor a log position")]
pub struct BadMoment {
    text: String,
}

/// A moment of the past: a time, or a position of the log.
///
/// # Errors
/// When the text is neither.
pub fn moment(text: &str) -> Result<Until, BadMoment> {
    if let Ok(position) = text.parse() {
        return Ok(Until::Position(Position(position)));
    }
    // A plus sign in a query is a blank by the time it gets here.
    text.replace(' ', "+").parse().map(Until::Time).map_err(|_| BadMoment { text: text.to_owned() })
}

/// One subject as of a moment, and the last record that tells of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Known<T> {
    /// What was known; empty when nothing was.
    pub view: T,
    /// The last record's position and time; none when there was no record.
    pub last: Option<(Position, Timestamp)>,
    /// From when on anything is known: set where that is later than the moment, because retention
    /// removed what was before. Then the view lacks what streams told that are truncated.
    pub kept_from: Option<Timestamp>,
    /// The first record within the moment that cannot be told: then the view knows nothing of it
    /// and of what came behind it in its stream.
    pub damage: Option<Damage>,
}

impl<T> Known<T> {
    /// The same, where everything up to the moment could be told.
    ///
    /// # Errors
    /// The damage, where it could not.
    pub fn whole(self) -> Result<Self, Damage> {
        self.damage.clone().map_or(Ok(self), Err)
    }
}

/// Whom to ask about.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Subjects {
    /// Inboxes.
    pub inboxes: Vec<InboxId>,
    /// Webhooks.
    pub webhooks: Vec<WebhookId>,
    /// Endpoints that are no webhooks of the account: API inboxes and mail.
    pub endpoints: Vec<EndpointId>,
    /// Integration hooks.
    pub hooks: Vec<HookId>,
    /// Automation rules.
    pub rules: Vec<RuleId>,
}

/// Several subjects as of a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// One view for each inbox, in the order asked.
    pub inboxes: Vec<(InboxId, Known<InboxHealth>)>,
    /// One view for each webhook, in the order asked.
    pub webhooks: Vec<(WebhookId, Known<WebhookHealth>)>,
    /// One view for each of the other endpoints, in the order asked.
    pub endpoints: Vec<(EndpointId, Known<WebhookHealth>)>,
    /// One view for each hook, in the order asked.
    pub hooks: Vec<(HookId, Known<HookHealth>)>,
    /// One view for each rule, in the order asked.
    pub rules: Vec<(RuleId, Known<RuleHealth>)>,
}

impl Past {
    /// The last record that any of them was told by.
    pub fn last(&self) -> Option<(Position, Timestamp)> {
        let inboxes = self.inboxes.iter().map(|(_, known)| known.last);
        let webhooks = self.webhooks.iter().map(|(_, known)| known.last);
        let endpoints = self.endpoints.iter().map(|(_, known)| known.last);
        let webhooks = webhooks.chain(endpoints);
        let hooks = self.hooks.iter().map(|(_, known)| known.last);
        let rules = self.rules.iter().map(|(_, known)| known.last);
        inboxes.chain(webhooks).chain(hooks).chain(rules).flatten().max()
    }

    /// Where streams stop being told before the moment.
    pub fn damage(&self) -> impl Iterator<Item = &Damage> {
        let inboxes = self.inboxes.iter().map(|(_, known)| &known.damage);
        let webhooks = self.webhooks.iter().map(|(_, known)| &known.damage);
        let endpoints = self.endpoints.iter().map(|(_, known)| &known.damage);
        let webhooks = webhooks.chain(endpoints);
        let hooks = self.hooks.iter().map(|(_, known)| &known.damage);
        let rules = self.rules.iter().map(|(_, known)| &known.damage);
        inboxes.chain(webhooks).chain(hooks).chain(rules).flatten()
    }
}

/// An inbox as of a moment.
///
/// # Errors
/// When the log cannot be read.
pub async fn inbox(
    store: &dyn EventStore,
    id: InboxId,
    until: Until,
) -> Result<Known<InboxHealth>, Failure> {
    replay(store, [Subject::Inbox(id).stream()], until).await
}

/// A webhook and its deliveries as of a moment.
///
/// # Errors
/// When the log cannot be read.
pub async fn webhook(
    store: &dyn EventStore,
    id: WebhookId,
    until: Until,
) -> Result<Known<WebhookHealth>, Failure> {
    let streams = [Subject::Webhook(id).stream(), StreamName::new(Category::Ledger, id)];
    replay(store, streams, until).await
}

/// The deliveries to an API inbox, or by mail, as of a moment.
///
/// # Errors
/// When the log cannot be read.
pub async fn endpoint(
    store: &dyn EventStore,
    id: EndpointId,
    until: Until,
) -> Result<Known<WebhookHealth>, Failure> {
    replay(store, [StreamName::new(Category::Ledger, id)], until).await
}

/// A hook as of a moment.
///
/// # Errors
/// When the log cannot be read.
pub async fn hook(
    store: &dyn EventStore,
    id: HookId,
    until: Until,
) -> Result<Known<HookHealth>, Failure> {
    replay(store, [Subject::Hook(id).stream()], until).await
}

/// A rule as of a moment.
///
/// # Errors
/// When the log cannot be read.
pub async fn rule(
    store: &dyn EventStore,
    id: RuleId,
    until: Until,
) -> Result<Known<RuleHealth>, Failure> {
    replay(store, [Subject::Rule(id).stream()], until).await
}

/// All of these subjects as of a moment, several read at once.
///
/// # Errors
/// When the log cannot be read.
pub async fn health(
    store: &Arc<dyn EventStore>,
    subjects: Subjects,
    until: Until,
) -> Result<Past, Failure> {
    let Subjects { inboxes, webhooks, endpoints, hooks, rules } = subjects;
    let inboxes =
        each(store, inboxes, move |store, id| async move { inbox(&*store, id, until).await });
    let inboxes = inboxes.await?;
    let webhooks =
        each(store, webhooks, move |store, id| async move { webhook(&*store, id, until).await });
    let webhooks = webhooks.await?;
    let endpoints =
        each(store, endpoints, move |store, id| async move { endpoint(&*store, id, until).await });
    let endpoints = endpoints.await?;
    let hooks = each(store, hooks, move |store, id| async move { hook(&*store, id, until).await });
    let hooks = hooks.await?;
    let rules = each(store, rules, move |store, id| async move { rule(&*store, id, until).await });
    Ok(Past { inboxes, webhooks, endpoints, hooks, rules: rules.await? })
}

/// The incidents of each of these subjects as of a moment.
///
/// # Errors
/// When the log cannot be read.
pub async fn incidents(
    store: &Arc<dyn EventStore>,
    subjects: Vec<Subject>,
    until: Until,
) -> Result<Vec<Known<Incidents>>, Failure> {
    let read = move |store: Arc<dyn EventStore>, subject: Subject| async move {
        match subject {
            // What it answered stands in its ledger.
            Subject::Webhook(id) => {
                let streams = [subject.stream(), StreamName::new(Category::Ledger, id)];
                replay(&*store, streams, until).await
            }
            Subject::Account(_) | Subject::Inbox(_) | Subject::Hook(_) | Subject::Rule(_) => {
                replay(&*store, [subject.stream()], until).await
            }
        }
    };
    let known = each(store, subjects, read).await?;
    Ok(known.into_iter().map(|(_, known)| known).collect())
}

async fn each<Id, T, F>(
    store: &Arc<dyn EventStore>,
    ids: Vec<Id>,
    read: impl Fn(Arc<dyn EventStore>, Id) -> F,
) -> Result<Vec<(Id, T)>, Failure>
where
    Id: Copy + Send + 'static,
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    let mut found = Vec::with_capacity(ids.len());
    for (nth, id) in ids.into_iter().enumerate() {
        if tasks.len() == AT_ONCE {
            found.extend(joined(&mut tasks).await?);
        }
        let reading = read(Arc::clone(store), id);
        tasks.spawn(async move { reading.await.map(|known| (nth, id, known)) });
    }
    while let Some(one) = joined(&mut tasks).await? {
        found.push(one);
    }
    found.sort_by_key(|(nth, ..)| *nth);
    Ok(found.into_iter().map(|(_, id, known)| (id, known)).collect())
}

async fn joined<T: 'static>(tasks: &mut JoinSet<Result<T, Failure>>) -> Result<Option<T>, Failure> {
    match tasks.join_next().await {
        None => Ok(None),
        Some(Ok(read)) => read.map(Some),
        Some(Err(panic)) => Err(Failure::Unavailable { reason: panic.to_string() }),
    }
}

/// Folds that much of these streams, in the order of the log; of a damaged one what stands before
/// the damage.
///
/// # Errors
/// When the log cannot be read.
pub async fn replay<P, const N: usize>(
    store: &dyn EventStore,
    streams: [StreamName; N],
    until: Until,
) -> Result<Known<P>, Failure>
where
    P: Fold<Event = Recorded<Event>>,
{
    let mut cursors = streams.map(|stream| Cursor::new(store, stream, until));
    let mut known: Known<P> = Known::default();
    loop {
        let mut first: Option<(Position, usize)> = None;
        for (nth, cursor) in cursors.iter_mut().enumerate() {
            let next = cursor.peek().await?.map(|position| (position, nth));
            first = [first, next].into_iter().flatten().min();
        }
        let Some((_, nth)) = first else {
            known.kept_from = cursors.iter().filter_map(|cursor| cursor.removed).max();
            let damage = cursors.into_iter().filter_map(|cursor| cursor.damage);
            known.damage = damage.min_by_key(|damage| damage.position);
            return Ok(known);
        };
        let Some(recorded) = cursors[nth].take() else { return Ok(known) };
        known.last = known.last.max(Some((recorded.position, recorded.at)));
        known.view.evolve(&recorded);
    }
}

/// Where a stream stops being told, if it does. The whole of it is read.
///
/// # Errors
/// When the log cannot be read.
pub async fn damage(
    store: &dyn EventStore,
    stream: &StreamName,
) -> Result<Option<Damage>, Failure> {
    let mut cursor = Cursor::new(store, stream.clone(), Until::Now);
    while cursor.peek().await?.is_some() {
        cursor.take();
    }
    Ok(cursor.damage)
}

#[cfg(test)]
mod tests;
