//! Which deliveries of a ledger are over: those that were taken and those that were given up, each
//! for themselves, so that many of the one do not crowd out the other.

use std::collections::VecDeque;

use events::Revision;
use serde::{Deserialize, Serialize};

use super::DeliveryStatus;

/// As many of one endpoint that were delivered are kept, and as many that were abandoned; those
/// that are owed all are.
pub const FINISHED_MAX: usize = 1_000;

/// By the places where they were queued.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    delivered: Shelf,
    abandoned: Shelf,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Shelf {
    /// In the order of finishing.
    kept: VecDeque<Revision>,
    /// The newest of those that are not kept, where the log has it still.
    left: Option<Revision>,
}

impl Ended {
    /// All that are kept, those of one shelf in the order of finishing.
    pub(super) fn all(&self) -> impl Iterator<Item = Revision> {
        self.delivered.kept.iter().chain(&self.abandoned.kept).copied()
    }

    /// The newest that is not kept, of all or of one status.
    pub(super) fn left(&self, status: Option<DeliveryStatus>) -> Option<Revision> {
        match status {
            None => self.delivered.left.max(self.abandoned.left),
            Some(DeliveryStatus::Delivered) => self.delivered.left,
            Some(DeliveryStatus::Abandoned) => self.abandoned.left,
            Some(DeliveryStatus::Pending | DeliveryStatus::Held) => None,
        }
    }

    /// One is over, which may have been over before in another way. Says which goes for it.
    pub(super) fn take(
        &mut self,
        revision: Revision,
        was: Option<DeliveryStatus>,
        is: DeliveryStatus,
    ) -> Option<Revision> {
        if was == Some(is) {
            return None;
        }
        if was.is_some() {
            self.forget(revision);
        }
        let kept = &mut self.shelf(is)?.kept;
        kept.push_back(revision);
        if kept.len() > FINISHED_MAX { kept.pop_front() } else { None }
    }

    /// One is not kept any more, and the log has it.
    pub(super) fn leave(&mut self, place: Revision, how: DeliveryStatus) {
        if let Some(shelf) = self.shelf(how) {
            shelf.left = shelf.left.max(Some(place));
        }
    }

    /// One is not over, or nothing.
    pub(super) fn forget(&mut self, revision: Revision) {
        for shelf in [&mut self.delivered, &mut self.abandoned] {
            shelf.kept.retain(|kept| *kept != revision);
        }
    }

    pub(super) fn move_to(&mut self, was: Revision, revision: Revision) {
        let kept = self.delivered.kept.iter_mut().chain(&mut self.abandoned.kept);
        for kept in kept.filter(|kept| **kept == was) {
            *kept = revision;
        }
    }

    /// Whether one more that was over long ago can be kept.
    pub(super) fn has_room(&mut self, how: DeliveryStatus) -> bool {
        self.shelf(how).is_some_and(|shelf| shelf.kept.len() < FINISHED_MAX)
    }

    /// One that was over before all others.
    pub(super) fn bring_back(&mut self, revision: Revision, how: DeliveryStatus) {
        if let Some(shelf) = self.shelf(how) {
            shelf.kept.push_front(revision);
        }
    }

    /// The log has nothing any more that stood before this revision.
    pub(super) fn removed_before(&mut self, cut: Revision) {
        for shelf in [&mut self.delivered, &mut self.abandoned] {
            shelf.left = shelf.left.filter(|left| *left >= cut);
        }
    }

    fn shelf(&mut self, how: DeliveryStatus) -> Option<&mut Shelf> {
        match how {
            DeliveryStatus::Delivered => Some(&mut self.delivered),
            DeliveryStatus::Abandoned => Some(&mut self.abandoned),
            DeliveryStatus::Pending | DeliveryStatus::Held => None,
        }
    }
}
