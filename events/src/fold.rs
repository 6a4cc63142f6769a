//! State is a fold of events, and time travel is a fold that stops early.

use crate::{Position, Recorded, Timestamp};

/// A value that events make. `evolve` may not refuse and has no policy.
pub trait Fold: Default {
    /// What it is made of.
    type Event;

    /// Takes one event in: what is true now.
    fn evolve(&mut self, event: &Self::Event);
}

/// How far into a history to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// To its end.
    Now,
    /// To this moment, inclusive.
    Time(Timestamp),
    /// To this position, inclusive.
    Position(Position),
}

impl Until {
    /// Whether a record lies within.
    pub fn includes<E>(self, record: &Recorded<E>) -> bool {
        self.covers(record.position, record.at)
    }

    /// Whether a record of this position and time lies within.
    pub fn covers(self, position: Position, at: Timestamp) -> bool {
        match self {
            Self::Now => true,
            Self::Time(until) => at <= until,
            Self::Position(until) => position <= until,
        }
    }
}

/// Folds that much of a history.
pub fn replay<'a, F>(history: impl IntoIterator<Item = &'a Recorded<F::Event>>, until: Until) -> F
where
    F: Fold,
    F::Event: 'a,
{
    let mut state = F::default();
    for record in history.into_iter().filter(|record| until.includes(record)) {
        state.evolve(&record.event);
    }
    state
}
