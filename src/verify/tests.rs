use std::path::Path;
use std::sync::Arc;

use events::store::Draft;
use events::store::memory::MemoryStore;
use events::{AccountId, Actor, Category, EventId, Expected, Metadata, Revision, Timestamp, inbox};
use rusqlite::Connection;
use uuid::Uuid;

use super::*;
use crate::store::embedded::{Embedded, Options};

/// Two streams, written in turn: positions 1, 3, 5 are inbox-1, positions 2, 4, 6 are inbox-2.
async fn write(store: &dyn EventStore) {
    let streams = [1, 2].map(|id| StreamName::new(Category::Inbox, id));
    let mut tails = [Tail::default(); 2];
    let (correlation, causation) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let account = Some(AccountId(1));
    let metadata = Metadata { correlation, causation, actor: Actor::ADMIN, account };
    for name in ["one", "two", "three"] {
        for (stream, tail) in streams.iter().zip(&mut tails) {
            let event = inbox::Event::from(inbox::Renamed { name: name.to_owned() }).into();
            let mut draft = Draft::new(stream, *tail);
            let id = EventId(Uuid::new_v4());
            draft.add_as(id, &event, &metadata, Timestamp::from_micros(1));
            let (records, end) = draft.finish();
            store.append(stream, tail.expected(), records).await.unwrap();
            *tail = end;
        }
    }
}

/// A log, tampered with by other means than ours; what verification says of it.
async fn tampered(sql: &str) -> Result<Report, Unverified> {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Embedded::serve(folder.path(), Options::default()).unwrap());
    write(&*store).await;
    store.close().await;
    drop(store);
    raw(folder.path()).execute_batch(sql).unwrap();
    let store = Embedded::read_only(folder.path()).unwrap();
    verify(&store, Positions::Dense, |_| ()).await
}

fn raw(folder: &Path) -> Connection {
    Connection::open(folder.join("relink.db")).unwrap()
}

#[track_caller]
fn bad(found: Result<Report, Unverified>) -> (u64, Problem) {
    match found {
        Err(Unverified::Bad { position, problem }) => (position.0, problem),
        other => panic!("the damage is not found: {other:?}"),
    }
}

fn altered(stream: u64, revision: u64) -> Problem {
    let stream = StreamName::new(Category::Inbox, stream);
    Problem::Broken(BrokenChain::Altered { stream, revision: Revision(revision) })
}

fn gap(stream: u64, expected: u64, found: u64) -> Problem {
    let stream = StreamName::new(Category::Inbox, stream);
    let (expected, found) = (Revision(expected), Revision(found));
    Problem::Broken(BrokenChain::Gap { stream, expected, found })
}

#[tokio::test]
async fn a_good_log_is_counted_and_progress_is_told() {
    let store = MemoryStore::default();
    write(&store).await;
    let mut told = vec![];
    let report = verify(&store, Positions::Dense, |report| told.push(*report)).await;
    let whole = Report { records: 6, streams: 2, position: Position(6) };
    assert_eq!(report, Ok(whole));
    assert_eq!(told, [whole]);
    let nothing = verify(&MemoryStore::default(), Positions::Growing, |_| ()).await;
    assert_eq!(nothing, Ok(Report::default()));
}

#[tokio::test]
async fn an_untouched_file_is_good() {
    let whole = Report { records: 6, streams: 2, position: Position(6) };
    assert_eq!(tampered("").await, Ok(whole));
}

#[tokio::test]
async fn a_changed_payload_is_found() {
    let sql = "UPDATE events SET data = x'0474776f21' WHERE position = 3";
    assert_eq!(bad(tampered(sql).await), (3, altered(1, 1)));
}

#[tokio::test]
async fn changed_metadata_is_found() {
    let sql = "UPDATE events SET metadata = replace(metadata, 'admin', 'nobody') \
               WHERE position = 4";
    assert_eq!(bad(tampered(sql).await), (4, altered(2, 1)));
}

#[tokio::test]
async fn a_changed_time_is_found() {
    let sql = "UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 6";
    assert_eq!(bad(tampered(sql).await), (6, altered(2, 2)));
}

#[tokio::test]
async fn a_changed_hash_is_found() {
    let sql = "UPDATE events SET hash = zeroblob(32) WHERE position = 1";
    assert_eq!(bad(tampered(sql).await), (1, altered(1, 0)));
}

#[tokio::test]
async fn a_renamed_stream_is_found() {
    let sql = "UPDATE streams SET name = 'inbox-3' WHERE name = 'inbox-2'";
    assert_eq!(bad(tampered(sql).await), (2, altered(3, 0)));
}

#[tokio::test]
async fn a_deleted_record_is_missing_where_it_was() {
    let sql = "DELETE FROM events WHERE position = 3";
    assert_eq!(bad(tampered(sql).await), (3, Problem::Missing(Position(4))));
}

#[tokio::test]
async fn the_deleted_end_of_a_stream_is_missing_too() {
    let sql = "DELETE FROM events WHERE position = 5";
    assert_eq!(bad(tampered(sql).await), (5, Problem::Missing(Position(6))));
}

