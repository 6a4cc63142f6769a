//! Rules of EventStoreDB that the port does not have and its adapter must keep.

use std::collections::BTreeSet;

use actors::ports::{NodeId, Roster, Word};
use events::{EventStore, Expected, Failure, Position, Revision, StreamName};
use eventstore::{
    AppendToStreamOptions, DeleteStreamOptions, EventData, ReadStreamOptions, StreamPosition,
    TombstoneStreamOptions,
};
use relink::store::eventstoredb::StreamLimits;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use super::writer::{Writer, a_hidden_repetition_is_a_conflict, everything};
use super::{Namespace, in_namespace, open};
use crate::relink::DEADLINE;

async fn write_raw(client: &eventstore::Client, stream: &str, kind: &str) {
    let event = EventData::json(kind, &json!({ "by": "somebody else" })).unwrap();
    client.append_to_stream(stream, &AppendToStreamOptions::default(), event).await.unwrap();
}

#[tokio::test]
async fn events_of_others_and_of_the_server_are_none_of_ours() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let (client, _) = namespace.raw();
    let order = format!("order-{}", Uuid::new_v4());
    let mut writer = Writer::new(&store);
    for word in ["one", "two"] {
        write_raw(&client, &order, "OrderPlaced").await;
        writer.write(&[word]).await;
        write_raw(&client, &order, "OrderPlaced").await;
    }
    assert_eq!(everything(&store).await, writer.history().await);
    let head = store.head().await.unwrap();
    assert_eq!(head, writer.history().await[1].position);
    assert_eq!(store.read_all(head, 10).await, Ok(vec![]));
    writer.write(&["three"]).await;
    assert_eq!(store.read_all(head, 10).await.unwrap(), writer.history().await[2..]);
}

#[tokio::test]
async fn installations_on_one_server_do_not_see_each_other() {
    let namespace = Namespace::new();
    let (one, other) = (namespace.open(), open(&in_namespace(namespace.server())));
    let stream = StreamName::installation();
    let (mut first, mut second) = (Writer::new(&one), Writer::new(&other));
    (first.stream, second.stream) = (stream.clone(), stream);
    first.write(&["one"]).await;
    second.write(&["other"]).await;
    assert_eq!(everything(&one).await, first.history().await);
    assert_eq!(everything(&other).await, second.history().await);
    assert_ne!(first.history().await[0].id, second.history().await[0].id);
}

#[tokio::test]
async fn an_event_is_on_the_server_what_its_ui_and_projections_expect() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    let (client, prefix) = namespace.raw();
    let name = format!("{prefix}{}", writer.stream);
    let mut events = client.read_stream(name, &ReadStreamOptions::default()).await.unwrap();
    let event = events.next().await.unwrap().unwrap().event.unwrap();
    let record = &writer.history().await[0];
    assert_eq!((event.id, &*event.event_type), (record.id.0, &*record.kind));
    assert_eq!((&event.data, event.is_json), (&record.data, false));
    let metadata: Value = serde_json::from_slice(&event.custom_metadata).unwrap();
    assert_eq!(metadata["$correlationId"], Uuid::from_u128(1).to_string());
    assert_eq!(metadata["$causationId"], Uuid::from_u128(2).to_string());
    assert_eq!(metadata["actor"], "admin");
    assert_eq!(metadata["relink"]["version"], record.version);
}

#[tokio::test]
async fn what_somebody_else_writes_into_our_stream_is_shown_and_means_nothing() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    let (client, prefix) = namespace.raw();
    write_raw(&client, &format!("{prefix}{}", writer.stream), "platform.event_received").await;
    let history = writer.history().await;
    assert_eq!(history.len(), 2);
    assert_eq!(history[1].version, 0);
    assert!(history[1].clone().decode().is_err());
    assert_eq!(everything(&store).await, history);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_append_takes_no_other_with_it() {
    const EACH: usize = 40;
    let namespace = Namespace::new();
    let store = std::sync::Arc::new(namespace.open());
    let mut tasks = tokio::task::JoinSet::new();
    for nth in 0..2 * EACH {
        let store = store.clone();
        tasks.spawn(async move {
            let mut writer = Writer::new(&*store);
            writer.write(&["one"]).await;
            if nth < EACH {
                let (records, _) = writer.draft(&["two"]);
                let refused = store.append(&writer.stream, Expected::NoStream, records).await;
                let (stream, current) = (writer.stream.clone(), Some(Revision::FIRST));
                assert_eq!(refused, Err(Failure::Conflict { stream, current }));
            } else {
                writer.write(&["two"]).await;
            }
            writer.revisions().await.len()
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<usize>(), 3 * EACH);
}

#[tokio::test]
async fn limits_hide_what_is_old_and_revisions_stay() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    writer.write(&["0", "1", "2", "3", "4"]).await;
    let before = StreamLimits { truncate_before: Some(Revision(2)), ..StreamLimits::default() };
    store.limit(&writer.stream, before).await.unwrap();
    assert_eq!(writer.revisions().await, [2, 3, 4]);
    let last = StreamLimits { max_count: Some(1), ..StreamLimits::default() };
    store.limit(&writer.stream, last).await.unwrap();
    assert_eq!(writer.revisions().await, [4]);
    writer.write(&["5"]).await;
    assert_eq!(writer.revisions().await, [5]);

    let (client, prefix) = namespace.raw();
    let name = format!("$${prefix}{}", writer.stream);
    let metadata = last_of(&client, &name).await;
    assert_eq!(metadata, json!({ "$tb": 2, "$maxCount": 1 }), "one limit leaves the other");
}

#[tokio::test]
async fn whoever_comes_sets_the_limit_of_the_nodes_words_where_it_is_missing() {
    let namespace = Namespace::new();
    let (client, prefix) = namespace.raw();
    let name = format!("$${prefix}nodes");
    let node = NodeId(Uuid::new_v4());
    let word = Word { node, name: "one".to_owned(), counts: BTreeSet::new(), leaves: false };
    namespace.open().say(None, word.clone()).await.unwrap();
    let kept = json!({ "$maxCount": 1000 });
    assert_eq!(last_of(&client, &name).await, kept);
    // As if whoever said it had died in between.
    let none = EventData::json("$metadata", &json!({})).unwrap();
    let options = AppendToStreamOptions::default();
    client.append_to_stream(name.as_str(), &options, none).await.unwrap();
    let heard = namespace.open().heard(None).await.unwrap();
    assert_eq!(heard, [(Revision::FIRST, Some(word))]);
    assert_eq!(last_of(&client, &name).await, kept);
}

/// What the last event of a stream says.
async fn last_of(client: &eventstore::Client, stream: &str) -> Value {
    let options = ReadStreamOptions::default().backwards().position(StreamPosition::End);
    let mut events = client.read_stream(stream, &options.max_count(1)).await.unwrap();
    let event = events.next().await.unwrap().unwrap().event.unwrap();
    serde_json::from_slice(&event.data).unwrap()
}

#[tokio::test]
async fn an_age_is_written_in_seconds() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    let max_age = Some(std::time::Duration::from_secs(86_400));
    store.limit(&writer.stream, StreamLimits { max_age, ..StreamLimits::default() }).await.unwrap();
    let (client, prefix) = namespace.raw();
    let name = format!("$${prefix}{}", writer.stream);
    assert_eq!(last_of(&client, &name).await, json!({ "$maxAge": 86_400 }));
}

