use events::store::memory::MemoryStore;
use events::store::{Draft, Slice};
use events::{AccountId, EndpointId, Timestamp, WebhookId};

use super::*;
use crate::history::append;

/// A log whose positions have gaps and whose appends tell only where their last record stands.
struct Sparse(MemoryStore);

/// How far apart two positions are there.
const GAP: u64 = 100;

impl Sparse {
    fn shown(mut record: Record) -> Record {
        record.position.0 *= GAP;
        record
    }
}

impl EventStore for Sparse {
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: events::Expected,
        records: Vec<Proposed>,
    ) -> futures_core::future::BoxFuture<'a, Result<events::Appended, Failure>> {
        Box::pin(async move {
            let mut appended = self.0.append(stream, expected, records).await?;
            appended.position.0 *= GAP;
            Ok(appended)
        })
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        slice: Slice,
        limit: usize,
    ) -> futures_core::future::BoxFuture<'a, Result<Vec<Record>, Failure>> {
        Box::pin(async move {
            let page = self.0.read_stream(stream, slice, limit).await?;
            Ok(page.into_iter().map(Self::shown).collect())
        })
    }

    fn read_all(
        &self,
        behind: Position,
        limit: usize,
    ) -> futures_core::future::BoxFuture<'_, Result<Vec<Record>, Failure>> {
        Box::pin(async move {
            let page = self.0.read_all(Position(behind.0 / GAP), limit).await?;
            Ok(page.into_iter().map(Self::shown).collect())
        })
    }

    fn truncate<'a>(
        &'a self,
        stream: &'a StreamName,
        before: Revision,
    ) -> futures_core::future::BoxFuture<'a, Result<(), Failure>> {
        self.0.truncate(stream, before)
    }

    fn bound<'a>(
        &'a self,
        stream: &'a StreamName,
    ) -> futures_core::future::BoxFuture<'a, Result<Option<events::store::Bound>, Failure>> {
        self.0.bound(stream)
    }

    fn head(&self) -> futures_core::future::BoxFuture<'_, Result<Position, Failure>> {
        Box::pin(async move { Ok(Position(self.0.head().await?.0 * GAP)) })
    }

    fn grown(&self, behind: Position) -> futures_core::future::BoxFuture<'_, ()> {
        self.0.grown(Position(behind.0 / GAP))
    }
}

/// One append of three events.
async fn three(store: &dyn EventStore, stream: &StreamName) {
    let cause = Uuid::new_v4();
    let metadata =
        Metadata { correlation: cause, causation: cause, actor: Actor::ADMIN, account: None };
    let mut draft = Draft::new(stream, Tail::default());
    for nth in 0..3 {
        draft.add(&word("one of three"), &metadata, Timestamp::from_micros(1), nth);
    }
    let (records, _) = draft.finish();
    store.append(stream, events::Expected::NoStream, records).await.unwrap();
}

fn word(data: &str) -> Event {
    let (account, event) = (AccountId(1), "message_created".to_owned());
    platform::Event::from(platform::EventReceived { account, event, data: data.to_owned() }).into()
}

/// Three events at positions 1 to 3, then a checkpoint at 2, one more event, a checkpoint at 5 with
/// somebody behind who has heard of what stands up to 2.
async fn history() -> MemoryStore {
    let store = MemoryStore::default();
    let platform = StreamName::new(Category::Platform, 1);
    three(&store, &platform).await;
    let fanout = StreamName::fanout();
    let advanced =
        |at, behind| fanout::Event::from(fanout::Advanced { position: Position(at), behind });
    append(&store, &fanout, advanced(2, vec![]), 1).await;
    append(&store, &StreamName::new(Category::Platform, 2), word("four"), 1).await;
    let endpoint = EndpointId::Webhook(WebhookId(7));
    let behind = vec![fanout::Behind { endpoint, from: Position(3) }];
    append(&store, &fanout, advanced(5, behind), 2).await;
    store
}

/// Up to where each checkpoint says, and from where somebody is behind.
async fn checkpoints(store: &dyn EventStore) -> Vec<(u64, Vec<u64>)> {
    let slice = Slice::From(Revision::FIRST);
    let page = store.read_stream(&StreamName::fanout(), slice, PAGE_MAX).await.unwrap();
    let told = page.iter().map(|record| advanced(record).unwrap().unwrap());
    told.map(|it| (it.position.0, it.behind.iter().map(|one| one.from.0).collect())).collect()
}

async fn run(from: &dyn EventStore, to: &dyn EventStore) -> Result<Report, CopyError> {
    copy(from, to, |_| {}).await
}

