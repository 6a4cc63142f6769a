//! How each inbox is doing: its state, since when, why, and what to do.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::ops::Deref;

use events::inbox::Event as InboxEvent;
use events::policy::{Policy, Rules, threshold};
use events::{AccountId, Event, Fold, InboxId, Recorded, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::names::{Name, Names};
use crate::policies::Policies;
use crate::subject_health::{Assessment, Cure, Health};
use crate::{Projection, Seen};

pub use crate::subject_health::HealthState;

/// What mends an inbox.
const CURE: Cure = Cure {
    now: "reauthorize the inbox",
    soon: "reauthorize the inbox before its credential ends",
    again: "reauthorize the inbox if it fails again",
};

/// One inbox. Small, because there may be a million.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    account: AccountId,
    name: Box<str>,
    health: Assessment,
    /// At least 1, so that having none costs nothing.
    own_threshold: Option<NonZeroU32>,
    /// How often what is said of it was changed.
    version: u32,
    channel_type: Name,
    removed: bool,
}

/// One inbox as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox<'a> {
    /// Which.
    pub id: InboxId,
    /// The tenant.
    pub account: AccountId,
    /// What people call it.
    pub name: &'a str,
    /// Chatwoot's channel type.
    pub channel_type: &'a str,
    /// How it is doing.
    pub health: Health,
    /// Its own policy; an empty one where it has none.
    pub policy: &'a Policy,
    /// Whether it is gone. It is kept so that its past can be asked about.
    pub removed: bool,
    /// How often what the host platform says of it was changed.
    pub version: u32,
}

/// An inbox has its health at hand.
impl Deref for Inbox<'_> {
    type Target = Health;

    fn deref(&self) -> &Health {
        &self.health
    }
}

/// Every inbox there is or was.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxHealth {
    seen: Seen,
    channel_types: Names,
    rules: Names,
    inboxes: HashMap<InboxId, Entry>,
    /// Those that are not removed.
    by_account: BTreeSet<(AccountId, InboxId)>,
    /// Those that are.
    removed: BTreeSet<(AccountId, InboxId)>,
    /// Of those that are not removed.
    calendar: Calendar<InboxId>,
    policies: Policies,
}

