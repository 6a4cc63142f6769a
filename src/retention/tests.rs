use events::store::memory::MemoryStore;
use events::store::{Bound, Proposed};
use events::{Appended, EventStore, Expected, Record};
use futures_core::future::BoxFuture;

use super::*;
use crate::http::testing::Service;

/// A log in which one stream cannot be truncated.
struct Damaged(MemoryStore, StreamName);

impl EventStore for Damaged {
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Expected,
        records: Vec<Proposed>,
    ) -> BoxFuture<'a, Result<Appended, Failure>> {
        self.0.append(stream, expected, records)
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        slice: Slice,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, Failure>> {
        self.0.read_stream(stream, slice, limit)
    }

    fn read_all(
        &self,
        behind: Position,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Record>, Failure>> {
        self.0.read_all(behind, limit)
    }

    fn truncate<'a>(
        &'a self,
        stream: &'a StreamName,
        before: Revision,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        if *stream == self.1 {
            let damage = Failure::Corrupt { position: None, reason: "it is damaged".to_owned() };
            return Box::pin(std::future::ready(Err(damage)));
        }
        self.0.truncate(stream, before)
    }

    fn bound<'a>(
        &'a self,
        stream: &'a StreamName,
    ) -> BoxFuture<'a, Result<Option<Bound>, Failure>> {
        self.0.bound(stream)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Failure>> {
        self.0.head()
    }

    fn grown(&self, behind: Position) -> BoxFuture<'_, ()> {
        self.0.grown(behind)
    }
}

fn platform(account: u64) -> StreamName {
    StreamName::new(Category::Platform, AccountId(account))
}

async fn first(app: &App, account: u64) -> Revision {
    let stream = platform(account);
    let found = app.store.read_stream(&stream, Slice::From(Revision::FIRST), 1).await.unwrap();
    found[0].revision
}

#[tokio::test]
async fn a_stream_that_cannot_be_truncated_keeps_no_other_from_it() {
    let store = Damaged(MemoryStore::default(), platform(1));
    let service = Service::over(Arc::new(store)).await;
    service.caught_up().await;
    for account in ["1", "2"] {
        assert_eq!(service.call("PUT", account, r#"{"name":"Acme"}"#).await.status, 201);
        for id in 1..=3 {
            let event = format!(r#"{{"event":"message_created","data":{{"id":{id}}}}}"#);
            let path = format!("{account}/events");
            let answer = service.call("POST", &path, &event).await;
            assert!(answer.status < 300, "{answer:?}");
        }
    }
    let app = &service.app;
    let head = app.store.head().await.unwrap();
    let mut fanout = app.fanout.clone();
    fanout.wait_for(|progress| progress.position >= head).await.unwrap();

    let failed = look(app, Duration::ZERO, &mut HashSet::new()).await.unwrap();
    let failed: Vec<_> = failed.into_iter().map(|(stream, _)| stream).collect();
    assert_eq!(failed, [platform(1)]);
    assert_eq!(first(app, 1).await, Revision::FIRST);
    assert!(first(app, 2).await > Revision::FIRST);
}
