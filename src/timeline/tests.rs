use std::sync::Arc;

use events::account::{Event, Renamed};
use events::store::Proposed;
use events::store::memory::MemoryStore;

use super::*;
use crate::history::{append, append_altered};
use crate::store::embedded::{Embedded, Options};

async fn histories() -> (MemoryStore, [StreamName; 2]) {
    let store = MemoryStore::default();
    let streams = [StreamName::from_log("account-1"), StreamName::from_log("account-2")];
    for number in 0..10 {
        // Positions 1, 4, 7 ... are of the second stream, all others of the first.
        let stream = &streams[usize::from(number % 3 == 0)];
        append(&store, stream, Event::from(Renamed { name: number.to_string() }), number).await;
    }
    (store, streams)
}

fn positions(page: &Page) -> Vec<u64> {
    page.records.iter().map(|record| record.position.0).collect()
}

#[tokio::test]
async fn streams_are_merged_newest_first() {
    let (store, streams) = histories().await;
    let page = page(&store, &streams, None, 4).await.unwrap();
    assert_eq!(positions(&page), [10, 9, 8, 7]);
    assert_eq!(page.next_before, Some(Position(7)));
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let (store, streams) = histories().await;
    for limit in 1..=11 {
        let (mut seen, mut before) = (vec![], None);
        loop {
            let page = page(&store, &streams, before, limit).await.unwrap();
            seen.extend(positions(&page));
            before = page.next_before;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, (1..=10).rev().collect::<Vec<_>>(), "with {limit} a page");
    }
}

#[tokio::test]
async fn nothing_stands_before_the_first_record() {
    let (store, streams) = histories().await;
    let page = page(&store, &streams, Some(Position(1)), 5).await.unwrap();
    assert_eq!((positions(&page), page.next_before), (vec![], None));
}

#[tokio::test]
async fn an_unknown_stream_has_an_empty_timeline() {
    let store = MemoryStore::default();
    let page = page(&store, &[StreamName::from_log("inbox-9")], None, 5).await.unwrap();
    assert_eq!(page, Page { records: vec![], next_before: None });
}

#[tokio::test]
async fn a_walk_tells_each_record_once_whatever_is_asked_for_at_a_time() {
    let (store, streams) = histories().await;
    for limit in 1..=11 {
        let mut walk = Walk::begin(&store, &streams, Some(Position(9))).await.unwrap();
        let mut seen = vec![];
        loop {
            let page = walk.next(limit).await.unwrap();
            seen.extend(page.iter().map(|record| record.position.0));
            if page.len() < limit {
                break;
            }
        }
        assert_eq!(seen, (1..=8).rev().collect::<Vec<_>>(), "with {limit} a page");
        assert_eq!(walk.next(limit).await, Ok(vec![]));
    }
}

/// The fourth of six records is changed.
async fn damaged(alter: impl FnOnce(&mut Proposed)) -> (MemoryStore, StreamName) {
    let store = MemoryStore::default();
    let stream = StreamName::from_log("account-1");
    let renamed = |number: i64| Event::from(Renamed { name: number.to_string() });
    for number in 1..4 {
        append(&store, &stream, renamed(number), number).await;
    }
    append_altered(&store, &stream, renamed(4), 4, alter).await;
    for number in 5..7 {
        append(&store, &stream, renamed(number), number).await;
    }
    (store, stream)
}

/// Pages with the fourth record on them name it, wherever on the page it is; others are told.
async fn names_the_fourth((store, stream): (MemoryStore, StreamName)) {
    let streams = [stream];
    for (before, limit) in [(None, 6), (None, 3), (Some(Position(5)), 1), (Some(Position(5)), 2)] {
        match page(&store, &streams, before, limit).await {
            Err(Untold::Damaged(damage)) => assert_eq!(damage.position, Position(4)),
            other => panic!("before {before:?}, {limit} a page: {other:?}"),
        }
    }
    for (before, limit) in [(None, 2), (Some(Position(4)), 3)] {
        page(&store, &streams, before, limit).await.unwrap();
    }
}

#[tokio::test]
async fn a_changed_record_is_not_told() {
    names_the_fourth(damaged(|record| record.version += 1).await).await;
    let renamed = events::Event::from(Event::from(Renamed { name: "forged".to_owned() }));
    let forge = |record: &mut Proposed| record.data = events::codec::encode(&renamed).data.into();
    names_the_fourth(damaged(forge).await).await;
}

#[tokio::test]
async fn a_truncated_history_is_told_from_where_it_begins() {
    let (store, streams) = histories().await;
    store.truncate(&streams[0], Revision(2)).await.unwrap();
    let page = page(&store, &streams, None, 20).await.unwrap();
    assert_eq!(positions(&page), [10, 9, 8, 7, 6, 5, 4, 1]);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(Embedded::serve(folder.path(), Options::default()).unwrap());
    let streams = [StreamName::from_log("account-1"), StreamName::from_log("account-2")];
    for number in 0..10 {
        let stream = &streams[usize::from(number % 3 == 0)];
        append(&*log, stream, Event::from(Renamed { name: number.to_string() }), number).await;
    }
    log.close().await;
    drop(log);
    let raw = rusqlite::Connection::open(folder.path().join("relink.db")).unwrap();
    raw.execute_batch("DELETE FROM events WHERE position = 5").unwrap();
    drop(raw);
    let log = Embedded::read_only(folder.path()).unwrap();
    // Where the way is found, and where records are read.
    for (before, limit) in [(Some(6), 5), (None, 20), (Some(9), 1), (Some(7), 1)] {
        match page(&log, &streams[..1], before.map(Position), limit).await {
            Err(Untold::Damaged(damage)) => {
                assert_eq!((damage.stream.as_str(), damage.position.0), ("account-1", 4));
            }
            other => panic!("before {before:?}, {limit} a page: {other:?}"),
        }
    }
    page(&log, &streams[1..], None, 20).await.unwrap();
}
