//! Subjects that are turned on and off, by number and by account; also those that are gone.

use std::collections::{BTreeMap, BTreeSet};

use events::policy::{Policy, Rules, threshold};
use events::reauthorization::Event as Reauthorization;
use events::switch::OffCause;
use events::{AccountId, Event, Fold, Recorded, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::names::Names;
use crate::policies::Policies;
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
    /// Its own policy; an empty one where it has none.
    pub policy: &'a Policy,
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
    /// Of those that are not gone.
    calendar: Calendar<Id>,
    policies: Policies,
}

impl<Id, Facts> Default for Roster<Id, Facts> {
    fn default() -> Self {
        Self {
            rules: Names::default(),
            entries: BTreeMap::new(),
            by_account: BTreeMap::new(),
            calendar: Calendar::default(),
            policies: Policies::default(),
        }
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
            health: entry.health.shown(self.threshold(entry, how), &self.rules, &how.cure),
            policy: entry.health.policy(),
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

    /// Those whose credential ends before that moment, the soonest first.
    pub(crate) fn expiring_before(
        &self,
        end: Timestamp,
        how: &How,
    ) -> impl Iterator<Item = Subject<'_, Id, Facts>> {
        self.calendar.until(end).filter_map(|id| self.get(id, how))
    }

    /// See [`Calendar::changes`].
    pub(crate) fn expiry_changes(&self) -> u64 {
        self.calendar.changes()
    }

    /// Those that have reached a step before the end of their credential which was not told yet.
    pub(crate) fn owed_a_warning(&self, now: Timestamp, how: &How) -> Vec<(AccountId, Id)> {
        self.calendar.owed(now, |id| {
            let entry = self.entries.get(&id)?;
            let owed = entry.health.is_owed_a_warning(&self.rules_of(entry, how), now);
            owed.then_some(entry.account)
        })
    }

    fn rules_of<'a>(&'a self, entry: &'a Entry<Facts>, how: &How) -> Rules<'a> {
        self.policies.rules(entry.account, how.kind, entry.health.policy())
    }

    /// A view of the past reads only the subject's own records, and knows no policies: then the
    /// last error says which threshold held.
    fn threshold(&self, entry: &Entry<Facts>, how: &How) -> u32 {
        let decided = entry.health.decided_threshold().filter(|_| !self.policies.is_known());
        decided.unwrap_or_else(|| self.rules_of(entry, how).threshold)
    }

    fn expiry_of(&self, id: Id) -> Option<Timestamp> {
        self.entries.get(&id).filter(|entry| !entry.removed)?.health.expires_at()
    }

    /// Takes in what policies any record sets; of what else it tells, the other calls.
    pub(crate) fn heed(&mut self, record: &Recorded<Event>) {
        if record.event.kind().ends_with(".policy_set") {
            self.calendar.reconsider();
        }
        self.policies.evolve(record);
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
        let before = self.expiry_of(id);
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.removed = true;
        }
        self.calendar.set(id, before, None);
    }

    pub(crate) fn assess(&mut self, id: Id, at: Timestamp, event: &Reauthorization, how: &How) {
        let before = self.expiry_of(id);
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.health.assess(event, at, threshold(how.kind), &mut self.rules);
        }
        self.calendar.set(id, before, self.expiry_of(id));
    }
}

/// What differs between kinds of subjects.
pub(crate) struct How {
    /// Chatwoot's name of the kind, by which policies are set.
    pub(crate) kind: &'static str,
    /// What mends it.
    pub(crate) cure: Cure,
}
