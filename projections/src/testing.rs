//! What the tests of views share: records from events, the law of every view, fakes of the ports.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use events::codec::reauthorization::AuthorizationErrorRecordedV1;
use events::evidence::{Class, Evidence, Scope, Verdict};
use events::reauthorization::{AuthorizationSucceeded, Event as Reauthorization, Reauthorized};
use events::store::memory::MemoryStore;
use events::store::{Draft, Slice, Tail};
use events::{
    AccountId, Actor, Appended, Category, Event, EventId, EventStore, Expected, Failure, InboxId,
    KeyId, Metadata, Position, Proposed, Record, Recorded, Revision, Sealed, StreamName, Timestamp,
    WebhookId, delivery, inbox, webhook,
};
use futures_core::future::BoxFuture;
use uuid::Uuid;

pub(crate) use events::snapshot::memory::Shelf;

use crate::Projection;

pub(crate) const ACCOUNT: AccountId = AccountId(1);

pub(crate) fn second(seconds: u64) -> Timestamp {
    Timestamp::from_micros(i64::try_from(seconds).unwrap() * 1_000_000)
}

/// Records of these events: the first has position 1 and second 1, and so on.
pub(crate) fn history<E: Into<Event>>(
    events: impl IntoIterator<Item = (StreamName, E)>,
) -> Vec<Recorded<Event>> {
    let mut revisions = BTreeMap::<StreamName, u64>::new();
    let recorded = |(place, (stream, event)): (u64, (StreamName, E))| {
        let next = revisions.entry(stream.clone()).or_default();
        let revision = Revision(*next);
        *next += 1;
        Recorded {
            position: Position(place),
            stream,
            revision,
            id: EventId(Uuid::from_u128(place.into())),
            at: second(place),
            metadata: Bytes::from_static(b"{}"),
            event: event.into(),
        }
    };
    (1..).zip(events).map(recorded).collect()
}

/// The webhook of tests.
pub(crate) const WEBHOOK: WebhookId = WebhookId(7);

/// What befalls its settings.
pub(crate) fn of_webhook(event: impl Into<webhook::Event>) -> (StreamName, Event) {
    (StreamName::new(Category::Webhook, WEBHOOK), event.into().into())
}

/// What befalls what it is owed.
pub(crate) fn of_ledger(event: impl Into<delivery::Event>) -> (StreamName, Event) {
    (StreamName::new(Category::Ledger, WEBHOOK), event.into().into())
}

pub(crate) fn webhook_created() -> (StreamName, Event) {
    of_webhook(webhook::Created {
        account: ACCOUNT,
        url: "https://receiver.example/hook".into(),
        name: None,
        inbox: None,
        subscriptions: vec!["inbox_updated".into()],
        secret: sealed(),
        policy: webhook::Policy::default(),
    })
}

pub(crate) fn fold<P: Projection>(history: &[Recorded<Event>]) -> P {
    crate::replay(history, events::Until::Now)
}

/// What holds for every view: a record seen twice is seen once, at once or much later, and a
/// snapshot is the view.
pub(crate) fn obeys_the_law<P: Projection + PartialEq + Debug>(history: &[Recorded<Event>]) {
    let once: P = fold(history);
    let mut doubled = P::default();
    for record in history {
        doubled.evolve(record);
        doubled.evolve(record);
    }
    assert_eq!(doubled, once, "each record twice");
    history.iter().for_each(|record| doubled.evolve(record));
    assert_eq!(doubled, once, "the whole history twice");
    let bytes = postcard::to_stdvec(&once).unwrap();
    assert_eq!(postcard::from_bytes::<P>(&bytes).unwrap(), once, "the snapshot");
}

pub(crate) fn stream(id: u64) -> StreamName {
    StreamName::new(Category::Inbox, InboxId(id))
}

pub(crate) fn sealed() -> Sealed {
    Sealed { key: KeyId(*b"relinkey"), nonce: [1; 24], text: vec![1; 20] }
}

pub(crate) fn registered(channel_type: &str) -> inbox::Event {
    inbox::Registered {
        account: ACCOUNT,
        name: "Support".into(),
        channel_type: channel_type.into(),
        attributes: "{}".into(),
        credentials: None,
        threshold: None,
    }
    .into()
}

