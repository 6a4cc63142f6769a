//! A log among much that is of others.

use std::time::Duration;

use events::store::PAGE_BYTES_MAX;
use events::{EventStore, Position};
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
pub(super) async fn write_foreign(server: &str, count: usize) {
    let client = eventstore::Client::new(server.parse().unwrap()).unwrap();
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
    write_foreign(namespace.server(), 1).await;
    timeout(DEADLINE, store.grown(last)).await.expect("the server has grown");
    assert_eq!(everything(&store).await.len(), RECORDS);
}

#[tokio::test]
async fn a_long_stretch_of_foreign_events_is_read_over() {
    let namespace = Namespace::new();
    let store = namespace.open();
    write_foreign(namespace.server(), 40_000).await;
    assert_eq!(store.head().await, Ok(Position::START));
    let mut writer = Writer::new(&store);
    let one = writer.write(&["one"]).await;
    write_foreign(namespace.server(), 40_000).await;
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
    write_foreign(namespace.server(), 1000).await;
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
    write_foreign(namespace.server(), 1000).await;
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
