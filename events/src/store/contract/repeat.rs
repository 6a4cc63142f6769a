//! What a repeated append means: who did not hear the answer may ask again.
//!
//! An append is recognised by its stream, its belief and its event ids, and only where the belief
//! no longer holds. Where it still holds, nothing was written behind it, and ids are not looked at.

use std::sync::Arc;

use super::Writer;
use super::writer::{ids, proposed_ids};
use crate::{EventStore, Expected, Revision};

/// The same again is answered the same, and nothing is written.
pub async fn a_repeated_append_is_answered_as_the_first_was(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    let (first, appended) = writer.write(&["one", "two"]).await;
    assert_eq!(writer.append(Expected::NoStream, first.clone()).await, Ok(appended));
    let (second, appended) = writer.write(&["three"]).await;
    let again = writer.append(Expected::Revision(Revision(1)), second.clone()).await;
    assert_eq!(again, Ok(appended));
    let all = [proposed_ids(&first), proposed_ids(&second)].concat();
    assert_eq!(ids(&writer.history().await), all);
}

/// The beginning of what was written is a repeat too, answered where that beginning ends.
pub async fn a_repeated_beginning_is_recognised(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    let (records, _) = writer.write(&["one", "two", "three"]).await;
    let history = writer.history().await;
    let again = writer.append(Expected::NoStream, records[..2].to_vec()).await;
    let again = again.expect("the first two were written");
    assert_eq!((again.revision, again.position), (Revision(1), history[1].position));
    assert_eq!(writer.history().await, history);
}

/// What begins as a repeat and goes on differently is a conflict.
pub async fn an_overlap_that_goes_on_differently_is_refused(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    let (other, _) = writer.draft(&["one", "other"]);
    let (records, _) = writer.write(&["one", "two"]).await;
    let overlap = vec![records[0].clone(), other[1].clone()];
    assert_eq!(writer.append(Expected::NoStream, overlap).await, writer.conflict(Some(1)));
    assert_eq!(ids(&writer.history().await), proposed_ids(&records));
}

/// What was written and more behind it is a conflict: the more was never decided on this end.
pub async fn an_append_that_is_longer_than_what_was_written_is_refused(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    let (records, _) = writer.write(&["one"]).await;
    let (more, _) = writer.draft(&["two"]);
    let longer = [records.clone(), more].concat();
    assert_eq!(writer.append(Expected::NoStream, longer).await, writer.conflict(Some(0)));
    assert_eq!(ids(&writer.history().await), proposed_ids(&records));
}

/// A repeat is a repeat however far the stream has gone on.
pub async fn a_repeat_is_recognised_after_others_wrote(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    let (records, appended) = writer.write(&["two", "three"]).await;
    writer.write(&["four", "five"]).await;
    Writer::new(&store).write(&["elsewhere"]).await;
    let again = writer.append(Expected::Revision(Revision(0)), records).await;
    assert_eq!(again, Ok(appended));
    assert_eq!(writer.history().await.len(), 5);
}

/// Ids tell repeats apart and nothing else: where the belief is right, the append is new.
pub async fn an_id_is_written_again_where_the_belief_is_right(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    let (records, _) = writer.write(&["one"]).await;
    let (mut again, _) = writer.draft(&["one"]);
    again[0].id = records[0].id;
    let appended = writer.append(Expected::Revision(Revision(0)), again).await;
    assert_eq!(appended.map(|appended| appended.revision), Ok(Revision(1)));
    assert_eq!(ids(&writer.history().await), [records[0].id, records[0].id]);
}

/// A repeat is one only in the stream that it was first written to.
pub async fn a_repeat_in_another_stream_is_no_repeat(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    let (records, _) = writer.write(&["one"]).await;
    let mut other = Writer::new(&store);
    other.write(&["other"]).await;
    assert_eq!(other.append(Expected::NoStream, records).await, other.conflict(Some(0)));
}
