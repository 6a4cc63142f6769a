//! Where in a ledger deliveries were brought back that were over: elsewhere an end is an end.

use std::collections::VecDeque;

use events::Revision;
use serde::{Deserialize, Serialize};

/// Those that are no farther apart are told as one stretch, which is read at once.
const APART: u64 = 4_096;

/// As many stretches are remembered; more are put together where they are nearest.
const STRETCHES_MAX: usize = 64;

/// Stretches from their first place to their last, in their order.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Again(VecDeque<(Revision, Revision)>);

impl Again {
    /// One was brought back at this place, which is behind all others.
    pub(super) fn take(&mut self, place: Revision) {
        match self.0.back_mut() {
            Some((_, last)) if place.0.saturating_sub(last.0) <= APART => *last = place,
            Some(_) | None => self.0.push_back((place, place)),
        }
        if self.0.len() > STRETCHES_MAX {
            self.put_together();
        }
    }

    /// The first stretch from a place on.
    pub(super) fn from(&self, place: Revision) -> Option<(Revision, Revision)> {
        let (first, last) = self.0.iter().find(|(_, last)| *last >= place)?;
        Some(((*first).max(place), *last))
    }

    /// The last place of all.
    pub(super) fn last(&self) -> Option<Revision> {
        self.0.back().map(|(_, last)| *last)
    }

    /// The log has nothing any more that stood before this revision.
    pub(super) fn removed_before(&mut self, cut: Revision) {
        self.0.retain(|(_, last)| *last >= cut);
    }

    fn put_together(&mut self) {
        let gap = |nth: &usize| self.0[*nth].0.0 - self.0[nth - 1].1.0;
        let Some(nth) = (1..self.0.len()).min_by_key(gap) else { return };
        if let Some((_, last)) = self.0.remove(nth) {
            self.0[nth - 1].1 = last;
        }
    }
}
