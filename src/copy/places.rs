//! Where records of the one log stand in the other.

use std::collections::VecDeque;

use events::store::Slice;
use events::{EventStore, Failure, Position, Record, Revision, StreamName};

/// The places of what was copied since the position that the fan-out's last fact reaches back to.
/// It tells one every thousand deliveries, so they stay few.
#[derive(Default)]
pub(super) struct Places(VecDeque<Place>);

struct Place {
    source: Position,
    stream: StreamName,
    revision: Revision,
    /// None where only the last of an append is told, and nobody has asked yet.
    target: Option<Position>,
}

impl Places {
    pub(super) fn add(&mut self, record: &Record, target: Option<Position>) {
        let (source, stream) = (record.position, record.stream.clone());
        self.0.push_back(Place { source, stream, revision: record.revision, target });
    }

    /// Nothing before this position is asked for any more.
    pub(super) fn forget_before(&mut self, position: Position) {
        let known = self.0.partition_point(|place| place.source <= position);
        self.0.drain(..known.saturating_sub(1));
    }

    /// The target's position for one of the source; of the record before it, where none stands
    /// there: what the fan-out does twice is known by its id.
    pub(super) async fn of(
        &self,
        position: Position,
        target: &dyn EventStore,
    ) -> Result<Position, Failure> {
        let known = self.0.partition_point(|place| place.source <= position);
        let Some(place) = known.checked_sub(1).and_then(|last| self.0.get(last)) else {
            return Ok(Position::START);
        };
        if let Some(known) = place.target {
            return Ok(known);
        }
        let page = target.read_stream(&place.stream, Slice::From(place.revision), 1).await?;
        let found = page.first().map(|record| record.position);
        found.ok_or_else(|| {
            let reason = format!("{} does not show what was copied to it", place.stream);
            Failure::Unavailable { reason }
        })
    }
}
