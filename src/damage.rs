//! The first record of a stream that cannot be told: it is not what was written, or means nothing.

use events::{EventStore, Failure, Position, Record, StreamName, untold_from};

use crate::past;

/// Where a stream stops being told, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{stream}: {}", untold_from(*position, reason))]
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

/// Why something is not told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] Failure),
    /// One of its records is not what was written, or means nothing to this build.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

/// What was read of these streams; where an engine could not read on, which record that is. It may
/// not say so, going back, and the streams are read from their beginnings, which only a damaged
/// log costs.
///
/// # Errors
/// When it was not read, or is damaged.
pub async fn named<T>(
    store: &dyn EventStore,
    streams: &[StreamName],
    read: Result<T, Failure>,
) -> Result<T, Untold> {
    let failure = match read {
        Ok(read) => return Ok(read),
        Err(failure @ Failure::Corrupt { .. }) => failure,
        Err(
            failure @ (Failure::Conflict { .. }
            | Failure::Size { .. }
            | Failure::Unavailable { .. }),
        ) => return Err(failure.into()),
    };
    for stream in streams {
        if let Some(damage) = past::damage(store, stream).await? {
            return Err(damage.into());
        }
    }
    Err(failure.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_stream_stops_is_said_as_its_actor_and_the_service_say_it() {
        let stream = StreamName::new(events::Category::Inbox, 42);
        let damage = Damage { stream, position: Position(7), reason: "it is torn".to_owned() };
        let untold = untold_from(Position(7), &"it is torn");
        assert_eq!(damage.to_string(), format!("inbox-42: {untold}"));
    }
}
