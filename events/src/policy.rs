//! When errors are too many, how long they count, which act at once, and how early an end is told.
//!
//! A policy is set for the installation, for an account or for one subject; whatever a nearer one
//! leaves open, the next one says, and Chatwoot's numbers say the rest.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, Verdict};

/// How many days ahead the end of a credential is told where nobody said otherwise.
pub const EXPIRING_DAYS: &[u32] = &[30, 7, 1];

/// Chatwoot's name of integration hooks, by which their policies are set.
pub const HOOK: &str = "Integrations::Hook";

/// Chatwoot's name of automation rules. They have no credentials that could end, so of their
/// policies no warning follows.
pub const RULE: &str = "AutomationRule";

/// What somebody decided about a kind of subject, or about one; what is none is left open.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How many errors are too many.
    pub threshold: Option<u32>,
    /// How long an error counts, in seconds; 0 means for ever.
    pub window_s: Option<u64>,
    /// Codes that need no second error: `190/460`, `token_revoked`, `invalid_grant`.
    pub at_once: Option<Vec<String>>,
    /// How many days ahead the end of a credential is told.
    pub expiring_days: Option<Vec<u32>>,
}

/// Which policies held, by how often each layer was changed; all 0 means Chatwoot's own.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// Changes of the installation's policies.
    pub installation: u32,
    /// Changes of the account's.
    pub account: u32,
    /// Changes of the subject's own.
    pub subject: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.installation, self.account, self.subject)
    }
}

/// The policies of one layer by kind of subject: Chatwoot's model names, `Channel::Email`,
/// `Integrations::Hook`, `AutomationRule`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// How often it was changed.
    pub version: u32,
    /// What it says.
    pub kinds: BTreeMap<String, Policy>,
}

impl Layer {
    /// Whether setting this policy would change anything.
    pub fn differs(&self, kind: &str, policy: &Policy) -> bool {
        self.kinds.get(kind).map_or(*policy != Policy::default(), |known| known != policy)
    }

    /// Takes in that the policy of a kind was set; an empty one takes it away.
    pub fn set(&mut self, kind: &str, policy: &Policy) {
        self.version += 1;
        if *policy == Policy::default() {
            self.kinds.remove(kind);
        } else {
            self.kinds.insert(kind.to_owned(), policy.clone());
        }
    }
}

/// What holds for the subjects of one account beside what each has of its own.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Layers {
    /// The installation's.
    pub installation: Layer,
    /// The account's.
    pub account: Layer,
}

/// What holds for one subject, every question answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules<'a> {
    /// How many errors are too many.
    pub threshold: u32,
    /// How long an error counts; none means for ever.
    pub window: Option<Duration>,
    /// Codes that need no second error.
    pub at_once: &'a [String],
    /// How many days ahead the end of a credential is told.
    pub expiring_days: &'a [u32],
    /// By which policies.
    pub version: Version,
}

impl<'a> Rules<'a> {
    /// What holds for a subject of this kind with this policy of its own.
    pub fn of(layers: &'a Layers, kind: &str, own: &'a Policy, own_version: u32) -> Self {
        Self::between(&layers.installation, &layers.account, kind, own, own_version)
    }

    /// The same of layers that are kept apart.
    pub fn between(
        installation: &'a Layer,
        account: &'a Layer,
        kind: &str,
        own: &'a Policy,
        own_version: u32,
    ) -> Self {
        let said: [Option<&'a Policy>; 3] =
            [Some(own), account.kinds.get(kind), installation.kinds.get(kind)];
        let said = || said.into_iter().flatten();
        let window_s = said().find_map(|policy| policy.window_s);
        let version = Version {
            installation: installation.version,
            account: account.version,
            subject: own_version,
        };
        Self {
            threshold: said()
                .find_map(|policy| policy.threshold)
                .unwrap_or_else(|| threshold(kind)),
            window: window_s.filter(|seconds| *seconds > 0).map(Duration::from_secs),
            at_once: said().find_map(|policy| policy.at_once.as_deref()).unwrap_or_default(),
            expiring_days: said()
                .find_map(|policy| policy.expiring_days.as_deref())
                .unwrap_or(EXPIRING_DAYS),
            version,
        }
    }

    /// Chatwoot's rules with this threshold.
    pub fn chatwoots(threshold: u32) -> Self {
        let (at_once, expiring_days) = (&[], EXPIRING_DAYS);
        Self { threshold, window: None, at_once, expiring_days, version: Version::default() }
    }

    /// The code among those that act at once which this error has: as its code, as
    /// `code/subcode`, or as the row of the table that matched.
    pub fn acts_at_once(&self, evidence: &Evidence, verdict: &Verdict) -> Option<&'a str> {
        let (code, subcode) = (evidence.code.as_deref(), evidence.subcode.as_deref());
        let is = |text: Option<&str>, wanted: &str| {
            text.is_some_and(|text| text.trim().eq_ignore_ascii_case(wanted))
        };
        let pair = |wanted: &str| {
            wanted.split_once('/').is_some_and(|(one, other)| is(code, one) && is(subcode, other))
        };
        let at_once = self.at_once;
        let found = at_once.iter().find(|wanted| {
            is(code, wanted)
                || is(subcode, wanted)
                || pair(wanted)
                || is(verdict.rule.as_deref(), wanted)
        });
        found.map(String::as_str)
    }
}

/// How many errors it takes where nobody said otherwise.
///
/// As in Chatwoot: `AUTHORIZATION_ERROR_THRESHOLD` is 2 in `Reauthorizable`, 10 in
/// `Channel::Email`, 1 in `Channel::Instagram` and `Channel::Tiktok`.
pub fn threshold(kind: &str) -> u32 {
    match kind {
        "Channel::Email" => 10,
        "Channel::Instagram" | "Channel::Tiktok" => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
