//! Subjects that are turned on and off, by number and by account; also those that are gone.

use std::collections::{BTreeMap, BTreeSet};

use events::reauthorization::Event as Reauthorization;
use events::switch::OffCause;
use events::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::names::Names;
use crate::subject_health::{Assessment, Cure, Health};

/// One subject as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject<'a, Id, Facts> {
    /// Which.
    pub id: Id,
    /// The tenant.
    pub account: AccountId,
    /// What was said of it, with every change since.
    pub facts: &'a Facts,
    /// Why it does not work; none where it does.
    pub off: Option<OffCause>,
    /// When it was made.
    pub created_at: Timestamp,
    /// How it is doing.
    pub health: Health,
    /// Whether it is gone. It is kept so that its past can be asked about.
    pub removed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry<Facts> {
    account: AccountId,
    facts: Facts,
    off: Option<OffCause>,
    created_at: Timestamp,
    health: Assessment,
    removed: bool,
}

/// Every subject of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "Id: Ord + Serialize, Facts: Serialize",
    deserialize = "Id: Ord + Deserialize<'de>, Facts: Deserialize<'de>"
))]
pub(crate) struct Roster<Id, Facts> {
    rules: Names,
    entries: BTreeMap<Id, Entry<Facts>>,
    by_account: BTreeMap<AccountId, BTreeSet<Id>>,
}

impl<Id, Facts> Default for Roster<Id, Facts> {
    fn default() -> Self {
        Self { rules: Names::default(), entries: BTreeMap::new(), by_account: BTreeMap::new() }
    }
}

impl<Id: Copy + Ord, Facts> Roster<Id, Facts> {
    /// One of them, also when it is gone.
    pub(crate) fn get(&self, id: Id, how: &How) -> Option<Subject<'_, Id, Facts>> {
        self.entries.get(&id).map(|entry| Subject {
            id,
            account: entry.account,
            facts: &entry.facts,
            off: entry.off,
            created_at: entry.created_at,
            health: entry.health.shown(how.threshold, &self.rules, &how.cure),
            removed: entry.removed,
        })
    }

    /// The numbers of all that an account has or had.
    pub(crate) fn ever_of_account(&self, account: AccountId) -> impl Iterator<Item = Id> {
        self.by_account.get(&account).into_iter().flatten().copied()
    }

    /// All that an account has, by number.
    pub(crate) fn of_account(
        &self,
        account: AccountId,
        how: &How,
    ) -> impl Iterator<Item = Subject<'_, Id, Facts>> {
        let ever = self.ever_of_account(account);
        ever.filter_map(|id| self.get(id, how)).filter(|subject| !subject.removed)
    }

    pub(crate) fn create(
        &mut self,
        id: Id,
        account: AccountId,
        at: Timestamp,
        facts: Facts,
        on: bool,
    ) {
        let off = (!on).then_some(OffCause::ByHand);
        let health = Assessment::new(at);
        let entry = Entry { account, facts, off, created_at: at, health, removed: false };
        self.entries.insert(id, entry);
        self.by_account.entry(account).or_default().insert(id);
    }

    /// Its facts, to be changed.
    pub(crate) fn facts(&mut self, id: Id) -> Option<&mut Facts> {
        self.entries.get_mut(&id).map(|entry| &mut entry.facts)
    }

    pub(crate) fn turn(&mut self, id: Id, off: Option<OffCause>) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.off = off;
        }
    }

    pub(crate) fn remove(&mut self, id: Id) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.removed = true;
        }
    }

    pub(crate) fn assess(&mut self, id: Id, at: Timestamp, event: &Reauthorization, how: &How) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.health.assess(event, at, how.threshold, &mut self.rules);
        }
    }
}

/// What differs between kinds of subjects.
pub(crate) struct How {
    /// As many errors as are too many.
    pub(crate) threshold: u32,
    /// What mends it.
    pub(crate) cure: Cure,
}