#[tokio::test]
async fn a_stream_that_an_operator_deleted_is_called_damaged() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let (client, prefix) = namespace.raw();
    let mut soft = Writer::new(&store);
    soft.write(&["one", "two"]).await;
    let options = DeleteStreamOptions::default();
    client.delete_stream(format!("{prefix}{}", soft.stream), &options).await.unwrap();
    assert!(soft.history().await.is_empty());
    let mut again = Writer::new(&store);
    again.stream = soft.stream.clone();
    let written = again.try_write(&["anew"]).await;
    assert!(matches!(written, Err(Failure::Corrupt { .. })), "{written:?}");

    let mut hard = Writer::new(&store);
    hard.write(&["one"]).await;
    let options = TombstoneStreamOptions::default();
    client.tombstone_stream(format!("{prefix}{}", hard.stream), &options).await.unwrap();
    let written = hard.try_write(&["two"]).await;
    assert!(matches!(written, Err(Failure::Corrupt { .. })), "{written:?}");
    let slice = events::store::Slice::From(Revision::FIRST);
    let read = store.read_stream(&hard.stream, slice, 10).await;
    assert!(matches!(read, Err(Failure::Corrupt { .. })), "{read:?}");
    let last = everything(&store).await.pop().unwrap();
    assert_eq!((&last.stream, last.version), (&hard.stream, 0), "the log goes on, and shows it");
    assert!(last.decode().is_err());
}

#[tokio::test]
async fn a_repetition_of_what_is_hidden_by_now_is_a_conflict() {
    let namespace = Namespace::new();
    a_hidden_repetition_is_a_conflict(&namespace.open(), || {}).await;
}

#[tokio::test]
async fn what_the_connection_string_tells_of_a_server_is_refused_before_it_is_sent() {
    let namespace = Namespace::new();
    let store = open(&format!("{}&maxAppendSize=1048576", namespace.url()));
    let limit = store.append_bytes_max();
    assert!(limit < 1 << 20);
    let mut writer = Writer::new(&store);
    let refused = writer.try_write(&[&"x".repeat(limit)]).await;
    assert!(matches!(refused, Err(Failure::Size { limit: told, .. }) if told == limit));
    writer.write(&[&"x".repeat(limit - 4096)]).await;
}

#[tokio::test]
async fn a_position_between_two_records_is_read_from_as_well() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    writer.write(&["one", "two", "three"]).await;
    let history = writer.history().await;
    let between = Position(history[1].position.0 - 1);
    assert_eq!(store.read_all(between, 10).await.unwrap(), history[1..]);
    assert_eq!(store.read_all(between, 1).await.unwrap(), history[1..2]);
    assert_eq!(store.record_at(between).await, Ok(None));
}

#[tokio::test]
async fn what_another_process_writes_is_noticed() {
    let namespace = Namespace::new();
    let (here, elsewhere) = (namespace.open(), namespace.open());
    let mut writer = Writer::new(&elsewhere);
    writer.write(&["one"]).await;
    let behind = here.head().await.unwrap();
    let waiting = async {
        while here.read_all(behind, 1).await.unwrap().is_empty() {
            here.grown(behind).await;
        }
    };
    let writing = async {
        here.grown(Position::START).await;
        writer.write(&["two"]).await;
    };
    let both = async { tokio::join!(waiting, writing) };
    timeout(DEADLINE, both).await.expect("growth is noticed");
}
