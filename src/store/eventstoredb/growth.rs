//! Knowing that the log grew: woken by what this process writes, and by a short poll for what
//! others do.
//!
//! The client's subscriptions are not used: one that the server ends cleanly spins a core for ever,
//! where no deadline can fire. Reading from a position of our own cannot.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use events::Position;
use tokio::sync::watch;
use tokio::time::sleep;

use super::EventStoreDb;
use super::connection::Node;

/// How often the server is asked whether somebody else has written.
const POLL_EVERY: Duration = Duration::from_millis(200);

/// What is known about the end of the log.
#[derive(Default)]
pub(super) struct Growth {
    /// The last position of ours that this process has written or read.
    known: watch::Sender<Position>,
    ends: Mutex<Ends>,
}

/// The last position of the server that was seen, whosesoever it is, and on which node.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) position: Position,
    pub(super) by: Node,
}

/// Between `from` and `to` stands nothing of ours: on a cluster with busy neighbours nobody reads
/// over their events again and again.
#[derive(Debug, Default, Clone, Copy)]
struct Ends {
    from: Position,
    to: Position,
    seen: Seen,
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
    pub(super) fn seen(&self) -> Seen {
        self.ends().seen
    }

    /// Where reading behind a position may begin.
    pub(super) fn from(&self, behind: Position) -> Position {
        let ends = self.ends();
        if ends.from <= behind && behind < ends.to { ends.to } else { behind }
    }

    /// Reading has come to the end, and that is behind what was seen before it began. What was
    /// seen on one node tells nothing of another, which may end before that: it still believes that
    /// it leads, or has only begun to.
    pub(super) fn quiet(&self, from: Position, seen: Seen, by: Node) {
        if seen.by != by || by == Node::default() {
            return;
        }
        let seen = seen.position;
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if seen > from && seen >= ends.to {
            // Where it began within what is known to be foreign, all of that still is.
            if !(ends.from..=ends.to).contains(&from) {
                ends.from = from;
            }
            ends.to = seen;
        }
    }

    fn see(&self, seen: Seen) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.by != ends.seen.by || seen.position > ends.seen.position {
            ends.seen = seen;
        }
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
                        Ok(seen) if seen.position > self.growth.from(behind) => {
                            self.growth.see(seen);
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

    fn seen(position: u64) -> Seen {
        Seen { position: Position(position), by: Node(1) }
    }

    #[test]
    fn what_is_known_to_be_foreign_is_not_read_again() {
        let growth = Growth::default();
        growth.see(seen(90));
        growth.quiet(Position(40), growth.seen(), Node(1));
        assert_eq!(growth.from(Position(40)), Position(90));
        assert_eq!(growth.from(Position(60)), Position(90));
        assert_eq!(growth.from(Position(39)), Position(39), "ours may stand behind it");
        assert_eq!(growth.from(Position(90)), Position(90));
        assert_eq!(growth.from(Position(95)), Position(95));
    }

    #[test]
    fn what_turns_out_to_be_foreign_behind_it_is_added_to_it() {
        let growth = Growth::default();
        growth.quiet(Position(40), seen(90), Node(1));
        growth.quiet(Position(90), seen(200), Node(1));
        for (behind, from) in [(39, 39), (40, 200), (90, 200), (199, 200), (200, 200)] {
            assert_eq!(growth.from(Position(behind)), Position(from));
        }
        growth.quiet(Position(210), seen(300), Node(1));
        assert_eq!(growth.from(Position(40)), Position(40), "ours stands in between");
        assert_eq!(growth.from(Position(210)), Position(300));
    }

    #[test]
    fn only_what_was_seen_before_reading_is_known_to_be_quiet() {
        let growth = Growth::default();
        growth.quiet(Position(40), growth.seen(), Node(0));
        assert_eq!(growth.from(Position(40)), Position(40));
    }

    #[test]
    fn what_one_node_has_seen_is_not_quiet_because_another_ends_before_it() {
        let growth = Growth::default();
        growth.see(seen(90));
        growth.quiet(Position(40), growth.seen(), Node(2));
        assert_eq!(growth.from(Position(40)), Position(40), "ours may stand where this one ends");
        growth.see(Seen { position: Position(60), by: Node(2) });
        growth.quiet(Position(40), growth.seen(), Node(2));
        assert_eq!(growth.from(Position(40)), Position(60), "so far it has seen itself");
    }

    #[test]
    fn what_nobody_knows_the_node_of_is_never_quiet() {
        let growth = Growth::default();
        growth.see(Seen { position: Position(90), by: Node::default() });
        growth.quiet(Position(40), growth.seen(), Node::default());
        assert_eq!(growth.from(Position(40)), Position(40));
    }
}
