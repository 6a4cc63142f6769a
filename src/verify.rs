//! Reads a whole log, whichever engine holds it: does all of it decode, and is it unbroken?

use std::collections::HashMap;

use events::store::{Bounds, PAGE_MAX, Tail};
use events::{BrokenChain, EventStore, Failure, Position, Record, StreamName, Undecodable};

/// What an engine promises about the positions it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Positions {
    /// 1, 2, 3 ...: a missing number is a missing record, or one that truncation removed: the
    /// engine tells how many of those there are. The embedded log's are such.
    Dense,
    /// Each greater than the one before.
    Growing,
}

/// How far verification has come, and at the end what there was.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Records that were good.
    pub records: u64,
    /// Streams that they belong to.
    pub streams: u64,
    /// Where the last good one stands.
    pub position: Position,
}

/// Why a log could not be called good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// The log is bad: this is the first bad position.
    #[error("the log is bad at position {position}: {problem}")]
    Bad {
        /// Where. An engine that cannot read on may not know it exactly; then it is the first
        /// position behind the last that could be read.
        position: Position,
        /// What is wrong there.
        problem: Problem,
    },
    /// The log could not be read just now, which says nothing about it.
    #[error(transparent)]
    Unread(Failure),
}

/// What can be wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The engine cannot read it.
    #[error("{0}")]
    Unreadable(String),
    /// A position is out of order.
    #[error("it stands behind position {0}")]
    Order(Position),
    /// A record that must have been there is not.
    #[error("the record is missing; the next one has position {0}")]
    Missing(Position),
    /// The record does not follow from its predecessor.
    #[error(transparent)]
    Broken(#[from] BrokenChain),
    /// The record has no meaning.
    #[error(transparent)]
    Undecodable(#[from] Undecodable),
    /// Who did it and why cannot be told.
    #[error("the metadata cannot be decoded: {0}")]
    Metadata(String),
}

/// Reads the whole log, and tells `progress` after each page.
///
/// # Errors
/// The first bad position, or why the log could not be read.
pub async fn verify(
    store: &dyn EventStore,
    positions: Positions,
    mut progress: impl FnMut(&Report),
) -> Result<Report, Unverified> {
    let mut walk = Walk::new(store, positions);
    loop {
        let page = page(store, walk.seen).await?;
        if page.is_empty() {
            return Ok(walk.report);
        }
        for record in page {
            walk.step(record).await?;
        }
        progress(&walk.report);
    }
}

/// The next page; where it has a bad place in it, what stands before that place.
async fn page(store: &dyn EventStore, behind: Position) -> Result<Vec<Record>, Unverified> {
    let mut limit = PAGE_MAX;
    loop {
        match store.read_all(behind, limit).await {
            Ok(page) => return Ok(page),
            Err(Failure::Corrupt { reason, .. }) if limit == 1 => {
                let (position, problem) = (Position(behind.0 + 1), Problem::Unreadable(reason));
                return Err(Unverified::Bad { position, problem });
            }
            Err(Failure::Corrupt { .. }) => limit /= 2,
            Err(
                failure @ (Failure::Unavailable { .. }
                | Failure::Conflict { .. }
                | Failure::Size { .. }),
            ) => return Err(Unverified::Unread(failure)),
        }
    }
}

struct Walk<'a> {
    store: &'a dyn EventStore,
    positions: Positions,
    report: Report,
    tails: HashMap<StreamName, Tail>,
    bounds: Bounds,
    /// Where the last record stands, good or removed.
    seen: Position,
    /// As many positions as were missing.
    gaps: u64,
}

impl<'a> Walk<'a> {
    fn new(store: &'a dyn EventStore, positions: Positions) -> Self {
        let (report, seen, gaps) = (Report::default(), Position::START, 0);
        let (tails, bounds) = (HashMap::new(), Bounds::default());
        Self { store, positions, report, tails, bounds, seen, gaps }
    }

    async fn step(&mut self, record: Record) -> Result<(), Unverified> {
        let position = record.position;
        let bad = |problem| Unverified::Bad { position, problem };
        let next = Position(self.seen.0 + 1);
        if position < next {
            return Err(bad(Problem::Order(self.seen)));
        }
        if self.positions == Positions::Dense && position != next {
            self.gaps += position.0 - next.0;
            // Asked anew each time: more may be removed while this is read.
            if self.gaps > self.store.removed().await.map_err(Unverified::Unread)? {
                return Err(Unverified::Bad {
                    position: next,
                    problem: Problem::Missing(position),
                });
            }
        }
        self.seen = position;
        if !self.is_there(&record).await.map_err(Unverified::Unread)? {
            return Ok(());
        }
        self.check(record).map_err(bad)
    }

    /// Whether the record counts: an engine may still show what was removed. Where one does not
    /// follow the last of its stream, what lay between may have been removed.
    async fn is_there(&mut self, record: &Record) -> Result<bool, Failure> {
        let tail = self.tails.get(&record.stream).copied().unwrap_or_default();
        if record.revision == tail.expected().first() {
            return Ok(true);
        }
        let Some(bound) = self.bounds.anew(self.store, &record.stream).await? else {
            return Ok(true);
        };
        if record.revision == bound.first {
            self.tails.insert(record.stream.clone(), bound.tail());
        }
        Ok(record.revision >= bound.first)
    }

    fn check(&mut self, record: Record) -> Result<(), Problem> {
        let tail = match self.tails.get_mut(&record.stream) {
            Some(tail) => tail,
            None => self.tails.entry(record.stream.clone()).or_default(),
        };
        tail.follow(&record)?;
        let recorded = record.decode()?;
        recorded.metadata().map_err(|error| Problem::Metadata(error.to_string()))?;
        self.report.records += 1;
        self.report.streams = self.tails.len() as u64;
        self.report.position = recorded.position;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
