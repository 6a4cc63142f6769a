//! Whose changes somebody is told of: inboxes, hooks and rules, and what a mail says of each.

use events::reauthorization::Reauthorization;
use events::{AccountId, Subject};
use events::{HookId, InboxId, RuleId};
use serde_json::{Value, json};

use crate::aggregate::Aggregate;
use crate::hook::Hook;
use crate::inbox::Inbox;
use crate::rule::Rule;

/// Wire names of what subscribers and administrators are told of an inbox.
const OF_INBOXES: [&str; 7] = [
    "inbox.registered",
    "inbox.renamed",
    "inbox.channel_type_changed",
    "inbox.attributes_changed",
    "inbox.reauthorization_required",
    "inbox.reauthorized",
    "inbox.expiring",
];

/// The same of a hook.
const OF_HOOKS: [&str; 3] = ["hook.reauthorization_required", "hook.reauthorized", "hook.expiring"];

/// The same of a rule, which has no credential that could end.
const OF_RULES: [&str; 2] = ["rule.reauthorization_required", "rule.reauthorized"];

/// Whether records of this kind may be told of.
pub(super) fn tells(kind: &str) -> bool {
    OF_INBOXES.contains(&kind) || OF_HOOKS.contains(&kind) || OF_RULES.contains(&kind)
}

/// What a mail says of its subject.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct About {
    pub(super) account: AccountId,
    pub(super) subject: Subject,
    /// Under which key the facts stand: `inbox`.
    pub(super) key: &'static str,
    pub(super) facts: Value,
    /// What the mails are called.
    pub(super) names: Names,
}

/// What the mails about a kind of subject are called, each as an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Names {
    /// Somebody must act.
    pub(super) broken: &'static str,
    /// Nobody must any more.
    pub(super) mended: &'static str,
    /// Somebody must soon.
    pub(super) expiring: &'static str,
}

/// A subject whose changes somebody is told of.
pub(super) trait Followed: Aggregate {
    /// Its authorization; none where there is no such subject (any more).
    fn authorization(&self) -> Option<&Reauthorization>;

    /// What a mail says of it; none where there is no such subject (any more).
    fn about(&self, number: u64) -> Option<About>;
}

impl Followed for Inbox {
    fn authorization(&self) -> Option<&Reauthorization> {
        Some(self.reauthorization())
    }

    fn about(&self, number: u64) -> Option<About> {
        let profile = self.profile()?;
        let (name, channel_type) = (&profile.name, &profile.channel_type);
        Some(About {
            account: profile.account,
            subject: Subject::Inbox(InboxId(number)),
            key: "inbox",
            facts: json!({ "id": number, "name": name, "channel_type": channel_type }),
            names: Names {
                broken: "inbox_disconnected",
                mended: "inbox_reconnected",
                expiring: "inbox_expiring",
            },
        })
    }
}

impl Followed for Hook {
    fn authorization(&self) -> Option<&Reauthorization> {
        self.live().map(|live| &live.reauthorization)
    }

    fn about(&self, number: u64) -> Option<About> {
        let facts = &self.live()?.facts;
        let inbox = facts.scope.inbox();
        Some(About {
            account: facts.account,
            subject: Subject::Hook(HookId(number)),
            key: "hook",
            facts: json!({ "id": number, "app_id": facts.app, "inbox_id": inbox }),
            names: Names {
                broken: "hook_disconnected",
                mended: "hook_reconnected",
                expiring: "hook_expiring",
            },
        })
    }
}

impl Followed for Rule {
    fn authorization(&self) -> Option<&Reauthorization> {
        self.live().map(|live| &live.reauthorization)
    }

    fn about(&self, number: u64) -> Option<About> {
        let facts = &self.live()?.facts;
        Some(About {
            account: facts.account,
            subject: Subject::Rule(RuleId(number)),
            key: "rule",
            facts: json!({ "id": number, "name": facts.name }),
            names: Names {
                broken: "rule_disabled",
                mended: "rule_corrected",
                expiring: "rule_expiring",
            },
        })
    }
}
