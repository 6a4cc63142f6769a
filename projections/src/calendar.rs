//! When whose credential ends: of the subjects of one kind, the soonest first.

use std::collections::BTreeSet;

use events::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::subject_health::AHEAD_MAX;

/// The ends that are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(serialize = "Id: Ord + Serialize", deserialize = "Id: Ord + Deserialize<'de>"))]
pub(crate) struct Calendar<Id> {
    ends: BTreeSet<(Timestamp, Id)>,
    changes: u64,
}

impl<Id> Default for Calendar<Id> {
    fn default() -> Self {
        Self { ends: BTreeSet::new(), changes: 0 }
    }
}

impl<Id: Copy + Ord> Calendar<Id> {
    /// Those whose credential ends before that moment.
    pub(crate) fn until(&self, end: Timestamp) -> impl Iterator<Item = Id> {
        self.ends.iter().take_while(move |(at, _)| *at <= end).map(|(_, id)| *id)
    }

    /// A number that is another one whenever another warning may be owed than before, but for the
    /// passing of time.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Those that have reached a step which was not told yet: `owner` says whose each is, where it
    /// has.
    pub(crate) fn owed(
        &self,
        now: Timestamp,
        owner: impl Fn(Id) -> Option<AccountId>,
    ) -> Vec<(AccountId, Id)> {
        let near = self.until(now.after(AHEAD_MAX));
        near.filter_map(|id| Some((owner(id)?, id))).collect()
    }

    /// Another policy may ask for another warning.
    pub(crate) fn reconsider(&mut self) {
        self.changes += 1;
    }

    /// Takes in that the end of one was `before` and is `now`.
    pub(crate) fn set(&mut self, id: Id, before: Option<Timestamp>, now: Option<Timestamp>) {
        if before == now {
            return;
        }
        if let Some(before) = before {
            self.ends.remove(&(before, id));
        }
        self.ends.extend(now.map(|now| (now, id)));
        self.changes += 1;
    }
}
