//! Where a log begins among what others wrote.

use events::{EventStore, Failure, Position, StreamName};
use eventstore::{AppendToStreamOptions, DeleteStreamOptions, EventData, TombstoneStreamOptions};
use tokio::time::timeout;

use super::neighbours::write_foreign;
use super::writer::{Writer, everything};
use super::{Namespace, open};
use crate::double::Double;
use crate::relink::DEADLINE;

/// As many as the double may look at before it finds one of ours.
const LOOKED_AT: usize = 1000;

/// Somebody writes an event past the log, into a stream that belongs to it or to its mark.
async fn write_raw(namespace: &Namespace, stream: &str, kind: &str) {
    let (client, prefix) = namespace.raw();
    let (event, options) = (EventData::binary(kind, "{}".into()), AppendToStreamOptions::default());
    client.append_to_stream(format!("{prefix}{stream}"), &options, event).await.unwrap();
}

/// How many marks there are, if that can be seen.
fn marks(namespace: &Namespace) -> Option<usize> {
    let (_, prefix) = namespace.raw();
    namespace.double().map(|double| double.count(&format!("{prefix}begin")))
}

async fn streams(store: &dyn EventStore) -> Vec<StreamName> {
    everything(store).await.into_iter().map(|record| record.stream).collect()
}

#[tokio::test]
async fn a_new_log_does_not_begin_with_what_others_wrote_before() {
    let namespace = Namespace::new();
    write_foreign(namespace.server(), 2 * LOOKED_AT).await;
    if let Some(double) = namespace.double() {
        double.looks_at(LOOKED_AT);
    }
    let store = namespace.open();
    assert_eq!(store.head().await, Ok(Position::START));
    assert_eq!(store.follow(Position::START).await, Ok(vec![]));
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    writer.write(&["two"]).await;
    let elsewhere = namespace.open();
    assert_eq!(everything(&elsewhere).await, writer.history().await);
    assert_eq!(elsewhere.head().await, store.head().await);
    assert_eq!(marks(&namespace).unwrap_or(1), 1);
}

#[tokio::test]
async fn a_log_without_a_mark_is_read_from_the_servers_beginning_and_gets_none() {
    let installation = StreamName::installation();
    for stream in [installation.as_str(), "platform-written-past-it"] {
        let namespace = Namespace::new();
        if stream != installation.as_str() && namespace.double().is_none() {
            eprintln!("skipped: a server may have more to look at than a glance finds");
            continue;
        }
        write_raw(&namespace, stream, "somebody.wrote").await;
        let store = namespace.open();
        let mut writer = Writer::new(&store);
        writer.write(&["one"]).await;
        let all = [StreamName::from_log(stream), writer.stream.clone()];
        assert_eq!(streams(&store).await, all);
        assert_eq!(streams(&namespace.open()).await, all);
        assert_eq!(marks(&namespace).unwrap_or(0), 0);
    }
}

#[tokio::test]
async fn a_mark_behind_the_installations_first_record_hides_nothing() {
    let namespace = Namespace::new();
    let installation = StreamName::installation();
    write_raw(&namespace, installation.as_str(), "somebody.wrote").await;
    write_raw(&namespace, "begin", "relink.begin").await;
    assert_eq!(streams(&namespace.open()).await, [installation]);
}

#[tokio::test]
async fn two_that_begin_a_log_at_once_leave_one_mark() {
    let namespace = Namespace::new();
    let (here, elsewhere) = (namespace.open(), namespace.open());
    let (mut one, mut other) = (Writer::new(&here), Writer::new(&elsewhere));
    tokio::join!(one.write(&["one"]), other.write(&["other"]));
    assert_eq!(marks(&namespace).unwrap_or(1), 1);
    for store in [&here, &elsewhere, &namespace.open()] {
        assert_eq!(everything(store).await.len(), 2);
    }
}

#[tokio::test]
async fn a_mark_that_is_none_of_ours_hides_nothing_and_hinders_nobody() {
    let namespace = Namespace::new();
    write_raw(&namespace, "begin", "SomethingElse").await;
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    assert_eq!(everything(&store).await, writer.history().await);
    assert_eq!(everything(&namespace.open()).await, writer.history().await);
}

#[tokio::test]
async fn a_mark_that_an_operator_deleted_hides_nothing_and_hinders_nobody() {
    for is_hard in [false, true] {
        let namespace = Namespace::new();
        write_raw(&namespace, "begin", "relink.begin").await;
        let (client, prefix) = namespace.raw();
        let mark = format!("{prefix}begin");
        if is_hard {
            client.tombstone_stream(mark, &TombstoneStreamOptions::default()).await.unwrap();
        } else {
            client.delete_stream(mark, &DeleteStreamOptions::default()).await.unwrap();
        }
        let store = namespace.open();
        let mut writer = Writer::new(&store);
        writer.write(&["one"]).await;
        assert_eq!(everything(&store).await, writer.history().await);
        assert_eq!(everything(&namespace.open()).await, writer.history().await);
    }
}

#[tokio::test]
async fn a_log_whose_beginning_is_gone_is_not_available() {
    let double = Double::start();
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    let last = writer.write(&["one", "two"]).await.position;
    assert_eq!(everything(&open(&double.url())).await.len(), 2);
    let begins = double.reads()[0];
    assert!(begins < last.0);
    double.lose_place(begins);
    for store in [open(&double.url()), open(&double.url()).patient()] {
        // Behind a position that somebody typed the log is gone through from its beginning.
        for behind in [Position::START, Position(last.0 - 2)] {
            let read = timeout(DEADLINE, store.read_all(behind, 10)).await.unwrap();
            assert!(matches!(read, Err(Failure::Unavailable { .. })), "{read:?}");
            let read = timeout(DEADLINE, store.follow(behind)).await.unwrap();
            assert!(matches!(read, Err(Failure::Unavailable { .. })), "{read:?}");
        }
    }
}

#[tokio::test]
async fn a_record_whose_place_a_server_denies_is_neither_read_twice_nor_looked_for_without_end() {
    let double = Double::start();
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    writer.write(&["one", "two"]).await;
    let [first, last] = &everything(&store).await[..] else { panic!("two were written") };
    for denied in [last.position, first.position] {
        double.lose_place(denied.0);
        for store in [open(&double.url()), open(&double.url()).patient()] {
            let read = timeout(DEADLINE, store.read_all(denied, 10)).await.unwrap();
            assert!(matches!(read, Err(Failure::Unavailable { .. })), "{read:?}");
        }
    }
}