pub(crate) fn verdict(class: Class) -> Verdict {
    let rule = (class == Class::Auth).then(|| "meta 190/460".to_owned());
    Verdict { class, scope: Scope::Account, rule }
}

pub(crate) fn error(class: Class, count: u32) -> inbox::Event {
    let evidence = Evidence::default();
    let recorded = AuthorizationErrorRecordedV1 { evidence, verdict: verdict(class), count };
    Reauthorization::AuthorizationErrorRecorded(recorded.into()).into()
}

pub(crate) fn succeeded() -> inbox::Event {
    Reauthorization::AuthorizationSucceeded(AuthorizationSucceeded {}).into()
}

pub(crate) fn reauthorized(was_required: bool) -> inbox::Event {
    Reauthorization::Reauthorized(Reauthorized { was_required, by_hand: false }).into()
}

/// Appends these events behind whatever the stream has.
pub(crate) async fn append<E: Into<Event>>(
    store: &dyn EventStore,
    stream: &StreamName,
    events: impl IntoIterator<Item = E>,
) -> Position {
    let last = store.read_stream(stream, Slice::Before(None), 1).await.unwrap().pop();
    let tail = last.map_or_else(Tail::default, |record| Tail {
        revision: Some(record.revision),
        hash: record.hash,
        at: record.at,
    });
    let cause = Uuid::from_u128(tail.expected().first().0.into());
    let metadata =
        Metadata { correlation: cause, causation: cause, actor: Actor::ADMIN, account: None };
    let mut draft = Draft::new(stream, tail);
    for (nth, event) in events.into_iter().enumerate() {
        draft.add(&event.into(), &metadata, second(1), nth);
    }
    let (records, _) = draft.finish();
    store.append(stream, tail.expected(), records).await.unwrap().position
}

/// Appends a record that no build of today knows.
pub(crate) async fn append_unknown(store: &dyn EventStore, stream: &StreamName) -> Position {
    let last = store.read_stream(stream, Slice::Before(None), 1).await.unwrap().pop();
    let record = Proposed {
        id: EventId(Uuid::from_u128(77)),
        kind: "moon.landed".into(),
        version: 3,
        at: second(1),
        metadata: Bytes::from_static(b"{}"),
        data: Bytes::from_static(b"?"),
        hash: events::Hash::ROOT,
    };
    let expected = last.map(|record| record.revision).into();
    store.append(stream, expected, vec![record]).await.unwrap().position
}

/// A log that can be cut off, and that counts the records that are read.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) log: MemoryStore,
    pub(crate) cut: AtomicBool,
    pub(crate) read: AtomicUsize,
}

impl Line {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    fn check(&self) -> Result<(), Failure> {
        if self.cut.load(Ordering::Relaxed) {
            return Err(Failure::Unavailable { reason: "the line is cut".into() });
        }
        Ok(())
    }
}

impl EventStore for Line {
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Expected,
        records: Vec<Proposed>,
    ) -> BoxFuture<'a, Result<Appended, Failure>> {
        self.log.append(stream, expected, records)
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        slice: Slice,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, Failure>> {
        self.log.read_stream(stream, slice, limit)
    }

    fn read_all(
        &self,
        behind: Position,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Record>, Failure>> {
        Box::pin(async move {
            self.check()?;
            let page = self.log.read_all(behind, limit).await?;
            self.read.fetch_add(page.len(), Ordering::Relaxed);
            Ok(page)
        })
    }

    fn truncate<'a>(
        &'a self,
        stream: &'a StreamName,
        before: Revision,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            self.check()?;
            self.log.truncate(stream, before).await
        })
    }

    fn bound<'a>(
        &'a self,
        stream: &'a StreamName,
    ) -> BoxFuture<'a, Result<Option<events::store::Bound>, Failure>> {
        self.log.bound(stream)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Failure>> {
        Box::pin(async move {
            self.check()?;
            self.log.head().await
        })
    }

    fn grown(&self, behind: Position) -> BoxFuture<'_, ()> {
        self.log.grown(behind)
    }
}
