//! A projection as readers share it: the fold, how far it has come, and waiting for more.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use events::{Event, Hash, Position, Recorded, Timestamp};
use tokio::sync::watch;

use crate::Projection;
use events::snapshot::{self, Header, Useless};

/// A handle on one projection; clones show the same.
pub struct View<P> {
    shared: Arc<Shared<P>>,
}

struct Shared<P> {
    now: RwLock<Now<P>>,
    position: watch::Sender<Position>,
}

struct Now<P> {
    projection: P,
    position: Position,
    as_of: Option<Timestamp>,
    hash: Hash,
}

impl<P: Projection> Default for Now<P> {
    fn default() -> Self {
        let (projection, position) = (P::default(), Position::START);
        Self { projection, position, as_of: None, hash: Hash::ROOT }
    }
}

/// How far the log was read: the last record, decoded or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) position: Position,
    pub(crate) at: Timestamp,
    pub(crate) hash: Hash,
}

/// A view held still; drop it soon, because folding waits for it.
pub struct Reading<'a, P>(RwLockReadGuard<'a, Now<P>>);

/// The view did not come that far in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the view {view} stands at position {seen} and has not reached {wanted}")]
pub struct Late {
    /// Which view.
    pub view: &'static str,
    /// How far it was to come.
    pub wanted: Position,
    /// How far it came.
    pub seen: Position,
}

impl<P> Clone for View<P> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<P: Projection> Default for View<P> {
    fn default() -> Self {
        let now = RwLock::new(Now::default());
        let position = watch::Sender::new(Position::START);
        Self { shared: Arc::new(Shared { now, position }) }
    }
}

impl<P: Projection> fmt::Debug for View<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({} at {})", P::NAME, self.position())
    }
}

impl<P> Reading<'_, P> {
    /// The position of the last record it has seen.
    pub fn position(&self) -> Position {
        self.0.position
    }

    /// The time of that record; none before the first.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.0.as_of
    }
}

impl<P> Deref for Reading<'_, P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.0.projection
    }
}

impl<P: Projection> View<P> {
    /// The view with position and time, all of one moment. Must not be held across an await.
    pub fn reading(&self) -> Reading<'_, P> {
        Reading(self.shared.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the view.
    pub fn read<R>(&self, look: impl FnOnce(&P) -> R) -> R {
        look(&self.reading())
    }

    /// The position of the last record it has seen.
    pub fn position(&self) -> Position {
        *self.shared.position.borrow()
    }

    /// Waits until the view has seen this position.
    ///
    /// # Errors
    /// [`Late`] when it has not within `timeout`.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> Result<(), Late> {
        let mut positions = self.shared.position.subscribe();
        // The sender lives in self: the wait ends by reaching the position or by the timeout.
        let reached = positions.wait_for(|seen| *seen >= position);
        match tokio::time::timeout(timeout, reached).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Late { view: P::NAME, wanted: position, seen: self.position() }),
        }
    }

    fn writing(&self) -> RwLockWriteGuard<'_, Now<P>> {
        self.shared.now.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, now: Now<P>) {
        let position = now.position;
        let old = std::mem::replace(&mut *self.writing(), now);
        self.shared.position.send_replace(position);
        drop(old);
    }
}

/// Any view, as the runner sees it.
pub(crate) trait Folding: Send + Sync {
    fn name(&self) -> &'static str;

    fn position(&self) -> Position;

    /// The hash of the record at that position.
    fn hash(&self) -> Hash;

    /// Takes in those records that it has not seen, and how far the log was read.
    fn fold(&self, records: &[Recorded<Event>], mark: Mark);

    /// Its snapshot.
    fn save(&self) -> Result<Vec<u8>, postcard::Error>;

    /// Begins from a snapshot of a log that ends at `head`.
    fn restore(&self, bytes: &[u8], head: Position) -> Result<(), Useless>;

    /// Begins anew.
    fn reset(&self);
}

impl<P: Projection> Folding for View<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn position(&self) -> Position {
        self.position()
    }

    fn hash(&self) -> Hash {
        self.reading().0.hash
    }

    fn fold(&self, records: &[Recorded<Event>], mark: Mark) {
        let Mark { position, at, hash } = mark;
        let mut now = self.writing();
        if position <= now.position {
            return;
        }
        let seen = now.position;
        for record in records.iter().skip_while(|record| record.position <= seen) {
            now.projection.evolve(record);
        }
        now.position = position;
        now.as_of = now.as_of.max(Some(at));
        now.hash = hash;
        drop(now);
        self.shared.position.send_replace(position);
    }

    fn save(&self) -> Result<Vec<u8>, postcard::Error> {
        let now = self.reading();
        let (position, as_of) = (now.position(), now.as_of());
        let (name, version, hash) = (P::NAME.to_owned(), P::VERSION, now.0.hash.0);
        let header = Header { name, version, position, as_of, hash };
        snapshot::encode(&header, &*now)
    }

    fn restore(&self, bytes: &[u8], head: Position) -> Result<(), Useless> {
        let (header, projection) = snapshot::decode(bytes, (P::NAME, P::VERSION), head)?;
        let Header { position, as_of, hash, .. } = header;
        self.replace(Now { projection, position, as_of, hash: Hash(hash) });
        Ok(())
    }

    fn reset(&self) {
        self.replace(Now::default());
    }
}

#[cfg(test)]
mod tests;
