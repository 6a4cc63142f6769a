//! Records for tests of what is kept of a log in memory.

use bytes::Bytes;
use events::{EventId, Hash, Position, Record, Revision, StreamName, Timestamp};
use uuid::Uuid;

/// One of a KiB at this position.
pub(super) fn record(position: u64) -> Record {
    Record {
        position: Position(position),
        stream: StreamName::from_log("platform-1"),
        revision: Revision(position),
        id: EventId(Uuid::from_u128(position.into())),
        kind: "platform.event_received".into(),
        version: 1,
        at: Timestamp::default(),
        metadata: Bytes::new(),
        data: Bytes::from(vec![0; 1024]),
        hash: Hash::ROOT,
    }
}
