//! Where a truncated stream begins, and what its chain goes on from.

use std::collections::HashMap;

use super::{EventStore, Tail};
use crate::{Category, Failure, Hash, Record, Revision, StreamName, Timestamp};

/// The beginning of a truncated stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The first record that is there.
    pub first: Revision,
    /// The hash of the record before it, the last that was removed.
    pub previous: Hash,
}

impl Bound {
    /// The end that the first record follows from.
    pub fn tail(self) -> Tail {
        let revision = self.first.0.checked_sub(1).map(Revision);
        Tail { revision, hash: self.previous, at: Timestamp::from_micros(i64::MIN) }
    }
}

/// The bounds of many streams, for whoever reads a whole log: each is asked for once, and anew
/// where a chain breaks, because streams may be truncated meanwhile.
#[derive(Default)]
pub struct Bounds(HashMap<StreamName, Option<Bound>>);

impl Bounds {
    /// Where the stream began when it was asked for first.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn of(
        &mut self,
        store: &dyn EventStore,
        stream: &StreamName,
    ) -> Result<Option<Bound>, Failure> {
        if !may_be_truncated(stream) {
            return Ok(None);
        }
        match self.0.get(stream) {
            Some(known) => Ok(*known),
            None => self.anew(store, stream).await,
        }
    }

    /// Where the stream begins now.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn anew(
        &mut self,
        store: &dyn EventStore,
        stream: &StreamName,
    ) -> Result<Option<Bound>, Failure> {
        let bound = store.bound(stream).await?;
        self.0.insert(stream.clone(), bound);
        Ok(bound)
    }

    /// Whether a record is one that was removed and is shown nevertheless.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn hides(
        &mut self,
        store: &dyn EventStore,
        record: &Record,
    ) -> Result<bool, Failure> {
        let bound = self.of(store, &record.stream).await?;
        Ok(bound.is_some_and(|bound| record.revision < bound.first))
    }
}

/// Whether streams like this one are ever truncated: those that grow with traffic.
fn may_be_truncated(stream: &StreamName) -> bool {
    [Category::Ledger, Category::Platform].iter().any(|it| it.as_str() == stream.category())
}
