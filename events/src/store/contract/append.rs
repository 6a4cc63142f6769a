//! What an append promises: all or nothing, where the writer believes, within the limits.

use std::sync::Arc;

use bytes::Bytes;

use super::Writer;
use super::writer::{ids, proposed_ids};
use crate::{EventStore, Expected, Failure, Proposed, Revision};

/// The first record of a stream has revision 0, and the answer says where it stands.
pub async fn a_new_stream_begins_at_revision_zero(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    let (records, appended) = writer.write(&["one"]).await;
    assert_eq!(appended.revision, Revision::FIRST);
    let history = writer.history().await;
    assert_eq!(ids(&history), proposed_ids(&records));
    assert_eq!(history[0].position, appended.position);
}

/// Who believes that there is no stream is told where it is.
pub async fn a_new_stream_is_refused_where_one_exists(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    writer.write(&["one", "two"]).await;
    let (records, _) = writer.draft(&["three"]);
    assert_eq!(writer.append(Expected::NoStream, records).await, writer.conflict(Some(1)));
}

/// Who knows the end writes behind it.
pub async fn the_exact_revision_is_accepted(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    let (records, _) = writer.draft(&["two", "three"]);
    let appended = writer.append(Expected::Revision(Revision(0)), records).await;
    assert_eq!(appended.map(|appended| appended.revision), Ok(Revision(2)));
}

/// Who missed a record is told where the stream is.
pub async fn a_stale_revision_is_refused(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    writer.write(&["one", "two", "three"]).await;
    let (records, _) = writer.draft(&["four"]);
    let stale = Expected::Revision(Revision(1));
    assert_eq!(writer.append(stale, records).await, writer.conflict(Some(2)));
}

/// Who believes in records that are not there is told where the stream is.
pub async fn a_future_revision_is_refused(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    let (records, _) = writer.draft(&["two"]);
    let future = Expected::Revision(Revision(1));
    assert_eq!(writer.append(future, records).await, writer.conflict(Some(0)));
}

/// Who believes in a stream that is not there is told so.
pub async fn a_missing_stream_has_no_revision(store: Arc<dyn EventStore>) {
    let writer = Writer::new(&store);
    let (records, _) = writer.draft(&["one"]);
    let future = Expected::Revision(Revision(0));
    assert_eq!(writer.append(future, records).await, writer.conflict(None));
    assert!(writer.history().await.is_empty());
}

/// A refused append leaves nothing behind, and does not stand in the way of the next.
pub async fn a_refused_append_writes_nothing(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    let (first, appended) = writer.write(&["one"]).await;
    let (refused, _) = writer.draft(&["two", "three"]);
    assert_eq!(writer.append(Expected::NoStream, refused).await, writer.conflict(Some(0)));
    assert_eq!(ids(&writer.history().await), proposed_ids(&first));
    let (second, _) = writer.write(&["four"]).await;
    let behind = writer.in_log(appended.position).await;
    assert_eq!(ids(&behind), proposed_ids(&second));
}

/// A batch stands in the stream without a gap, in its order.
pub async fn a_batch_gets_consecutive_revisions_and_growing_positions(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    let (batch, appended) = writer.write(&["two", "three", "four"]).await;
    let history = writer.history().await;
    assert_eq!(ids(&history[1..]), proposed_ids(&batch));
    let revisions: Vec<_> = history.iter().map(|record| record.revision.0).collect();
    assert_eq!(revisions, [0, 1, 2, 3]);
    assert!(history.is_sorted_by(|one, next| one.position < next.position));
    let last = &history[3];
    assert_eq!((appended.revision, appended.position), (last.revision, last.position));
}

/// There is no such thing as writing nothing.
pub async fn an_empty_append_is_refused(store: Arc<dyn EventStore>) {
    let writer = Writer::new(&store);
    let refused = writer.append(Expected::NoStream, vec![]).await;
    assert_eq!(refused, Err(Failure::Size { bytes: 0, limit: store.append_bytes_max() }));
}

/// Too much is refused whole, and nothing of it is written.
pub async fn an_append_over_the_limit_is_refused_before_writing(store: Arc<dyn EventStore>) {
    let writer = Writer::new(&store);
    let limit = store.append_bytes_max();
    let records = padded(&writer, limit + 1);
    let refused = writer.append(Expected::NoStream, records).await;
    assert_eq!(refused, Err(Failure::Size { bytes: limit + 1, limit }));
    assert!(writer.history().await.is_empty());
}

/// The limit itself may be written.
pub async fn an_append_at_the_limit_is_written(store: Arc<dyn EventStore>) {
    let writer = Writer::new(&store);
    let limit = store.append_bytes_max();
    let records = padded(&writer, limit);
    let appended = writer.append(Expected::NoStream, records).await;
    assert_eq!(appended.map(|appended| appended.revision), Ok(Revision(1)));
    let written = writer.history().await;
    let bytes: usize = written.iter().map(|record| record.metadata.len() + record.data.len()).sum();
    assert_eq!(bytes, limit);
}

/// Two records of so many bytes together.
fn padded(writer: &Writer, bytes: usize) -> Vec<Proposed> {
    let (mut records, _) = writer.draft(&["one", "two"]);
    let rest = bytes - records.iter().map(Proposed::size).sum::<usize>();
    let data = [&records[1].data[..], &vec![b'x'; rest]].concat();
    records[1].data = Bytes::from(data);
    records
}
