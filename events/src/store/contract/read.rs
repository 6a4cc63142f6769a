//! What is read: all of it, as it was written, in both directions, in pages.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::Writer;
use super::writer::{at, ids, metadata, proposed_ids};
use crate::store::{Draft, PAGE_BYTES_MAX, PAGE_MAX, Slice, Tail, is_last};
use crate::{
    Category, EventId, EventStore, Expected, Hash, Link, Position, Proposed, Record, Revision,
    StreamName, Timestamp, inbox,
};

const WORDS: [&str; 5] = ["one", "two", "three", "four", "five"];

async fn page(writer: &Writer, slice: Slice, limit: usize) -> Vec<u64> {
    let page = writer.store.read_stream(&writer.stream, slice, limit).await;
    page.expect("the stream can be read").iter().map(|record| record.revision.0).collect()
}

/// From a revision on, inclusive.
pub async fn a_stream_is_read_upwards_in_pages(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    writer.write(&WORDS).await;
    assert_eq!(page(&writer, Slice::From(Revision(0)), 2).await, [0, 1]);
    assert_eq!(page(&writer, Slice::From(Revision(2)), 2).await, [2, 3]);
    assert_eq!(page(&writer, Slice::From(Revision(4)), 2).await, [4]);
}

/// Before a revision, exclusive, or from the end.
pub async fn a_stream_is_read_downwards_in_pages(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    writer.write(&WORDS).await;
    assert_eq!(page(&writer, Slice::Before(None), 2).await, [4, 3]);
    assert_eq!(page(&writer, Slice::Before(Some(Revision(3))), 2).await, [2, 1]);
    assert_eq!(page(&writer, Slice::Before(Some(Revision(1))), 2).await, [0]);
    assert_eq!(page(&writer, Slice::Before(Some(Revision(99))), 2).await, [4, 3]);
}

/// Past either end there is nothing, and that is no error.
pub async fn a_page_ends_with_its_stream(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    writer.write(&WORDS).await;
    assert_eq!(page(&writer, Slice::From(Revision(0)), 100).await, [0, 1, 2, 3, 4]);
    assert!(page(&writer, Slice::From(Revision(5)), 10).await.is_empty());
    assert!(page(&writer, Slice::Before(Some(Revision::FIRST)), 10).await.is_empty());
    assert!(page(&writer, Slice::From(Revision(0)), 0).await.is_empty());
}

/// A stream that was never written to has no records, and that is no error.
pub async fn a_missing_stream_is_empty(store: Arc<dyn EventStore>) {
    let writer = Writer::new(&store);
    assert!(page(&writer, Slice::From(Revision::FIRST), 10).await.is_empty());
    assert!(page(&writer, Slice::Before(None), 10).await.is_empty());
}

/// What is written to one stream is not read from another.
pub async fn streams_do_not_mix(store: Arc<dyn EventStore>) {
    let (mut one, mut other) = (Writer::new(&store), Writer::new(&store));
    let (first, _) = one.write(&["one"]).await;
    let (foreign, _) = other.write(&["other", "other"]).await;
    let (second, _) = one.write(&["two"]).await;
    let own = [proposed_ids(&first), proposed_ids(&second)].concat();
    assert_eq!(ids(&one.history().await), own);
    assert_eq!(ids(&other.history().await), proposed_ids(&foreign));
    assert!(one.history().await.iter().all(|record| record.stream == one.stream));
}

/// Whatever the stream, what was acknowledged earlier stands earlier.
pub async fn the_log_is_read_in_the_order_of_writing(store: Arc<dyn EventStore>) {
    let behind = store.head().await.expect("the log has a head");
    let (mut one, mut other) = (Writer::new(&store), Writer::new(&store));
    let mut written = Vec::new();
    for _ in 0..3 {
        for writer in [&mut one, &mut other] {
            let (_, appended) = writer.write(&["in turn"]).await;
            written.push((appended.position, writer.stream.clone(), appended.revision));
        }
    }
    let mut found = one.in_log(behind).await;
    found.extend(other.in_log(behind).await);
    found.sort_by_key(|record| record.position);
    let found: Vec<_> =
        found.into_iter().map(|record| (record.position, record.stream, record.revision)).collect();
    assert_eq!(found, written);
}

/// A page begins with the first record behind the position, not with the one at it.
pub async fn a_page_of_the_log_is_behind_its_position_and_limited(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    writer.write(&WORDS).await;
    let history = writer.history().await;
    let behind = history[1].position;
    assert_eq!(writer.in_log(behind).await, history[2..]);
    let page = store.read_all(behind, 2).await.expect("the log can be read");
    assert!(!page.is_empty() && page.len() <= 2);
    assert!(page.iter().all(|record| record.position > behind));
    assert!(page.is_sorted_by(|one, next| one.position < next.position));
    let end = Position(u64::MAX >> 1);
    assert_eq!(store.read_all(end, 10).await, Ok(vec![]));
}

/// However much is asked for, a page stays a page.
pub async fn a_page_has_at_most_its_maximum(store: Arc<dyn EventStore>) {
    const APPENDS: usize = 9;
    const RECORDS: usize = APPENDS * (PAGE_MAX / 8);
    let behind = store.head().await.expect("the log has a head");
    let mut writer = Writer::new(&store);
    // Not in one append: what an engine keeps beside each record counts for its limit too.
    for _ in 0..APPENDS {
        writer.write(&["small"; PAGE_MAX / 8]).await;
    }
    let slice = Slice::From(Revision::FIRST);
    let page = store.read_stream(&writer.stream, slice, usize::MAX).await;
    assert!((1..=PAGE_MAX).contains(&page.expect("the stream can be read").len()));
    let page = store.read_all(behind, usize::MAX).await.expect("the log can be read");
    assert!((1..=PAGE_MAX).contains(&page.len()));
    assert_eq!(writer.history().await.len(), RECORDS);
    assert_eq!(writer.in_log(behind).await.len(), RECORDS);
}

