//! A projection is a fold over the whole log, with a name and a version for its snapshots.

use events::{Event, Fold, Position, Recorded, Until};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A fold of records that can be shown, saved and thrown away.
///
/// Folding a record again, or one from before it, changes nothing: each remembers how far it has
/// [`Seen`]. What it shows of one subject depends on that subject's records alone, so that the
/// past of one is told from its own streams.
pub trait Projection:
    Fold<Event = Recorded<Event>> + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Names its snapshot.
    const NAME: &'static str;
    /// Raised with every change of its shape or its meaning: snapshots of another version are
    /// thrown away.
    const VERSION: u32;
}

/// How far a fold has seen the log.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seen(Position);

impl Seen {
    /// Whether a record of this position is news; it is no more from then on.
    pub fn is_news(&mut self, position: Position) -> bool {
        let news = position > self.0;
        if news {
            self.0 = position;
        }
        news
    }
}

/// The projection of that much of a history, which is in the order of the log.
pub fn replay<'a, P: Projection>(
    history: impl IntoIterator<Item = &'a Recorded<Event>>,
    until: Until,
) -> P {
    let mut projection = P::default();
    for record in history.into_iter().filter(|record| until.includes(record)) {
        projection.evolve(record);
    }
    projection
}
