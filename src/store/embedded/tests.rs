mod damaged;
mod full;
mod opened;
mod shared;

use std::sync::Arc;

use events::store::{Draft, PAGE_MAX, Tail};
use events::{AccountId, Actor, Category, Event, EventId, Metadata, Revision, Timestamp, platform};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::*;

/// A stream and its end, as its only writer knows it.
struct Stream {
    name: StreamName,
    tail: Tail,
}

impl Stream {
    fn new(id: u64) -> Self {
        Self { name: StreamName::new(Category::Platform, id), tail: Tail::default() }
    }

    fn draft(&self, words: &[&str]) -> (Vec<Proposed>, Tail) {
        let mut draft = Draft::new(&self.name, self.tail);
        for word in words {
            draft.add_as(EventId(Uuid::new_v4()), &event(word), &metadata(), Timestamp::default());
        }
        draft.finish()
    }

    async fn write(&mut self, store: &Embedded, words: &[&str]) -> Result<Appended, Failure> {
        let (records, tail) = self.draft(words);
        let appended = store.append(&self.name, self.tail.expected(), records).await?;
        self.tail = tail;
        Ok(appended)
    }
}

fn event(word: &str) -> Event {
    let (account, event) = (AccountId(1), "message_created".to_owned());
    platform::Event::from(platform::EventReceived { account, event, data: word.to_owned() }).into()
}

fn metadata() -> Metadata {
    let (correlation, causation) = (Uuid::from_u128(1), Uuid::from_u128(2));
    Metadata { correlation, causation, actor: Actor::ADMIN, account: Some(AccountId(1)) }
}

fn serve(folder: &Path) -> Arc<Embedded> {
    Arc::new(Embedded::serve(folder, Options::default()).unwrap())
}

async fn everything(store: &Embedded) -> Result<Vec<Record>, Failure> {
    let mut found: Vec<Record> = vec![];
    loop {
        let behind = found.last().map_or(Position::START, |last| last.position);
        let page = store.read_all(behind, PAGE_MAX).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(folder.path());
    events::store::contract::verify(async || Arc::clone(&store) as Arc<dyn EventStore>).await;
    store.close().await;
}

#[tokio::test]
async fn the_embedded_store_keeps_the_contract_on_one_thread() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(folder.path());
    events::store::contract::verify(async || Arc::clone(&store) as Arc<dyn EventStore>).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_64_callers_were_told_is_there_after_reopening() {
    const CALLERS: u64 = 64;
    const APPENDS: u64 = 20;
    let folder = tempfile::tempdir().unwrap();
    let store = serve(folder.path());
    let mut callers = JoinSet::new();
    for id in 0..CALLERS {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let mut stream = Stream::new(id);
            let mut told = vec![];
            for _ in 0..APPENDS {
                let appended = stream.write(&store, &["one of many"]).await.unwrap();
                told.push((appended.position, stream.name.clone(), appended.revision));
            }
            told
        });
    }
    let mut told: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    told.sort();
    drop(store);
    let store = Embedded::read_only(folder.path()).unwrap();
    let there = everything(&store).await.unwrap().into_iter();
    let there: Vec<_> = there.map(|one| (one.position, one.stream, one.revision)).collect();
    assert_eq!(there, told);
    let positions: Vec<_> = there.iter().map(|(position, ..)| position.0).collect();
    assert_eq!(positions, (1..=CALLERS * APPENDS).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_of_large_records_is_cut_short_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(folder.path());
    let mut stream = Stream::new(1);
    let large = "x".repeat(3 << 20);
    for _ in 0..8 {
        stream.write(&store, &[&large]).await.unwrap();
    }
    let page = store.read_all(Position::START, PAGE_MAX).await.unwrap();
    assert!(page.len() < 8, "{} records of 3 MiB are too much for a page", page.len());
    assert_eq!(everything(&store).await.unwrap().len(), 8);
}

#[tokio::test]
async fn a_bare_scan_counts_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(folder.path());
    assert_eq!(store.scan_bare().await, Ok(0));
    Stream::new(1).write(&store, &["one", "two", "three"]).await.unwrap();
    assert_eq!(store.scan_bare().await, Ok(3));
}

#[tokio::test]
async fn an_unknown_kind_is_read_by_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(folder.path());
    let stream = Stream::new(1);
    let (mut records, _) = stream.draft(&["one"]);
    records[0].kind = "future.came".into();
    store.append(&stream.name, Expected::NoStream, records).await.unwrap();
    let there = everything(&store).await.unwrap();
    assert_eq!(there[0].kind, "future.came");
    assert_eq!(there[0].revision, Revision::FIRST);
}
