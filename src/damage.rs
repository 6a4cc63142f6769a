//! The first record of a stream that cannot be told: it is not what was written, or means nothing.

use events::{Position, Record, StreamName};

/// Where a stream stops being told, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{stream} cannot be told from position {position} on: {reason}")]
pub struct Damage {
    /// Whose history.
    pub stream: StreamName,
    /// Where in the log. An engine that cannot read on may not know it exactly; then it is the
    /// first position behind the last that could be read.
    pub position: Position,
    /// Why, for people.
    pub reason: String,
}

impl Damage {
    /// That this record is the one.
    pub fn at(record: &Record, reason: &dyn std::error::Error) -> Self {
        let (stream, position) = (record.stream.clone(), record.position);
        Self { stream, position, reason: reason.to_string() }
    }
}