impl InboxHealth {
    /// One inbox, also when it is removed.
    pub fn inbox(&self, id: InboxId) -> Option<Inbox<'_>> {
        self.inboxes.get(&id).map(|entry| self.shown(id, entry))
    }

    /// An account's inboxes by number, without those that are removed.
    pub fn of_account(&self, account: AccountId) -> impl Iterator<Item = Inbox<'_>> {
        let all = (account, InboxId(0))..=(account, InboxId(u64::MAX));
        self.by_account.range(all).filter_map(|(_, id)| self.inbox(*id))
    }

    /// The numbers of all inboxes that an account has or had, in order.
    pub fn ever_of_account(&self, account: AccountId) -> impl Iterator<Item = InboxId> {
        let all = (account, InboxId(0))..=(account, InboxId(u64::MAX));
        let removed = self.removed.range(all.clone());
        let ever: BTreeSet<_> = self.by_account.range(all).chain(removed).collect();
        ever.into_iter().map(|(_, id)| *id)
    }

    /// The inboxes whose credential ends before that moment, the soonest first.
    pub fn expiring_before(&self, end: Timestamp) -> impl Iterator<Item = Inbox<'_>> {
        self.calendar.until(end).filter_map(|id| self.inbox(id))
    }

    /// A number that is another one whenever another warning may be owed than before, but for the
    /// passing of time.
    pub fn expiry_changes(&self) -> u64 {
        self.calendar.changes()
    }

    /// The inboxes that have reached a step before the end of their credential which was not told
    /// yet.
    pub fn owed_a_warning(&self, now: Timestamp) -> Vec<(AccountId, InboxId)> {
        self.calendar.owed(now, |id| {
            let entry = self.inboxes.get(&id)?;
            let owed = entry.health.is_owed_a_warning(&self.rules_of(entry), now);
            owed.then_some(entry.account)
        })
    }

    /// How many inboxes there are, without those that are removed.
    pub fn len(&self) -> usize {
        self.by_account.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_account.is_empty()
    }

    /// How many inboxes of the whole installation are in each state.
    pub fn count_by_state(&self) -> Vec<(HealthState, usize)> {
        let mut counts: Vec<_> = HealthState::ALL.iter().map(|state| (*state, 0)).collect();
        for entry in self.inboxes.values().filter(|entry| !entry.removed) {
            counts[entry.health.state() as usize].1 += 1;
        }
        counts
    }

    fn shown<'a>(&'a self, id: InboxId, entry: &'a Entry) -> Inbox<'a> {
        let channel_type = self.channel_types.text(entry.channel_type);
        let threshold = self.threshold(entry);
        Inbox {
            id,
            account: entry.account,
            name: &entry.name,
            channel_type,
            health: entry.health.shown(threshold, &self.rules, &CURE),
            policy: entry.health.policy(),
            removed: entry.removed,
            version: entry.version,
        }
    }

    fn rules_of<'a>(&'a self, entry: &'a Entry) -> Rules<'a> {
        let kind = self.channel_types.text(entry.channel_type);
        self.policies.rules(entry.account, kind, entry.health.policy())
    }

    /// A view of the past reads only the inbox's own records, and knows no policies: then the last
    /// error says which threshold held.
    fn threshold(&self, entry: &Entry) -> u32 {
        let decided = entry.health.decided_threshold().filter(|_| !self.policies.is_known());
        entry
            .own_threshold
            .map(NonZeroU32::get)
            .or(decided)
            .unwrap_or_else(|| self.rules_of(entry).threshold)
    }

    fn expiry_of(&self, id: InboxId) -> Option<Timestamp> {
        self.inboxes.get(&id).filter(|entry| !entry.removed)?.health.expires_at()
    }

    fn register(&mut self, id: InboxId, at: Timestamp, registered: &events::inbox::Registered) {
        let entry = Entry {
            account: registered.account,
            name: registered.name.as_str().into(),
            health: Assessment::new(at),
            own_threshold: registered.threshold.and_then(NonZeroU32::new),
            version: self.inboxes.get(&id).map_or(1, |old| old.version + 1),
            channel_type: self.channel_types.name(&registered.channel_type),
            removed: false,
        };
        if let Some(old) = self.inboxes.insert(id, entry) {
            self.by_account.remove(&(old.account, id));
        }
        self.by_account.insert((registered.account, id));
        self.removed.remove(&(registered.account, id));
    }

    fn take(&mut self, id: InboxId, at: Timestamp, event: &InboxEvent) {
        let expiry = self.expiry_of(id);
        self.change(id, at, event);
        self.calendar.set(id, expiry, self.expiry_of(id));
    }

    fn change(&mut self, id: InboxId, at: Timestamp, event: &InboxEvent) {
        if let InboxEvent::Registered(registered) = event {
            return self.register(id, at, registered);
        }
        let Some(entry) = self.inboxes.get_mut(&id) else { return };
        entry.version += u32::from(event.changes_settings());
        match event {
            // Handled above: it is the only one that needs no entry.
            InboxEvent::Registered(_)
            // Neither is shown here.
            | InboxEvent::AttributesChanged(_)
            | InboxEvent::CredentialsReplaced(_) => {}
            InboxEvent::Renamed(renamed) => entry.name = renamed.name.as_str().into(),
            InboxEvent::ChannelTypeChanged(changed) => {
                entry.channel_type = self.channel_types.name(&changed.channel_type);
                entry.health.forget_threshold();
            }
            InboxEvent::ThresholdSet(set) => {
                entry.own_threshold = set.threshold.and_then(NonZeroU32::new);
                entry.health.forget_threshold();
            }
            InboxEvent::Removed(_) => {
                entry.removed = true;
                self.by_account.remove(&(entry.account, id));
                self.removed.insert((entry.account, id));
            }
            InboxEvent::Reauthorization(event) => {
                let channel_type = self.channel_types.text(entry.channel_type);
                let own = entry.own_threshold.map(NonZeroU32::get);
                let threshold = own.unwrap_or_else(|| threshold(channel_type));
                entry.health.assess(event, at, threshold, &mut self.rules);
            }
        }
    }
}

impl Fold for InboxHealth {
    type Event = Recorded<Event>;

    fn evolve(&mut self, record: &Recorded<Event>) {
        if !self.seen.is_news(record.position) {
            return;
        }
        if record.event.kind().ends_with(".policy_set") {
            self.calendar.reconsider();
        }
        self.policies.evolve(record);
        match &record.event {
            Event::Inbox(event) => {
                if let Some(id) = record.stream.number() {
                    self.take(InboxId(id), record.at, event);
                }
            }
            Event::Account(_)
            | Event::Webhook(_)
            | Event::Delivery(_)
            | Event::Platform(_)
            | Event::Installation(_)
            | Event::Fanout(_)
            | Event::Request(_)
            | Event::Hook(_)
            | Event::Rule(_) => {}
        }
    }
}

impl Projection for InboxHealth {
    const NAME: &'static str = "inbox_health";
    const VERSION: u32 = 5;
}

#[cfg(test)]
mod tests;
