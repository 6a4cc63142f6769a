//! Which step before the end of a credential is reached and was not told yet.

use std::time::Duration;

use events::Timestamp;
use events::policy::Rules;

use super::More;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// No policy may ask for an earlier warning.
pub(crate) const AHEAD_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// As the subject itself will decide; here it only says whom to ask.
pub(super) fn step(more: &More, rules: &Rules<'_>, now: Timestamp) -> Option<u32> {
    let left = more.expires_at?.since(now);
    let reached = rules.expiring_days.iter().copied().filter(|days| left <= DAY * *days).min();
    reached.filter(|days| more.warned.is_none_or(|warned| *days < warned))
}
