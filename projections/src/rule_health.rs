//! Each automation rule: what it says, whether it works, and how it is doing.

use events::policy;
use events::rule::{Created, Event as RuleEvent};
use events::{AccountId, Event, Fold, Recorded, RuleId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::roster::{How, Roster, Subject};
use crate::subject_health::Cure;
use crate::{Projection, Seen};

/// One rule as it is shown.
pub type Rule<'a> = Subject<'a, RuleId, Created>;

/// Every rule there is or was.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleHealth {
    seen: Seen,
    rules: Roster<RuleId, Created>,
}

const HOW: How = How {
    kind: policy::RULE,
    cure: Cure {
        now: "correct the rule's conditions, then activate it",
        // It has no credential: nobody is ever told so.
        soon: "correct the rule's conditions",
        again: "correct the rule's conditions if it fails again",
    },
};

impl RuleHealth {
    /// One rule, also when it is deleted.
    pub fn rule(&self, id: RuleId) -> Option<Rule<'_>> {
        self.rules.get(id, &HOW)
    }

    /// An account's rules by number, without those that are deleted.
    pub fn of_account(&self, account: AccountId) -> Vec<Rule<'_>> {
        self.rules.of_account(account, &HOW).collect()
    }

    /// The numbers of all rules that an account has or had.
    pub fn ever_of_account(&self, account: AccountId) -> impl Iterator<Item = RuleId> {
        self.rules.ever_of_account(account)
    }

    fn take(&mut self, id: RuleId, at: Timestamp, event: &RuleEvent) {
        if let RuleEvent::Created(created) = event {
            let (account, active) = (created.account, created.active);
            return self.rules.create(id, account, at, created.clone(), active);
        }
        let Some(facts) = self.rules.facts(id) else { return };
        match event {
            // Handled above: it is the only one that needs no rule.
            RuleEvent::Created(_) => {}
            RuleEvent::Renamed(it) => facts.name.clone_from(&it.name),
            RuleEvent::Described(it) => facts.description.clone_from(&it.description),
            RuleEvent::EventNameChanged(it) => facts.event_name.clone_from(&it.event_name),
            RuleEvent::ConditionsChanged(it) => facts.conditions.clone_from(&it.conditions),
            RuleEvent::ActionsChanged(it) => facts.actions.clone_from(&it.actions),
            RuleEvent::Activated(_) => self.rules.turn(id, None),
            RuleEvent::Deactivated(it) => self.rules.turn(id, Some(it.cause)),
            RuleEvent::Deleted(_) => self.rules.remove(id),
            RuleEvent::Reauthorization(event) => self.rules.assess(id, at, event, &HOW),
        }
    }
}

impl Fold for RuleHealth {
    type Event = Recorded<Event>;

    fn evolve(&mut self, record: &Recorded<Event>) {
        if !self.seen.is_news(record.position) {
            return;
        }
        self.rules.heed(record);
        match &record.event {
            Event::Rule(event) => {
                if let Some(id) = record.stream.number() {
                    self.take(RuleId(id), record.at, event);
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
            | Event::Hook(_) => {}
        }
    }
}

impl Projection for RuleHealth {
    const NAME: &'static str = "rule_health";
    const VERSION: u32 = 3;
}

#[cfg(test)]
mod tests;
