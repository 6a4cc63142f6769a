//! The only writer of a stream of its own.

use events::store::{Draft, PAGE_MAX, Proposed, Slice, Tail};
use events::{
    AccountId, Actor, Appended, Category, Event, EventId, EventStore, Expected, Failure, Metadata,
    Position, Record, Revision, StreamName, Timestamp, platform,
};
use uuid::Uuid;

pub(super) struct Writer<'a> {
    pub(super) store: &'a dyn EventStore,
    pub(super) stream: StreamName,
    pub(super) tail: Tail,
}

impl<'a> Writer<'a> {
    pub(super) fn new(store: &'a dyn EventStore) -> Self {
        let stream = StreamName::new(Category::Platform, Uuid::new_v4());
        Self { store, stream, tail: Tail::default() }
    }

    pub(super) fn draft(&self, words: &[&str]) -> (Vec<Proposed>, Tail) {
        let mut draft = Draft::new(&self.stream, self.tail);
        for word in words {
            draft.add_as(EventId(Uuid::new_v4()), &event(word), &metadata(), Timestamp::default());
        }
        draft.finish()
    }

    pub(super) async fn try_write(&mut self, words: &[&str]) -> Result<Appended, Failure> {
        let (records, tail) = self.draft(words);
        let appended = self.store.append(&self.stream, self.tail.expected(), records).await?;
        self.tail = tail;
        Ok(appended)
    }

    pub(super) async fn write(&mut self, words: &[&str]) -> Appended {
        self.try_write(words).await.unwrap()
    }

    pub(super) async fn history(&self) -> Vec<Record> {
        let slice = Slice::From(Revision::FIRST);
        self.store.read_stream(&self.stream, slice, PAGE_MAX).await.unwrap()
    }

    pub(super) async fn revisions(&self) -> Vec<u64> {
        self.history().await.iter().map(|record| record.revision.0).collect()
    }
}

pub(super) fn metadata() -> Metadata {
    let (correlation, causation) = (Uuid::from_u128(1), Uuid::from_u128(2));
    Metadata { correlation, causation, actor: Actor::ADMIN, account: Some(AccountId(1)) }
}

fn event(word: &str) -> Event {
    let (account, event) = (AccountId(1), "message_created".to_owned());
    platform::Event::from(platform::EventReceived { account, event, data: word.to_owned() }).into()
}

/// Everything of ours in the log.
pub(super) async fn everything(store: &dyn EventStore) -> Vec<Record> {
    let mut found: Vec<Record> = Vec::new();
    loop {
        let behind = found.last().map_or(Position::START, |last| last.position);
        let page = store.read_all(behind, PAGE_MAX).await.unwrap();
        if page.is_empty() {
            return found;
        }
        found.extend(page);
    }
}

/// Writes, hides what was written, and writes the same again, behind what comes in its way.
pub(super) async fn a_hidden_repetition_is_a_conflict(store: &dyn EventStore, trouble: impl Fn()) {
    let mut writer = Writer::new(store);
    let (records, tail) = writer.draft(&["one", "two"]);
    store.append(&writer.stream, Expected::NoStream, records.clone()).await.unwrap();
    writer.tail = tail;
    writer.write(&["three"]).await;
    store.truncate(&writer.stream, Revision(2)).await.unwrap();
    trouble();
    let refused = store.append(&writer.stream, Expected::NoStream, records).await;
    let (stream, current) = (writer.stream.clone(), Some(Revision(2)));
    assert_eq!(refused, Err(Failure::Conflict { stream, current }));
    assert_eq!(writer.revisions().await, [2]);
}
