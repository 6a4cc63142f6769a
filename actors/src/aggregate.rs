//! An aggregate is three pure functions: `decide`, `evolve` (from [`Fold`]) and `next`.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::Hash;

use events::{Category, Event, Fold, Timestamp};

/// What a state asks of the world, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next<E> {
    /// These, now; then ask again.
    Do(Vec<E>),
    /// Nothing before this moment.
    Wait(Timestamp),
    /// Nothing.
    Idle,
}

/// What a state may owe to the world.
pub trait Effect: Clone + fmt::Debug + Send + 'static {
    /// Names it among all that one state owes.
    type Key: Copy + Ord + fmt::Debug + Send;

    /// Its name.
    fn key(&self) -> Self::Key;
}

/// The effect of an aggregate that owes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {}

impl Effect for Nothing {
    type Key = ();

    fn key(&self) {
        match *self {}
    }
}

/// A state that decides.
///
/// `decide` may refuse; a repeated command yields no events, not an error. Time, ids and chance
/// come in on the command.
pub trait Aggregate: Fold<Event: Into<Event> + Clone> + Clone + Send + 'static {
    /// Which streams hold its events.
    const CATEGORY: Category;

    /// Whether the end of its stream is all that it needs: its events make no state.
    const STATELESS: bool = false;

    /// The version of the shape and meaning of what is kept of its state; none where streams are
    /// short enough to be read whole whenever an actor wakes. Whoever changes what the state holds,
    /// or how events change it, raises this.
    const KEPT: Option<u32> = None;

    /// Which one of them.
    type Id: Copy + Eq + Hash + fmt::Display + fmt::Debug + Send + Sync + 'static;
    /// What can be asked of it.
    type Command: Send + 'static;
    /// What it tells whoever asked, once the events are written.
    type Answer: Send + 'static;
    /// What it may owe.
    type Effect: Effect;
    /// Why it says no.
    type Rejection: std::error::Error + Send + 'static;

    /// The event as this aggregate knows it; none when it is of another category.
    fn narrow(event: Event) -> Option<Self::Event>;

    /// Its state as bytes, where [`Self::KEPT`] says that they are kept.
    fn pack(&self) -> Option<Vec<u8>> {
        None
    }

    /// The state that was packed; none when the bytes are not one.
    fn unpack(bytes: &[u8]) -> Option<Self> {
        let _ = bytes;
        None
    }

    /// When the event was recorded that it evolves with next; for those who tell times.
    fn recorded_at(&mut self, at: Timestamp) {
        let _ = at;
    }

    /// What the command brings about.
    ///
    /// # Errors
    /// The rejection, when the domain says no.
    fn decide(&self, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// What whoever asked is told, after the command's events.
    fn answer(&self, command: &Self::Command) -> Self::Answer;

    /// What is owed at this moment, beside what is already under way (`busy`): no more than `most`
    /// of it, which is at least one.
    fn next(
        &self,
        now: Timestamp,
        busy: &BTreeSet<<Self::Effect as Effect>::Key>,
        most: usize,
    ) -> Next<Self::Effect> {
        let _ = (now, busy, most);
        Next::Idle
    }
}
