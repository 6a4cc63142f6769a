//! Following the log: pages, then *caught up*, then more pages as it grows.
//!
//! Built on reading alone, from a position that the follower owns, so that no engine's own
//! subscriptions need to be trusted.

use std::sync::Arc;

use super::{EventStore, Failure};
use crate::{Position, Record};

/// What a follower is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The next records; never none.
    Page(Vec<Record>),
    /// There was nothing behind this position just now.
    CaughtUp(Position),
}

/// One follower of the whole log.
pub struct Subscription {
    store: Arc<dyn EventStore>,
    behind: Position,
    caught_up: bool,
}

impl Subscription {
    /// Follows everything behind a position.
    pub fn new(store: Arc<dyn EventStore>, behind: Position) -> Self {
        Self { store, behind, caught_up: false }
    }

    /// How far the follower has read.
    pub fn position(&self) -> Position {
        self.behind
    }

    /// The next page, or once at the end of it *caught up*; then waits for the log to grow.
    ///
    /// # Errors
    /// When the log cannot be read; calling again goes on where it stopped.
    pub async fn next(&mut self) -> Result<Heard, Failure> {
        loop {
            let page = self.store.follow(self.behind).await?;
            if let Some(last) = page.last() {
                self.behind = last.position;
                self.caught_up = false;
                return Ok(Heard::Page(page));
            }
            if !self.caught_up {
                self.caught_up = true;
                return Ok(Heard::CaughtUp(self.behind));
            }
            self.store.grown(self.behind).await;
        }
    }
}
