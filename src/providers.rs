//! What a provider's answer means: who must act, and how far it reaches.
//!
//! The knowledge is data, `providers/provider-errors.tsv`; a row is one rule.

use std::collections::BTreeSet;

use events::evidence::{Evidence, Verdict};

mod answer;
mod fallback;
mod matcher;
mod pattern;
mod redact;
mod table;

pub use answer::{BadReport, evidence, from_file};
pub use table::{Advice, VERSION as TABLE_VERSION};

/// People's words about a failure, with whatever looks like a credential taken out.
pub fn redacted(text: &str) -> String {
    redact::text(text).into_owned()
}

/// What the row of that name tells people; none where the table has no such row (any more).
pub fn row(rule: &str) -> Option<Advice> {
    table::table().named(rule).map(|row| row.advice)
}

/// The providers that the table has rows of, where that one is not among them.
pub fn others_than(provider: &str) -> Option<BTreeSet<&'static str>> {
    let known: BTreeSet<_> = table::table().rows.iter().map(|row| row.provider).collect();
    let is_known = known.contains(&*matcher::canonical(provider));
    (!is_known).then_some(known)
}

/// What this evidence is taken for: by the row of the table that matches it best, else by the
/// general meaning of its code or HTTP status; an answer that tells neither is of class unknown.
/// Evidence of nothing at all, an answer neither, says only that a call with the credential failed,
/// and counts as auth.
pub fn classify(evidence: &Evidence) -> Verdict {
    matcher::find(table::table(), evidence).unwrap_or_else(|| fallback::verdict(evidence))
}

#[cfg(test)]
mod tests;
