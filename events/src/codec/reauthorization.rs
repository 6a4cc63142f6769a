//! Shapes that the events of reauthorization once had, and their one step to the next.

use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, Verdict};
use crate::policy::Version;
use crate::reauthorization::{
    AuthorizationErrorRecorded, Cause, ReauthorizationRequired, Reauthorized,
};

/// `authorization_error_recorded` version 1: before errors had numbers, times and a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationErrorRecordedV1 {
    /// What was reported.
    pub evidence: Evidence,
    /// What it was taken for.
    pub verdict: Verdict,
    /// How many errors count now.
    pub count: u32,
}

/// `reauthorization_required` version 1: before a transition named what decided it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReauthorizationRequiredV1 {
    /// Why.
    pub cause: CauseV1,
}

/// Why reauthorization is required, before an error could act at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseV1 {
    /// Enough errors came together.
    Threshold {
        /// As many as had come.
        count: u32,
        /// As many as were too many.
        threshold: u32,
        /// What the last of them was taken for.
        verdict: Verdict,
    },
    /// The platform said so.
    Prompted {
        /// In its own words.
        reason: Option<String>,
    },
}

/// `reauthorized` version 1: before an incident could be closed by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReauthorizedV1 {
    /// Whether that was needed.
    pub was_required: bool,
}

impl From<AuthorizationErrorRecordedV1> for AuthorizationErrorRecorded {
    fn from(old: AuthorizationErrorRecordedV1) -> Self {
        let AuthorizationErrorRecordedV1 { evidence, verdict, count } = old;
        // The table had one version until then.
        Self { evidence, verdict, table: 1, count, threshold: 0, number: 0, at: None }
    }
}

impl From<ReauthorizationRequiredV1> for ReauthorizationRequired {
    fn from(old: ReauthorizationRequiredV1) -> Self {
        let cause = match old.cause {
            CauseV1::Threshold { count, threshold, verdict } => {
                Cause::Threshold { count, threshold, verdict }
            }
            CauseV1::Prompted { reason } => Cause::Prompted { reason },
        };
        Self { cause, policy: Version::default(), evidence: vec![] }
    }
}

impl From<ReauthorizedV1> for Reauthorized {
    fn from(old: ReauthorizedV1) -> Self {
        Self { was_required: old.was_required, by_hand: false }
    }
}