#[tokio::test]
async fn a_deleted_record_is_a_gap_where_positions_only_grow() {
    let store = MemoryStore::default();
    write(&store).await;
    let mut records = store.read_all(Position::START, 10).await.unwrap();
    records.remove(2);
    let mut walk = Walk::new(&store, Positions::Growing);
    let mut found = Ok(());
    for record in records {
        if found.is_ok() {
            found = walk.step(record).await;
        }
    }
    assert_eq!(bad(found.map(|()| walk.report)).1, gap(1, 1, 2));
    assert_eq!(walk.report.position, Position(4));
}

#[tokio::test]
async fn records_that_changed_places_are_found() {
    let sql = "UPDATE events SET position = -3 WHERE position = 3;
               UPDATE events SET position = 3 WHERE position = 5;
               UPDATE events SET position = 5 WHERE position = -3;";
    assert_eq!(bad(tampered(sql).await), (3, gap(1, 1, 2)));
}

#[tokio::test]
async fn a_forged_record_at_the_end_is_found() {
    let sql = "INSERT INTO events SELECT 7, stream, 3, type, version, id, recorded_at, hash, \
               metadata, data FROM events WHERE position = 6";
    assert_eq!(bad(tampered(sql).await), (7, altered(2, 3)));
}

#[tokio::test]
async fn what_no_reader_takes_for_a_record_is_found_behind_what_is_good() {
    let sql = "UPDATE events SET hash = 'short' WHERE position = 5;
               UPDATE events SET data = x'00' WHERE position = 2;";
    assert_eq!(bad(tampered(sql).await), (2, altered(2, 0)));
    let sql = "UPDATE events SET hash = 'short' WHERE position = 5";
    let unreadable = Problem::Unreadable("hash is not what Relink writes".to_owned());
    assert_eq!(bad(tampered(sql).await), (5, unreadable));
}

#[tokio::test]
async fn a_record_without_its_stream_is_found() {
    let sql = "PRAGMA foreign_keys = OFF; DELETE FROM streams WHERE name = 'inbox-2'";
    let (position, problem) = bad(tampered(sql).await);
    assert_eq!((position, problem), (2, Problem::Unreadable("stream 2 has no name".to_owned())));
}

#[tokio::test]
async fn a_record_that_this_build_does_not_know_is_found() {
    let store = MemoryStore::default();
    write(&store).await;
    let stream = StreamName::new(Category::Inbox, 3);
    let mut draft = Draft::new(&stream, Tail::default());
    let (correlation, causation) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let metadata = Metadata { correlation, causation, actor: Actor::ADMIN, account: None };
    let event = inbox::Event::from(inbox::Removed {}).into();
    draft.add(&event, &metadata, Timestamp::from_micros(1), 0);
    let (mut records, _) = draft.finish();
    let record = &mut records[0];
    record.kind = "inbox.painted".into();
    let link = events::Link {
        stream: &stream,
        revision: Revision::FIRST,
        id: record.id,
        kind: &record.kind,
        version: record.version,
        at: record.at,
        metadata: &record.metadata,
        data: &record.data,
    };
    record.hash = link.hash(&events::Hash::ROOT);
    store.append(&stream, Expected::NoStream, records).await.unwrap();
    let (position, problem) = bad(verify(&store, Positions::Dense, |_| ()).await);
    assert_eq!(position, 7);
    assert!(matches!(problem, Problem::Undecodable(_)), "{problem}");
}

/// A log of two streams, the first of which was truncated; what verification says of it.
async fn truncated_and(sql: &str) -> Result<Report, Unverified> {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Embedded::serve(folder.path(), Options::default()).unwrap());
    write(&*store).await;
    store.truncate(&StreamName::new(Category::Inbox, 1), Revision(2)).await.unwrap();
    store.close().await;
    drop(store);
    raw(folder.path()).execute_batch(sql).unwrap();
    let store = Embedded::read_only(folder.path()).unwrap();
    verify(&store, Positions::Dense, |_| ()).await
}

#[tokio::test]
async fn a_truncated_stream_is_good_from_its_bound_on() {
    let left = Report { records: 4, streams: 2, position: Position(6) };
    assert_eq!(truncated_and("").await, Ok(left));
}

#[tokio::test]
async fn rows_that_are_not_deleted_yet_do_not_count() {
    // As after a crash between both steps of a truncation.
    let sql = "INSERT INTO bounds SELECT stream, 1, hash, 0 FROM events WHERE position = 2";
    let left = Report { records: 3, streams: 2, position: Position(6) };
    assert_eq!(truncated_and(sql).await, Ok(left));
}

#[tokio::test]
async fn more_missing_than_was_removed_is_found() {
    let sql = "DELETE FROM events WHERE position = 4";
    assert_eq!(bad(truncated_and(sql).await), (3, Problem::Missing(Position(5))));
}

#[tokio::test]
async fn a_truncated_stream_that_goes_on_from_elsewhere_is_found() {
    let sql = "UPDATE bounds SET previous = zeroblob(32)";
    assert_eq!(bad(truncated_and(sql).await), (5, altered(1, 2)));
    let sql = "UPDATE bounds SET first = 1";
    assert_eq!(bad(truncated_and(sql).await), (3, Problem::Missing(Position(4))));
    let sql = "DELETE FROM bounds";
    assert_eq!(bad(truncated_and(sql).await), (1, Problem::Missing(Position(2))));
}
