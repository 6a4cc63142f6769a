//! A policy as it is given and shown: what is null or missing is left to the next layer.

use events::policy::{HOOK, Policy, RULE, Rules};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::duration;
use crate::http::problem::Problem;

/// As high as a threshold may be.
const THRESHOLD_MAX: u32 = 1_000;

/// As long as an error may count, when it does not count for ever.
const WINDOW_S_MAX: u64 = 366 * 24 * 60 * 60;

/// As many codes as may act at once, and as long as each may be.
const CODES_MAX: usize = 100;
const CODE_BYTES_MAX: usize = 128;

/// As many steps as may be told before the end of a credential, and as many days ahead.
const STEPS_MAX: usize = 10;
const DAYS_MAX: u32 = 366;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    threshold: Option<i64>,
    window: Option<String>,
    at_once: Option<Vec<String>>,
    expiring_days: Option<Vec<i64>>,
}

impl Given {
    /// The policy, for subjects that have a credential or have none.
    pub(super) fn policy(self, has_credential: bool) -> Result<Policy, Problem> {
        let Self { threshold, window, at_once, expiring_days } = self;
        if expiring_days.is_some() && !has_credential {
            let text = "Automation rules have no credential that could end";
            return Err(Problem::invalid("expiring_days", text));
        }
        Ok(Policy {
            threshold: threshold.map(checked_threshold).transpose()?,
            window_s: window.as_deref().map(window_s).transpose()?,
            at_once: at_once.map(codes).transpose()?,
            expiring_days: expiring_days.map(steps).transpose()?,
        })
    }
}

/// Chatwoot's names of channels, hooks and rules. What an endpoint does is decided by its delivery
/// policy: one that nothing would follow is refused.
pub(super) fn kind(text: &str) -> Result<String, Problem> {
    let class = text.strip_prefix("Channel::").unwrap_or("");
    let channel = !class.is_empty()
        && text.len() <= 100
        && class.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
    if channel || [HOOK, RULE].contains(&text) {
        return Ok(text.to_owned());
    }
    let text = format!("Kind is no channel such as Channel::Email, nor {HOOK}, nor {RULE}");
    Err(Problem::invalid("kind", text))
}

pub(super) fn shown(policy: &Policy) -> Value {
    let Policy { threshold, window_s, at_once, expiring_days } = policy;
    json!({
        "threshold": threshold,
        "window": window_s.map(seconds),
        "at_once": at_once,
        "expiring_days": expiring_days,
    })
}

/// What holds in the end, where `threshold` is what the subject counts to.
pub(super) fn held(rules: &Rules<'_>, threshold: u32, has_credential: bool) -> Value {
    json!({
        "threshold": threshold,
        "window": seconds(rules.window.map_or(0, |window| window.as_secs())),
        "at_once": rules.at_once,
        "expiring_days": has_credential.then_some(rules.expiring_days),
    })
}

fn seconds(seconds: u64) -> String {
    duration::format(std::time::Duration::from_secs(seconds))
}

fn checked_threshold(given: i64) -> Result<u32, Problem> {
    let number = u32::try_from(given).ok().filter(|it| (1..=THRESHOLD_MAX).contains(it));
    let text = || format!("Threshold must be between 1 and {THRESHOLD_MAX}, or null");
    number.ok_or_else(|| Problem::invalid("threshold", text()))
}

fn window_s(text: &str) -> Result<u64, Problem> {
    let wrong = |text: String| Problem::invalid("window", text);
    let window = duration::parse(text).map_err(|bad| wrong(format!("Window {bad}")))?;
    let whole = window.subsec_nanos() == 0 && window.as_secs() <= WINDOW_S_MAX;
    let text = "Window must be whole seconds, at most 366d; 0s means that errors never decay";
    whole.then_some(window.as_secs()).ok_or_else(|| wrong(text.to_owned()))
}

fn codes(given: Vec<String>) -> Result<Vec<String>, Problem> {
    let mut codes: Vec<_> = given.iter().map(|code| code.trim().to_owned()).collect();
    codes.dedup();
    let fits = |code: &String| !code.is_empty() && code.len() <= CODE_BYTES_MAX;
    if codes.len() > CODES_MAX || !codes.iter().all(fits) {
        let text = format!("At once must be at most {CODES_MAX} codes such as 190/460");
        return Err(Problem::invalid("at_once", text));
    }
    Ok(codes)
}

fn steps(given: Vec<i64>) -> Result<Vec<u32>, Problem> {
    let days: Result<Vec<u32>, _> = given.into_iter().map(u32::try_from).collect();
    let mut days = days.unwrap_or_else(|_| vec![0]);
    days.sort_unstable_by(|one, other| other.cmp(one));
    days.dedup();
    if days.len() > STEPS_MAX || !days.iter().all(|day| (1..=DAYS_MAX).contains(day)) {
        let text = format!("Expiring days must be at most {STEPS_MAX} days from 1 to {DAYS_MAX}");
        return Err(Problem::invalid("expiring_days", text));
    }
    Ok(days)
}
