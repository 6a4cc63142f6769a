//! The only writer of a stream of its own.

use std::sync::Arc;

use uuid::Uuid;

use crate::platform::EventReceived;
use crate::store::{Draft, Tail};
use crate::{
    AccountId, Actor, Appended, Category, Event, EventId, EventStore, Expected, Failure, Metadata,
    Position, Proposed, Record, Revision, StreamName, Timestamp, platform,
};

/// A stream that nobody else has, and its end.
pub(super) struct Writer {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) stream: StreamName,
    pub(super) tail: Tail,
}

impl Writer {
    pub(super) fn new(store: &Arc<dyn EventStore>) -> Self {
        let stream = StreamName::new(Category::Platform, Uuid::new_v4());
        Self { store: Arc::clone(store), stream, tail: Tail::default() }
    }

    /// Records behind the end as it is known, with new ids.
    pub(super) fn draft(&self, words: &[&str]) -> (Vec<Proposed>, Tail) {
        let mut draft = Draft::new(&self.stream, self.tail);
        for word in words {
            draft.add_as(EventId(Uuid::new_v4()), &event(word), &metadata(), at());
        }
        draft.finish()
    }

    /// Appends where the writer is said to believe the stream to end.
    pub(super) async fn append(
        &self,
        expected: Expected,
        records: Vec<Proposed>,
    ) -> Result<Appended, Failure> {
        self.store.append(&self.stream, expected, records).await
    }

    /// The answer to who believed wrongly.
    pub(super) fn conflict(&self, current: Option<u64>) -> Result<Appended, Failure> {
        Err(Failure::Conflict { stream: self.stream.clone(), current: current.map(Revision) })
    }

    /// Writes one record for each word and steps on; what was written.
    pub(super) async fn write(&mut self, words: &[&str]) -> (Vec<Proposed>, Appended) {
        let (records, tail) = self.draft(words);
        let appended = self.append(self.tail.expected(), records.clone()).await;
        let appended = appended.expect("nobody else writes here");
        self.tail = tail;
        (records, appended)
    }

    /// The whole stream.
    pub(super) async fn history(&self) -> Vec<Record> {
        let mut history = Vec::new();
        loop {
            let from = Revision(history.len() as u64);
            let slice = crate::store::Slice::From(from);
            let page = self.store.read_stream(&self.stream, slice, 1000).await;
            let page = page.expect("the stream can be read");
            if page.is_empty() {
                return history;
            }
            history.extend(page);
        }
    }

    /// What of this stream stands behind a position of the log.
    pub(super) async fn in_log(&self, behind: Position) -> Vec<Record> {
        let mut found = Vec::new();
        let mut behind = behind;
        loop {
            let page = self.store.read_all(behind, 1000).await.expect("the log can be read");
            let Some(last) = page.last() else { return found };
            behind = last.position;
            found.extend(page.into_iter().filter(|record| record.stream == self.stream));
        }
    }
}

pub(super) fn event(word: &str) -> Event {
    let (account, event) = (AccountId(1), "message_created".to_owned());
    platform::Event::from(EventReceived { account, event, data: word.to_owned() }).into()
}

pub(super) fn metadata() -> Metadata {
    let (correlation, causation) = (Uuid::new_v4(), Uuid::new_v4());
    Metadata { correlation, causation, actor: Actor::ADMIN, account: Some(AccountId(1)) }
}

/// A moment with microseconds that are not whole milliseconds.
pub(super) fn at() -> Timestamp {
    Timestamp::from_micros(1_795_253_400_123_457)
}

pub(super) fn ids(records: &[Record]) -> Vec<EventId> {
    records.iter().map(|record| record.id).collect()
}

pub(super) fn proposed_ids(records: &[Proposed]) -> Vec<EventId> {
    records.iter().map(|record| record.id).collect()
}
