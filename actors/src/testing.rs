//! Given these events, when this is asked, then these happen: a word for each decision's test.

mod clock;
pub(crate) mod outbound;
pub(crate) mod probe;
mod store;

use std::collections::BTreeSet;
use std::fmt::Debug;

use events::Timestamp;

use crate::aggregate::{Aggregate, Effect, Next};

pub(crate) use clock::{NOON, TestClock, pass};
pub(crate) use store::{Forgery, STALL, TestStore, world};

/// An aggregate with a history.
pub(crate) fn given<A: Aggregate>(history: impl IntoIterator<Item: Into<A::Event>>) -> Given<A> {
    let mut state = A::default();
    for event in history {
        state.evolve(&event.into());
    }
    Given { state }
}

/// An aggregate without one.
pub(crate) fn fresh<A: Aggregate>() -> Given<A> {
    Given { state: A::default() }
}

/// See [`given`].
#[derive(Debug)]
pub(crate) struct Given<A> {
    state: A,
}

impl<A: Aggregate> Given<A> {
    /// Asks it.
    #[must_use]
    pub(crate) fn when(mut self, command: impl Into<A::Command>) -> Decided<A> {
        let outcome = self.state.decide(&command.into());
        for event in outcome.iter().flatten() {
            self.state.evolve(event);
        }
        Decided { state: self.state, outcome }
    }

    /// The state that the history made.
    pub(crate) fn state(&self) -> &A {
        &self.state
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Decided<A: Aggregate> {
    state: A,
    outcome: Result<Vec<A::Event>, A::Rejection>,
}

impl<A> Decided<A>
where
    A: Aggregate<Event: PartialEq + Debug, Rejection: PartialEq, Effect: PartialEq>,
{
    /// Exactly these happened.
    ///
    /// # Panics
    /// When something else did.
    pub(crate) fn then(self, events: impl IntoIterator<Item: Into<A::Event>>) -> Self {
        let expected: Vec<A::Event> = events.into_iter().map(Into::into).collect();
        assert_eq!(self.outcome, Ok(expected));
        self
    }

    /// Nothing happened, and that is no error.
    ///
    /// # Panics
    /// When something did.
    pub(crate) fn then_nothing(self) -> Self {
        assert_eq!(self.outcome, Ok(vec![]));
        self
    }

    /// It was refused.
    ///
    /// # Panics
    /// When it was not, or for another reason.
    pub(crate) fn then_refused(self, rejection: &A::Rejection) -> Self {
        assert_eq!(self.outcome.as_ref(), Err(rejection));
        self
    }

    /// This is owed now.
    ///
    /// # Panics
    /// When something else is.
    pub(crate) fn then_owes(self, now: Timestamp, next: &Next<A::Effect>) -> Self {
        assert_eq!(self.state.next(now, &nothing_under_way::<A>(), 1), *next);
        self
    }

    /// Asks it after that.
    #[must_use]
    pub(crate) fn and_when(self, command: impl Into<A::Command>) -> Self {
        Given { state: self.state }.when(command)
    }
}

fn nothing_under_way<A: Aggregate>() -> BTreeSet<<A::Effect as Effect>::Key> {
    BTreeSet::new()
}