#[tokio::test]
async fn positions_are_the_targets_own_and_every_chain_holds() {
    let (source, target) = (history().await, Sparse(MemoryStore::default()));
    let report = run(&source, &target).await.unwrap();
    assert_eq!((report.records, report.found), (6, 0));
    assert_eq!(checkpoints(&target).await, [(200, vec![]), (500, vec![201])]);
    let back = MemoryStore::default();
    let again = run(&target, &back).await.unwrap();
    assert_eq!((again.records, again.hash), (report.records, report.hash));
    assert_eq!(
        back.read_all(Position::START, 10).await,
        source.read_all(Position::START, 10).await
    );
}

#[tokio::test]
async fn an_interrupted_copy_goes_on_where_it_stopped() {
    let (source, target) = (history().await, Sparse(MemoryStore::default()));
    let whole = Sparse(MemoryStore::default());
    run(&source, &whole).await.unwrap();
    // As if it had stopped behind the first stream, in the middle of the log.
    three_of(&source, &target).await;
    let report = run(&source, &target).await.unwrap();
    assert_eq!((report.records, report.found), (6, 3));
    let all = whole.read_all(Position::START, 10).await;
    assert_eq!(target.read_all(Position::START, 10).await, all);
    assert_eq!(run(&source, &target).await.unwrap().found, 6);
}

/// The first three records alone.
async fn three_of(source: &MemoryStore, target: &Sparse) {
    let page = source.read_all(Position::START, 3).await.unwrap();
    let stream = page[0].stream.clone();
    let proposed = page.into_iter().map(|record| {
        let Record { id, kind, version, at, metadata, data, hash, .. } = record;
        Proposed { id, kind, version, at, metadata, data, hash }
    });
    target.append(&stream, events::Expected::NoStream, proposed.collect()).await.unwrap();
}

#[tokio::test]
async fn a_target_with_another_history_is_refused() {
    let (source, target) = (history().await, MemoryStore::default());
    three(&target, &StreamName::new(Category::Platform, 1)).await;
    assert_eq!(run(&source, &target).await, Err(CopyError::Different(Position(1))));
    let longer = history().await;
    let shorter = MemoryStore::default();
    assert_eq!(run(&shorter, &longer).await, Err(CopyError::Different(Position(1))));
}

#[tokio::test]
async fn a_broken_log_is_not_copied_on() {
    let source = MemoryStore::default();
    let stream = StreamName::new(Category::Platform, 1);
    three(&source, &stream).await;
    let page = source.read_all(Position::START, 1).await.unwrap();
    let Record { id, kind, version, at, metadata, data, .. } = page[0].clone();
    let hash = Hash::of(b"forged");
    let forged = Proposed { id, kind, version, at, metadata, data, hash };
    let behind = events::Expected::Revision(Revision(2));
    source.append(&stream, behind, vec![forged]).await.unwrap();
    let copied = run(&source, &MemoryStore::default()).await;
    assert!(matches!(copied, Err(CopyError::Broken(Position(4), _))), "{copied:?}");
}

/// What each revision of the stream says; none for what is not there.
async fn words(store: &dyn EventStore, stream: &StreamName) -> Vec<(u64, EventId)> {
    let page = store.read_stream(stream, Slice::From(Revision::FIRST), PAGE_MAX).await.unwrap();
    page.iter().map(|record| (record.revision.0, record.id)).collect()
}

#[tokio::test]
async fn a_truncated_stream_keeps_its_revisions() {
    let (source, stream) = (history().await, StreamName::new(Category::Platform, 1));
    source.truncate(&stream, Revision(2)).await.unwrap();
    let target = Sparse(MemoryStore::default());
    let report = run(&source, &target).await.unwrap();
    assert_eq!((report.records, report.found), (4, 0));
    let left = words(&target, &stream).await;
    assert_eq!(left, words(&source, &stream).await);
    assert_eq!(left.iter().map(|(revision, _)| *revision).collect::<Vec<_>>(), [2]);
    assert_eq!(target.bound(&stream).await.unwrap().unwrap().first, Revision(2));
    assert_eq!(run(&source, &target).await.unwrap().found, 4);
}

#[tokio::test]
async fn what_the_source_removed_since_an_interrupted_copy_is_removed_from_the_target() {
    let (source, target) = (history().await, Sparse(MemoryStore::default()));
    three_of(&source, &target).await;
    let stream = StreamName::new(Category::Platform, 1);
    source.truncate(&stream, Revision(2)).await.unwrap();
    let report = run(&source, &target).await.unwrap();
    assert_eq!((report.records, report.found), (4, 1));
    assert_eq!(words(&target, &stream).await, words(&source, &stream).await);
}
