//! What truncation removes, and what it leaves as it was.

use std::sync::Arc;

use super::Writer;
use super::writer::{ids, proposed_ids};
use crate::store::{Bound, Slice};
use crate::{EventStore, Expected, Failure, Position, Record, Revision};

/// A stream of five records, the first three of which are removed; as it was, and as it is.
async fn truncated(store: &Arc<dyn EventStore>) -> (Writer, Vec<Record>, Vec<Record>) {
    let mut writer = Writer::new(store);
    writer.write(&["one", "two", "three"]).await;
    writer.write(&["four", "five"]).await;
    let before = writer.history().await;
    cut(store, &writer, 3).await;
    let after = rest(store, &writer).await;
    (writer, before, after)
}

async fn cut(store: &Arc<dyn EventStore>, writer: &Writer, before: u64) {
    let cut = store.truncate(&writer.stream, Revision(before)).await;
    cut.expect("a stream can be truncated");
}

async fn rest(store: &Arc<dyn EventStore>, writer: &Writer) -> Vec<Record> {
    let page = store.read_stream(&writer.stream, Slice::From(Revision::FIRST), 100).await;
    page.expect("the stream can be read")
}

async fn bound(store: &Arc<dyn EventStore>, writer: &Writer) -> Option<Bound> {
    store.bound(&writer.stream).await.expect("the bound can be asked for")
}

/// What stays is what it was: revisions, positions, hashes.
pub async fn a_truncated_stream_begins_with_what_is_left(store: Arc<dyn EventStore>) {
    let (writer, before, after) = truncated(&store).await;
    assert_eq!(after, before[3..]);
    let second = store.read_stream(&writer.stream, Slice::From(Revision(1)), 1).await;
    assert_eq!(second.expect("the stream can be read"), before[3..4]);
}

/// Downwards too, nothing that was removed is read.
pub async fn reading_downwards_ends_at_the_bound(store: Arc<dyn EventStore>) {
    let (writer, before, _) = truncated(&store).await;
    let newest_first: Vec<_> = before[3..].iter().rev().cloned().collect();
    let read = async |slice| store.read_stream(&writer.stream, slice, 100).await;
    assert_eq!(read(Slice::Before(None)).await, Ok(newest_first.clone()));
    assert_eq!(read(Slice::Before(Some(Revision(4)))).await, Ok(newest_first[1..].to_vec()));
    assert_eq!(read(Slice::Before(Some(Revision(3)))).await, Ok(vec![]));
    assert_eq!(read(Slice::Before(Some(Revision(1)))).await, Ok(vec![]));
}

/// The bound tells what the chain goes on from; a whole stream has none.
pub async fn the_chain_goes_on_from_the_bound(store: Arc<dyn EventStore>) {
    let whole = Writer::new(&store);
    assert_eq!(bound(&store, &whole).await, None);
    let (writer, before, after) = truncated(&store).await;
    let found = bound(&store, &writer).await.expect("it was truncated");
    assert_eq!(found, Bound { first: Revision(3), previous: before[2].hash });
    let mut tail = found.tail();
    for record in &after {
        tail.follow(record).expect("the chain holds from the bound on");
    }
}

/// Appends go on behind the end, at the revision that they would have had.
pub async fn appends_go_on_behind_a_truncated_stream(store: Arc<dyn EventStore>) {
    let (mut writer, before, _) = truncated(&store).await;
    let (new, _) = writer.draft(&["new"]);
    assert_eq!(writer.append(Expected::NoStream, new).await, writer.conflict(Some(4)));
    let (records, appended) = writer.write(&["six"]).await;
    assert_eq!(appended.revision, Revision(5));
    let all: Vec<_> = before[3..].iter().map(|record| record.id).collect();
    let all = [all, proposed_ids(&records)].concat();
    assert_eq!(ids(&rest(&store, &writer).await), all);
}

/// What was removed stays so, and the same again changes nothing.
pub async fn truncating_less_changes_nothing(store: Arc<dyn EventStore>) {
    let (writer, _, after) = truncated(&store).await;
    let found = bound(&store, &writer).await;
    for before in [3, 2, 0] {
        cut(&store, &writer, before).await;
        assert_eq!(rest(&store, &writer).await, after);
        assert_eq!(bound(&store, &writer).await, found);
    }
    cut(&store, &writer, 4).await;
    assert_eq!(rest(&store, &writer).await, after[1..]);
}

/// Whoever writes must know where the stream ends.
pub async fn the_last_record_stays(store: Arc<dyn EventStore>) {
    let (mut writer, before, _) = truncated(&store).await;
    cut(&store, &writer, 100).await;
    assert_eq!(rest(&store, &writer).await, before[4..]);
    writer.write(&["six"]).await;
    assert_eq!(rest(&store, &writer).await.len(), 2);
    let missing = Writer::new(&store);
    cut(&store, &missing, 100).await;
    assert_eq!(bound(&store, &missing).await, None);
}

/// The answer to a repetition may be either; that it is not written again is sure.
pub async fn what_was_removed_is_not_written_again(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    let (first, appended) = writer.write(&["one", "two"]).await;
    writer.write(&["three"]).await;
    cut(&store, &writer, 2).await;
    let left = rest(&store, &writer).await;
    match writer.append(Expected::NoStream, first).await {
        Ok(again) => assert_eq!(again, appended),
        Err(Failure::Conflict { current, .. }) => assert_eq!(current, Some(Revision(2))),
        Err(other) => panic!("a repetition of what was removed fails: {other}"),
    }
    assert_eq!(rest(&store, &writer).await, left);
}

/// Whoever reads all finds everything that is left, and nothing twice; other streams are whole.
pub async fn the_log_still_shows_what_is_left(store: Arc<dyn EventStore>) {
    let behind = store.head().await.expect("the log has a head");
    let mut other = Writer::new(&store);
    other.write(&["one", "two"]).await;
    let (writer, before, after) = truncated(&store).await;
    other.write(&["three"]).await;
    let shown = writer.in_log(behind).await;
    assert!(shown.ends_with(&after));
    // An engine may show more until it has cleaned up, but then as it was.
    assert!(before.ends_with(&shown));
    assert_eq!(other.in_log(behind).await, other.history().await);
    let first = &after[0];
    let found = store.record_at(first.position).await;
    assert_eq!(found.expect("the log can be read").as_ref(), Some(first));
    let last = other.history().await.pop().expect("it has three");
    let head = store.head().await.expect("the log has a head");
    assert!(head >= last.position && last.position > Position::START);
}
