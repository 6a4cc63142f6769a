//! Knowing that the log grew: woken by what this process writes, and by a short poll for what
//! others do.
//!
//! The client's subscriptions are not used: one that the server ends cleanly spins a core for ever,
//! where no deadline can fire. Reading from a position of our own cannot.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use events::Position;
use tokio::sync::watch;
use tokio::time::sleep;

use super::EventStoreDb;

/// How often the server is asked whether somebody else has written.
const POLL_EVERY: Duration = Duration::from_millis(200);

/// As many stretches of others' events as are remembered.
const GAPS_MAX: usize = 1000;

/// What is known about the end of the log, and where nothing of it stands.
#[derive(Default)]
pub(super) struct Growth {
    /// The last position of ours that this process has written or read.
    known: watch::Sender<Position>,
    ends: Mutex<Ends>,
    /// Between records of ours, where the server took long to look at what is others': from the
    /// one to the next.
    gaps: Mutex<BTreeMap<Position, Position>>,
}

/// Between `from` and `to` stands nothing of ours: on a cluster with busy neighbours nobody reads
/// over their events again and again.
#[derive(Debug, Default, Clone, Copy)]
struct Ends {
    from: Position,
    to: Position,
    /// The last position of the server that was seen, whosesoever it is.
    seen: Position,
}

impl Growth {
    /// Something of ours stands there.
    pub(super) fn know(&self, position: Position) {
        self.known.send_if_modified(|last| {
            let grown = position > *last;
            *last = position.max(*last);
            grown
        });
    }

    /// The last position of ours that is known here: the head is there or behind it.
    pub(super) fn known(&self) -> Position {
        *self.known.borrow()
    }

    /// The server's last position as it was seen last.
    pub(super) fn seen(&self) -> Position {
        self.ends().seen
    }

    /// Where reading behind a position may begin.
    pub(super) fn from(&self, behind: Position) -> Position {
        let ends = self.ends();
        if ends.from <= behind && behind < ends.to {
            return ends.to;
        }
        let gap = self.gaps().range(..=behind).next_back().map(|(_, to)| *to);
        gap.filter(|to| behind < *to).unwrap_or(behind)
    }

    /// Between the two stands nothing of ours, for whatever is written comes behind them.
    pub(super) fn skip(&self, from: Position, to: Position) {
        let mut gaps = self.gaps();
        gaps.insert(from, to);
        if gaps.len() > GAPS_MAX {
            gaps.pop_first();
        }
    }

    /// The next record behind a position that such a stretch follows.
    pub(super) fn gap_behind(&self, from: Position) -> Option<Position> {
        self.gaps().range((Excluded(from), Unbounded)).next().map(|(at, _)| *at)
    }

    fn gaps(&self) -> MutexGuard<'_, BTreeMap<Position, Position>> {
        self.gaps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reading has come to the end, and that is behind what was seen before it began.
    pub(super) fn quiet(&self, from: Position, seen: Position) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if seen > from && seen >= ends.to {
            (ends.from, ends.to) = (from, seen);
        }
    }

    fn see(&self, position: Position) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.seen = ends.seen.max(position);
    }

    fn ends(&self) -> Ends {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventStoreDb {
    /// Returns when there may be more behind the position, or the server cannot be asked.
    pub(super) async fn wait_for_growth(&self, behind: Position) {
        let mut known = self.growth.known.subscribe();
        loop {
            if *known.borrow_and_update() > behind {
                return;
            }
            tokio::select! {
                _ = known.changed() => {}
                () = sleep(POLL_EVERY) => {
                    match self.server_position().await {
                        Ok(position) if position > self.growth.from(behind) => {
                            self.growth.see(position);
                            return;
                        }
                        Ok(_) => {}
                        Err(_) => return,
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_to_be_foreign_is_not_read_again() {
        let growth = Growth::default();
        growth.see(Position(90));
        growth.quiet(Position(40), growth.seen());
        assert_eq!(growth.from(Position(40)), Position(90));
        assert_eq!(growth.from(Position(60)), Position(90));
        assert_eq!(growth.from(Position(39)), Position(39), "ours may stand behind it");
        assert_eq!(growth.from(Position(90)), Position(90));
        assert_eq!(growth.from(Position(95)), Position(95));
    }

    #[test]
    fn a_stretch_of_others_is_passed_over_from_anywhere_in_it() {
        let growth = Growth::default();
        growth.skip(Position(40), Position(90));
        for (behind, from) in [(39, 39), (40, 90), (60, 90), (90, 90), (95, 95)] {
            assert_eq!(growth.from(Position(behind)), Position(from));
        }
        assert_eq!(growth.gap_behind(Position(39)), Some(Position(40)));
        assert_eq!(growth.gap_behind(Position(40)), None);
    }

    #[test]
    fn only_what_was_seen_before_reading_is_known_to_be_quiet() {
        let growth = Growth::default();
        growth.quiet(Position(40), growth.seen());
        assert_eq!(growth.from(Position(40)), Position(40));
    }
}
