//! Waiting for a server that looks at much of others before it finds a record of ours. Only a
//! double can be made to take as long as it shall.

use std::time::Duration;

use events::{EventStore, Failure, Position, Record};
use eventstore::{AppendToStreamOptions, EventData};
use tokio::time::{Instant, interval};

use super::neighbours::write_foreign;
use super::writer::Writer;
use super::{Namespace, open};
use crate::double::Double;

/// As many as the double looks at before it finds one of ours.
const LOOKED_AT: usize = 1000;

/// Who is served is told then that the log is not available.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// Between two looks at what the double was asked.
const TURN: Duration = Duration::from_millis(10);

/// A record, much of others, and another record.
async fn two_far_apart(double: &Double) -> Vec<Record> {
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    write_foreign(&double.url(), 2 * LOOKED_AT).await;
    writer.write(&["two"]).await;
    double.looks_at(LOOKED_AT);
    writer.history().await
}

async fn until(is_so: impl Fn() -> bool) {
    let mut turns = interval(TURN);
    while !is_so() {
        turns.tick().await;
    }
}

/// The server goes on only when a reader's time has passed and it has asked whether the server is
/// there at all.
async fn go_on_late(double: &Double, is_begun: impl Fn() -> bool) {
    until(is_begun).await;
    let asked = double.reads_from_end();
    tokio::time::pause();
    tokio::time::advance(READ_WITHIN).await;
    tokio::time::resume();
    until(|| double.reads_from_end() > asked).await;
    double.looks_at(usize::MAX);
}

#[tokio::test]
async fn who_follows_waits_for_what_stands_behind_much_of_others() {
    let double = Double::start();
    let all = two_far_apart(&double).await;
    let reading = open(&double.url());
    assert_eq!(
        reading.follow(Position::START).await.unwrap(),
        all[..1],
        "what there is before them is handed out"
    );
    let asked = double.reads().len();
    let late = go_on_late(&double, || double.reads().len() > asked);
    let (found, ()) = tokio::join!(reading.follow(all[0].position), late);
    assert_eq!(found.unwrap(), all[1..]);
    assert_eq!(double.reads().len(), asked + 1, "the server was let go on");
}

#[tokio::test]
async fn a_command_waits_for_all_of_a_page() {
    let double = Double::start();
    let all = two_far_apart(&double).await;
    let reading = open(&double.url()).patient();
    let asked = double.reads().len();
    let late = go_on_late(&double, || double.reads().len() > asked);
    let (found, ()) = tokio::join!(reading.read_all(Position::START, 10), late);
    assert_eq!(found.unwrap(), all);
}

#[tokio::test]
async fn who_is_served_is_told_in_time_that_the_log_is_not_available() {
    let double = Double::start();
    let all = two_far_apart(&double).await;
    let reading = open(&double.url());
    assert_eq!(reading.record_at(all[1].position).await, Ok(Some(all[1].clone())));
    // Whoever waits for nothing but the time has it at once.
    tokio::time::pause();
    let begun = Instant::now();
    let refused = reading.read_all(all[0].position, 10).await;
    assert!(matches!(refused, Err(Failure::Unavailable { .. })), "{refused:?}");
    assert!(begun.elapsed() <= READ_WITHIN + TURN, "it took {:?}", begun.elapsed());
}

#[tokio::test]
async fn one_place_is_asked_for_without_looking_for_the_next_of_ours() {
    let double = Double::start();
    let client = eventstore::Client::new(double.url().parse().unwrap()).unwrap();
    let (event, options) =
        (EventData::binary("OrderPlaced", "{}".into()), AppendToStreamOptions::default());
    let order = client.append_to_stream("order-1", &options, event).await.unwrap();
    let order = Position(order.position.commit);
    let all = two_far_apart(&double).await;
    let reading = open(&double.url());
    assert_eq!(reading.record_at(order).await, Ok(None));
    assert_eq!(reading.record_at(all[0].position).await, Ok(Some(all[0].clone())));
}

#[tokio::test]
async fn the_end_of_a_log_is_waited_for_by_a_process_that_begins() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let one = Writer::new(&store).write(&["one"]).await;
    write_foreign(namespace.server(), 2 * LOOKED_AT).await;
    let starting = namespace.open();
    let Some(double) = namespace.double() else {
        assert_eq!(starting.head().await, Ok(one.position));
        return;
    };
    double.looks_at(LOOKED_AT);
    // The server's end is asked for, and the log's.
    let asked = double.reads_from_end() + 2;
    let late = go_on_late(double, || double.reads_from_end() >= asked);
    let (head, ()) = tokio::join!(starting.head(), late);
    assert_eq!(head, Ok(one.position));
    // Nobody looks at them again.
    double.looks_at(LOOKED_AT);
    assert_eq!(starting.head().await, Ok(one.position));
    assert_eq!(starting.follow(one.position).await, Ok(vec![]));
    assert_eq!(starting.read_all(one.position, 10).await, Ok(vec![]));
}
