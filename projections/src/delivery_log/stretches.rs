//! Places of a ledger as few stretches, each of which is read at once.

use events::Revision;
use serde::{Deserialize, Serialize};

/// From the first place of a stretch to its last.
pub type Stretch = (Revision, Revision);

/// Places that are no farther apart are of one stretch.
const APART: u64 = 4_096;

/// In their order, each farther from the next than that.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stretches(Vec<Stretch>);

impl Stretches {
    /// Takes in one more, and is no more than `max` of them then: those nearest to each other are
    /// one, whatever lies between.
    pub(super) fn take(&mut self, (first, last): Stretch, max: usize) {
        let from = self.0.partition_point(|one| one.1.0.saturating_add(APART) < first.0);
        let reach = last.0.saturating_add(APART);
        let count = self.0.iter().skip(from).take_while(|one| one.0.0 <= reach).count();
        let near = &self.0[from..from + count];
        let first = near.first().map_or(first, |one| one.0.min(first));
        let last = near.last().map_or(last, |one| one.1.max(last));
        self.0.splice(from..from + count, [(first, last)]);
        while self.0.len() > max {
            self.put_together();
        }
        // There are very many of these, and they are kept.
        self.0.shrink_to(max);
    }

    /// For as many as there is room.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.0.capacity()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Stretch> {
        self.0.iter().copied()
    }

    /// The log has nothing any more that stood before this revision.
    pub(super) fn removed_before(&mut self, cut: Revision) {
        self.0.retain(|(_, last)| *last >= cut);
    }

    fn put_together(&mut self) {
        let gap = |nth: &usize| self.0[*nth].0.0 - self.0[nth - 1].1.0;
        let Some(nth) = (1..self.0.len()).min_by_key(gap) else { return };
        let (_, last) = self.0.remove(nth);
        self.0[nth - 1].1 = last;
    }
}
