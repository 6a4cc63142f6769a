//! A log among much that is of others.

use std::time::Duration;

use events::store::PAGE_BYTES_MAX;
use events::{EventStore, Failure, Position, StreamName};
use eventstore::{AppendToStreamOptions, EventData};
use tokio::time::timeout;
use uuid::Uuid;

use super::writer::{Writer, everything};
use super::{Namespace, open};
use crate::relink::DEADLINE;

/// As many events as every server takes in one append.
const EACH: usize = 5000;

/// A server may write a long stretch for a while.
const WRITTEN_WITHIN: Duration = Duration::from_secs(60);

/// Somebody else writes as many events to a stream of their own.
async fn write_foreign(namespace: &Namespace, count: usize) {
    let (client, _) = namespace.raw();
    let (stream, options) = (format!("order-{}", Uuid::new_v4()), AppendToStreamOptions::default());
    let event = || EventData::binary("OrderPlaced", "{}".into()).id(Uuid::new_v4());
    let writing = async {
        for begun in (0..count).step_by(EACH) {
            let events: Vec<_> = (begun..count).take(EACH).map(|_| event()).collect();
            client.append_to_stream(stream.as_str(), &options, events).await.unwrap();
        }
    };
    timeout(WRITTEN_WITHIN, writing).await.expect("the server takes them");
}

#[tokio::test]
async fn a_page_that_is_short_for_its_bytes_is_not_taken_for_the_end() {
    // As large as every server takes it, and enough for two pages.
    const LARGE: usize = 900 << 10;
    const RECORDS: usize = 2 * PAGE_BYTES_MAX / LARGE;
    let namespace = Namespace::new();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    let large = "x".repeat(LARGE);
    let mut last = Position::START;
    for _ in 0..RECORDS {
        last = writer.write(&[&large]).await.position;
    }
    // The end of the server's log is seen once somebody else has written.
    write_foreign(&namespace, 1).await;
    timeout(DEADLINE, store.grown(last)).await.expect("the server has grown");
    assert_eq!(everything(&store).await.len(), RECORDS);
}

#[tokio::test]
async fn a_long_stretch_of_foreign_events_is_read_over() {
    let namespace = Namespace::new();
    let store = namespace.open();
    write_foreign(&namespace, 40_000).await;
    assert_eq!(store.head().await, Ok(Position::START));
    let mut writer = Writer::new(&store);
    let one = writer.write(&["one"]).await;
    write_foreign(&namespace, 40_000).await;
    assert_eq!(namespace.open().head().await, Ok(one.position));
    assert_eq!(store.read_all(one.position, 10).await, Ok(vec![]));
    assert_eq!(everything(&store).await, writer.history().await);
}

#[tokio::test]
async fn the_head_is_not_searched_for_among_events_of_busy_neighbours_again() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    let one = writer.write(&["one"]).await;
    write_foreign(&namespace, 1000).await;
    timeout(DEADLINE, store.grown(one.position)).await.expect("the server has grown");
    for _ in 0..2 {
        assert_eq!(store.head().await, Ok(one.position));
    }
    if let Some(double) = namespace.double() {
        assert!(double.read_from() > one.position.0, "the second search begins behind them");
    }
    // More than are looked at one by one.
    writer.write(&["two"; 100]).await;
    let elsewhere = open(namespace.url());
    let mut writer = Writer { store: &elsewhere, ..writer };
    let last = writer.write(&["three"; 100]).await;
    assert_eq!(store.head().await, Ok(last.position));
}

#[tokio::test]
async fn events_of_busy_neighbours_are_read_over_once() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    let one = writer.write(&["one"]).await;
    write_foreign(&namespace, 1000).await;
    timeout(DEADLINE, store.grown(one.position)).await.expect("the server has grown");
    assert_eq!(store.read_all(one.position, 10).await, Ok(vec![]));
    if let Some(double) = namespace.double() {
        assert_eq!(double.read_from(), one.position.0);
    }
    assert_eq!(store.read_all(one.position, 10).await, Ok(vec![]));
    if let Some(double) = namespace.double() {
        assert!(double.read_from() > one.position.0, "the second read begins behind them");
    }
    writer.write(&["two"]).await;
    assert_eq!(store.read_all(one.position, 10).await.unwrap(), writer.history().await[1..]);
}

