use events::account::{Event, Renamed};
use events::store::memory::MemoryStore;

use super::*;
use crate::history::append;

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
