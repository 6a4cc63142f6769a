//! Writes histories into a log, for tests.

mod staged;

use events::store::{Draft, Proposed, Slice, Tail};
use events::{Actor, Event, EventStore, Metadata, Position, StreamName, Timestamp};
use uuid::Uuid;

pub(crate) use staged::Staged;

/// So many seconds after the epoch.
pub(crate) fn second(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// Appends an event that was decided at that second.
pub(crate) async fn append(
    store: &dyn EventStore,
    stream: &StreamName,
    event: impl Into<Event>,
    seconds: i64,
) -> Position {
    append_altered(store, stream, event, seconds, |_| {}).await
}

/// The same, with something about its record changed behind everybody's back.
pub(crate) async fn append_altered(
    store: &dyn EventStore,
    stream: &StreamName,
    event: impl Into<Event>,
    seconds: i64,
    alter: impl FnOnce(&mut Proposed),
) -> Position {
    let last = store.read_stream(stream, Slice::Before(None), 1).await.unwrap().pop();
    let tail = last.map_or_else(Tail::default, |last| Tail {
        revision: Some(last.revision),
        hash: last.hash,
        at: last.at,
    });
    let cause = Uuid::new_v4();
    let metadata =
        Metadata { correlation: cause, causation: cause, actor: Actor::ADMIN, account: None };
    let mut draft = Draft::new(stream, tail);
    draft.add(&event.into(), &metadata, second(seconds), 0);
    let (mut records, _) = draft.finish();
    alter(&mut records[0]);
    store.append(stream, tail.expected(), records).await.unwrap().position
}