/// Who goes on until a page is the last one misses nothing, however large the records.
pub async fn a_page_is_short_only_at_the_end_or_when_it_is_large(store: Arc<dyn EventStore>) {
    let behind = store.head().await.expect("the log has a head");
    let mut writer = Writer::new(&store);
    // One more than a page has room for, and each small enough for any store.
    let size = (PAGE_BYTES_MAX / 5).min(store.append_bytes_max() / 2);
    let (large, records) = ("x".repeat(size), PAGE_BYTES_MAX / size + 1);
    for _ in 0..records {
        writer.write(&[&large]).await;
    }
    let mut found = 0;
    loop {
        let slice = Slice::From(Revision(found as u64));
        let page = store.read_stream(&writer.stream, slice, PAGE_MAX).await;
        let page = page.expect("the stream can be read");
        found += page.len();
        if is_last(&page, PAGE_MAX) {
            break;
        }
    }
    assert_eq!(found, records);
    let (mut behind, mut found) = (behind, 0);
    loop {
        let page = store.read_all(behind, PAGE_MAX).await.expect("the log can be read");
        behind = page.last().map_or(behind, |last| last.position);
        found += page.iter().filter(|record| record.stream == writer.stream).count();
        if is_last(&page, PAGE_MAX) {
            break;
        }
    }
    assert_eq!(found, records);
}

/// The head is where the last record stands.
pub async fn the_head_is_the_last_position(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    let before = store.head().await.expect("the log has a head");
    let (_, appended) = writer.write(&WORDS).await;
    assert!(appended.position > before);
    let head = store.head().await.expect("the log has a head");
    assert!(head >= appended.position);
}

/// A record is found by its position, and nothing is found where none stands.
pub async fn a_record_is_found_at_its_position(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    writer.write(&WORDS).await;
    for record in writer.history().await {
        assert_eq!(store.record_at(record.position).await, Ok(Some(record)));
    }
    assert_eq!(store.record_at(Position::START).await, Ok(None));
    assert_eq!(store.record_at(Position(u64::MAX >> 1)).await, Ok(None));
}

/// Not a byte is lost, gained or changed on the way, nor in a name beyond ASCII.
pub async fn every_field_comes_back_as_it_was_written(store: Arc<dyn EventStore>) {
    let name = format!("köln-0/ü {} 東京", Uuid::new_v4());
    let stream = StreamName::new(Category::Inbox, name);
    let mut draft = Draft::new(&stream, Tail::default());
    let empty = inbox::Event::from(inbox::Removed {}).into();
    draft.add_as(EventId(Uuid::new_v4()), &empty, &metadata(), at());
    draft.add_as(EventId(Uuid::new_v4()), &super::writer::event("ß"), &metadata(), at());
    draft.add_as(EventId(Uuid::new_v4()), &empty, &metadata(), Timestamp::from_micros(i64::MAX));
    let (records, _) = draft.finish();
    assert!(records[0].data.is_empty());
    assert_eq!(round_trip(&store, &stream, &records).await, records);
}

/// Records larger than any usual page or frame.
pub async fn large_records_come_back_as_they_were_written(store: Arc<dyn EventStore>) {
    let stream = StreamName::new(Category::Platform, Uuid::new_v4());
    let id = EventId(Uuid::new_v4());
    let metadata = Bytes::from(format!("{{\"note\":\"{}\"}}", "ä".repeat(70_000)));
    let data =
        Bytes::from_iter((0..300_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8));
    let (revision, kind, version, at) = (Revision::FIRST, "platform.event_received", 1, at());
    let link =
        Link { stream: &stream, revision, id, kind, version, at, metadata: &metadata, data: &data };
    let hash = link.hash(&Hash::ROOT);
    let record = Proposed { id, kind: kind.into(), version, at, metadata, data, hash };
    assert_eq!(round_trip(&store, &stream, std::slice::from_ref(&record)).await, [record]);
}

/// The hashes that were written are the hashes of what is read.
pub async fn the_chain_holds_over_what_was_read(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    writer.write(&WORDS).await;
    writer.write(&["six"]).await;
    let mut tail = Tail::default();
    for record in writer.history().await {
        tail.follow(&record).expect("the chain is unbroken");
    }
    assert_eq!(tail, writer.tail);
}

/// Writes, reads by stream and by log, and takes the place in the log off again.
async fn round_trip(
    store: &Arc<dyn EventStore>,
    stream: &StreamName,
    records: &[Proposed],
) -> Vec<Proposed> {
    let behind = store.head().await.expect("the log has a head");
    let written = store.append(stream, Expected::NoStream, records.to_vec()).await;
    written.expect("the stream is new");
    let tail = Tail::default();
    let reader = Writer { store: Arc::clone(store), stream: stream.clone(), tail };
    let history = reader.history().await;
    assert_eq!(reader.in_log(behind).await, history);
    history.into_iter().map(proposed).collect()
}

fn proposed(record: Record) -> Proposed {
    let Record { id, kind, version, at, metadata, data, hash, .. } = record;
    Proposed { id, kind, version, at, metadata, data, hash }
}