/// As many as the double may look at in these tests before it finds one of ours.
const LOOKED_AT: usize = 1000;

/// The server has so much to look at that nobody waits for it.
fn looks_at(namespace: &Namespace, events_max: usize) {
    if let Some(double) = namespace.double() {
        double.looks_at(events_max);
    }
}

#[tokio::test]
async fn a_new_log_does_not_begin_with_what_others_wrote_before() {
    let namespace = Namespace::new();
    write_foreign(&namespace, 40_000).await;
    looks_at(&namespace, LOOKED_AT);
    let store = namespace.open();
    assert_eq!(store.head().await, Ok(Position::START));
    assert_eq!(store.follow(Position::START).await, Ok(vec![]));
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    writer.write(&["two"]).await;
    let elsewhere = namespace.open();
    assert_eq!(everything(&elsewhere).await, writer.history().await);
    assert_eq!(elsewhere.head().await, store.head().await);
}

#[tokio::test]
async fn a_log_of_before_there_were_marks_is_read_from_the_servers_beginning() {
    let namespace = Namespace::new();
    let (client, prefix) = namespace.raw();
    let event = EventData::binary("installation.begun", "{}".into());
    let (stream, options) = (StreamName::installation(), AppendToStreamOptions::default());
    client.append_to_stream(format!("{prefix}{stream}"), &options, event).await.unwrap();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    for store in [&store, &namespace.open()] {
        let found: Vec<_> = everything(store).await.into_iter().map(|it| it.stream).collect();
        assert_eq!(found[0], stream);
        assert_eq!(found.len(), 2);
    }
    if let Some(double) = namespace.double() {
        assert_eq!(double.count(&format!("{prefix}begin")), 0);
    }
}

#[tokio::test]
async fn what_others_wrote_in_between_is_waited_for_once() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    let one = writer.write(&["one"]).await;
    write_foreign(&namespace, 2 * LOOKED_AT).await;
    writer.write(&["two"]).await;
    let all = writer.history().await;
    looks_at(&namespace, LOOKED_AT);
    let reading = namespace.open();
    if namespace.double().is_some() {
        let refused = reading.read_all(one.position, 10).await;
        assert!(matches!(refused, Err(Failure::Unavailable { .. })), "{refused:?}");
    }
    // Who follows has more patience, and gets what there is before them at once.
    let before = if namespace.double().is_some() { 1 } else { all.len() };
    assert_eq!(reading.follow(Position::START).await.unwrap(), all[..before]);
    let found = async {
        let mut following = std::pin::pin!(reading.follow(one.position));
        let early = timeout(Duration::from_millis(100), &mut following).await;
        assert!(early.is_err() || namespace.double().is_none(), "{early:?}");
        looks_at(&namespace, usize::MAX);
        match early {
            Ok(found) => found,
            Err(_) => following.await,
        }
    };
    assert_eq!(timeout(DEADLINE, found).await.unwrap().unwrap(), all[1..]);
    looks_at(&namespace, LOOKED_AT);
    assert_eq!(reading.read_all(one.position, 10).await.unwrap(), all[1..]);
    assert_eq!(reading.read_all(Position::START, 10).await.unwrap(), all);
}

#[tokio::test]
async fn the_end_of_a_log_is_looked_for_among_others_until_it_is_found() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let one = Writer::new(&store).write(&["one"]).await;
    write_foreign(&namespace, 2 * LOOKED_AT).await;
    looks_at(&namespace, LOOKED_AT);
    let begun = namespace.double().map_or(0, |double| double.reads_from_end());
    let starting = namespace.open();
    let head = async {
        let released = async {
            // It is asked for the log's end, and after a while for its own.
            let mut turns = tokio::time::interval(Duration::from_millis(50));
            while namespace.double().is_some_and(|it| it.reads_from_end() < begun + 2) {
                turns.tick().await;
            }
            looks_at(&namespace, usize::MAX);
        };
        tokio::join!(starting.head(), released).0
    };
    assert_eq!(timeout(DEADLINE, head).await.unwrap(), Ok(one.position));
    looks_at(&namespace, LOOKED_AT);
    assert_eq!(starting.head().await, Ok(one.position));
}
