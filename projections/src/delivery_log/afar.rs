//! Where in a ledger it is told what became of deliveries that are over and have left the view,
//! where that is far from where they were queued: elsewhere nobody has to look.

use std::collections::BTreeMap;
use std::mem;

use events::Revision;
use serde::{Deserialize, Serialize};

use super::Delivery;
use super::stretches::{Stretch, Stretches};

/// What is told of a delivery within so many records behind its queueing is near.
pub const NEAR: u64 = 4_096;

/// A part of a ledger has at first so many places, as a power of two.
const PART: u32 = 12;

/// As many parts as are told of: of more, two and two are one.
const PARTS_MAX: usize = 1_024;

/// As many stretches as are remembered of one part.
const OF_PART_MAX: usize = 8;

/// As many stretches as are remembered of these.
const AGAIN_MAX: usize = 256;

/// Their ends, and the last attempts before them.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Afar {
    /// By the part of the ledger in which they were queued.
    parts: BTreeMap<u64, Stretches>,
    /// How often two and two parts were made one.
    widened: u32,
    /// Of those that were brought back after they had left, of which nobody knows where they were
    /// queued, and of those that were brought back again and again.
    again: Stretches,
    /// Where one was brought back last.
    last_again: Option<Revision>,
}

impl Afar {
    /// One was brought back at this place, which is behind all others.
    pub(super) fn brought_back(&mut self, place: Revision) {
        self.last_again = Some(place);
    }

    /// Where one was brought back last.
    pub(super) fn last_again(&self) -> Option<Revision> {
        self.last_again
    }

    /// One that is over leaves the view.
    pub(super) fn left(&mut self, delivery: &Delivery) {
        let Delivery { revision, attempted, over, .. } = *delivery;
        let told = [attempted, over];
        if delivery.stray || delivery.often {
            let told = told.into_iter().filter(|place| *place > revision);
            // Behind an end nobody looks for another one, also where that is near.
            return told.for_each(|place| self.again.take((place, place), AGAIN_MAX));
        }
        let again = delivery.reopened.filter(|again| *again > revision);
        for place in told.into_iter().filter(|place| *place > revision) {
            if again.is_some() || place.0 - revision.0 > NEAR {
                self.take(self.part(revision), (place, place));
            }
            // What was queued there may be removed before what tells that it was brought back.
            if let Some(again) = again.filter(|again| place.0.saturating_sub(again.0) > NEAR) {
                self.take(self.part(again), (place, place));
            }
        }
    }

    /// What is far of those that were queued within a stretch, as far as it stands at a place or
    /// behind it: in its order, and nothing twice.
    pub(super) fn of(&self, queued: Stretch, from: Revision) -> Vec<Stretch> {
        let parts = self.part(queued.0)..=self.part(queued.1);
        let of_parts = self.parts.range(parts).flat_map(|(_, stretches)| stretches.all());
        let mut all = Stretches::default();
        for (first, last) in of_parts.chain(self.again.all()).filter(|it| it.1 >= from) {
            all.take((first.max(from), last), usize::MAX);
        }
        all.all().collect()
    }

    /// The log has nothing any more that stood before this revision.
    pub(super) fn removed_before(&mut self, cut: Revision) {
        let whole = self.part(cut);
        self.parts = self.parts.split_off(&whole);
        self.again.removed_before(cut);
        self.last_again = self.last_again.filter(|last| *last >= cut);
    }

    fn part(&self, place: Revision) -> u64 {
        place.0.checked_shr(PART + self.widened).unwrap_or(0)
    }

    fn take(&mut self, part: u64, stretch: Stretch) {
        self.parts.entry(part).or_default().take(stretch, OF_PART_MAX);
        if self.parts.len() > PARTS_MAX {
            self.widened += 1;
            for (part, stretches) in mem::take(&mut self.parts) {
                let wide = self.parts.entry(part / 2).or_default();
                stretches.all().for_each(|stretch| wide.take(stretch, OF_PART_MAX));
            }
        }
    }
}
