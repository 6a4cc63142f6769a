//! Each integration hook: its settings, whether it works, and how it is doing.

use events::hook::{Created, Event as HookEvent};
use events::policy;
use events::{AccountId, Event, Fold, HookId, Recorded, Timestamp};
use serde::{Deserialize, Serialize};

use crate::roster::{How, Roster, Subject};
use crate::subject_health::Cure;
use crate::{Projection, Seen};

/// One hook as it is shown.
pub type Hook<'a> = Subject<'a, HookId, Created>;

/// Every hook there is or was.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookHealth {
    seen: Seen,
    hooks: Roster<HookId, Created>,
}

const HOW: How = How {
    kind: policy::HOOK,
    cure: Cure {
        now: "reauthorize the integration",
        soon: "reauthorize the integration before its credential ends",
        again: "reauthorize the integration if it fails again",
    },
};

impl HookHealth {
    /// One hook, also when it is deleted.
    pub fn hook(&self, id: HookId) -> Option<Hook<'_>> {
        self.hooks.get(id, &HOW)
    }

    /// An account's hooks by number, without those that are deleted.
    pub fn of_account(&self, account: AccountId) -> Vec<Hook<'_>> {
        self.hooks.of_account(account, &HOW).collect()
    }

    /// The hooks whose credential ends before that moment, the soonest first.
    pub fn expiring_before(&self, end: Timestamp) -> impl Iterator<Item = Hook<'_>> {
        self.hooks.expiring_before(end, &HOW)
    }

    /// A number that is another one whenever another warning may be owed than before, but for the
    /// passing of time.
    pub fn expiry_changes(&self) -> u64 {
        self.hooks.expiry_changes()
    }

    /// The hooks that have reached a step before the end of their credential which was not told
    /// yet.
    pub fn owed_a_warning(&self, now: Timestamp) -> Vec<(AccountId, HookId)> {
        self.hooks.owed_a_warning(now, &HOW)
    }

    /// The numbers of all hooks that an account has or had.
    pub fn ever_of_account(&self, account: AccountId) -> impl Iterator<Item = HookId> {
        self.hooks.ever_of_account(account)
    }

    fn take(&mut self, id: HookId, at: Timestamp, event: &HookEvent) {
        match event {
            HookEvent::Created(created) => {
                let (account, enabled) = (created.account, created.enabled);
                self.hooks.create(id, account, at, created.clone(), enabled);
            }
            HookEvent::SettingsChanged(changed) => {
                if let Some(facts) = self.hooks.facts(id) {
                    facts.settings.clone_from(&changed.settings);
                    facts.credentials.clone_from(&changed.credentials);
                }
            }
            HookEvent::AccessTokenReplaced(replaced) => {
                if let Some(facts) = self.hooks.facts(id) {
                    facts.access_token = Some(replaced.access_token.clone());
                }
            }
            HookEvent::Enabled(_) => self.hooks.turn(id, None),
            HookEvent::Disabled(disabled) => self.hooks.turn(id, Some(disabled.cause)),
            HookEvent::Deleted(_) => self.hooks.remove(id),
            HookEvent::Reauthorization(event) => self.hooks.assess(id, at, event, &HOW),
        }
    }
}

impl Fold for HookHealth {
    type Event = Recorded<Event>;

    fn evolve(&mut self, record: &Recorded<Event>) {
        if !self.seen.is_news(record.position) {
            return;
        }
        self.hooks.heed(record);
        match &record.event {
            Event::Hook(event) => {
                if let Some(id) = record.stream.number() {
                    self.take(HookId(id), record.at, event);
                }
            }
            Event::Account(_)
            | Event::Inbox(_)
            | Event::Webhook(_)
            | Event::Delivery(_)
            | Event::Platform(_)
            | Event::Installation(_)
            | Event::Fanout(_)
            | Event::Request(_)
            | Event::Rule(_) => {}
        }
    }
}

impl Projection for HookHealth {
    const NAME: &'static str = "hook_health";
    const VERSION: u32 = 3;
}

#[cfg(test)]
mod tests;
