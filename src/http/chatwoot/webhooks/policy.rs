//! The `delivery` object of a webhook: how deliveries to it are made, where it says so itself.

use std::time::Duration;

use events::webhook::{Ordering, Policy};
use events::{InboxId, Sealed};
use serde_json::{Map, Value, json};

use super::headers;
use super::params::Invalid;
use crate::config::duration;
use crate::http::problem::Problem;
use crate::http::problem::brief::few;

const CONCURRENCY_MAX: u64 = 64;
const RATE_MAX: u64 = 10_000;
const TIMEOUT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));
const WAITS_MAX: usize = 30;
const WAIT_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);
const INBOXES_MAX: usize = 1_000;

/// What can be set.
const KNOWN: [&str; 7] = [
    "rate_per_second",
    "concurrency",
    "timeout",
    "headers",
    "retry_schedule",
    "ordering",
    "inbox_ids",
];

/// What is given; an inner none goes back to what holds for the installation.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct PolicyChange {
    concurrency: Option<Option<u32>>,
    timeout_ms: Option<Option<u64>>,
    retry_schedule_ms: Option<Option<Vec<u64>>>,
    inboxes: Option<Option<Vec<InboxId>>>,
    headers: Option<Option<Vec<headers::Given>>>,
    rate_per_second: Option<Option<u32>>,
    ordering: Option<Option<Ordering>>,
}

impl PolicyChange {
    /// What the object says; null and nothing at all change nothing.
    pub(super) fn read(value: Option<&Value>, invalid: &mut Invalid) -> Self {
        let mut change = Self::default();
        let Some(value) = value.filter(|value| !value.is_null()) else { return change };
        let Some(object) = value.as_object() else {
            invalid.add("delivery", "delivery must be an object");
            return change;
        };
        let is_known = |key: &str| KNOWN.contains(&key);
        let unknown: Vec<_> =
            object.keys().map(String::as_str).filter(|key| !is_known(key)).collect();
        if !unknown.is_empty() {
            let ((few, more), known) = (few(&unknown), KNOWN.join(", "));
            let (few, are) = (few.join(", "), if unknown.len() == 1 { "is" } else { "are" });
            let message = format!("delivery.{few}{more} {are} unknown; there are {known}");
            invalid.add("delivery", message);
        }
        for (key, value) in object {
            if let Err(problem) = change.set(key, value) {
                invalid.add("delivery", format!("delivery.{key} {problem}"));
            }
        }
        change
    }

    /// Whether nothing is given.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The inboxes that it names.
    pub(super) fn inboxes(&self) -> &[InboxId] {
        self.inboxes.as_ref().and_then(Option::as_deref).unwrap_or_default()
    }

    /// The policy that comes of it; `seal` seals the value of a header, and is told what was there
    /// before.
    ///
    /// # Errors
    /// When a header is to be left as it is and there is none.
    pub(super) fn apply(
        &self,
        policy: &Policy,
        seal: &dyn Fn(&str, &str, Option<&Sealed>) -> Sealed,
    ) -> Result<Policy, Problem> {
        let headers = match &self.headers {
            Some(given) => {
                let given = given.iter().flatten();
                given.map(|header| header.keep(&policy.headers, seal)).collect::<Result<_, _>>()?
            }
            None => policy.headers.clone(),
        };
        Ok(Policy {
            concurrency: self.concurrency.unwrap_or(policy.concurrency),
            timeout_ms: self.timeout_ms.unwrap_or(policy.timeout_ms),
            retry_schedule_ms: (self.retry_schedule_ms.clone())
                .unwrap_or_else(|| policy.retry_schedule_ms.clone()),
            inboxes: self.inboxes.clone().unwrap_or_else(|| policy.inboxes.clone()),
            headers,
            rate_per_second: self.rate_per_second.unwrap_or(policy.rate_per_second),
            ordering: self.ordering.map_or(policy.ordering, Option::unwrap_or_default),
        })
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<(), String> {
        match key {
            "concurrency" => self.concurrency = Some(or_null(value, concurrency)?),
            "timeout" => self.timeout_ms = Some(or_null(value, timeout)?),
            "retry_schedule" => self.retry_schedule_ms = Some(or_null(value, schedule)?),
            "headers" => self.headers = Some(or_null(value, headers::read)?),
            "inbox_ids" => self.inboxes = Some(or_null(value, inboxes)?),
            "rate_per_second" => self.rate_per_second = Some(or_null(value, rate)?),
            "ordering" => self.ordering = Some(or_null(value, ordering)?),
            // It is told with all others that are unknown.
            _ => {}
        }
        Ok(())
    }
}

/// The policy as the webhook's JSON shows it; null where the installation's holds.
pub(super) fn show(policy: &Policy) -> Value {
    let text = |millis: &u64| duration::format(Duration::from_millis(*millis));
    let schedule = policy.retry_schedule_ms.as_ref();
    let schedule = schedule.map(|waits| waits.iter().map(text).collect::<Vec<_>>());
    let mut shown = Map::new();
    shown.insert("concurrency".to_owned(), json!(policy.concurrency));
    shown.insert("timeout".to_owned(), json!(policy.timeout_ms.as_ref().map(text)));
    shown.insert("retry_schedule".to_owned(), json!(schedule));
    shown.insert("inbox_ids".to_owned(), json!(policy.inboxes));
    shown.insert("rate_per_second".to_owned(), json!(policy.rate_per_second));
    shown.insert("ordering".to_owned(), json!(policy.ordering));
    shown.insert("headers".to_owned(), headers::show(&policy.headers));
    Value::Object(shown)
}

fn or_null<T>(
    value: &Value,
    read: impl FnOnce(&Value) -> Result<T, String>,
) -> Result<Option<T>, String> {
    if value.is_null() { Ok(None) } else { read(value).map(Some) }
}

fn concurrency(value: &Value) -> Result<u32, String> {
    let number = value.as_u64().filter(|number| (1..=CONCURRENCY_MAX).contains(number));
    let number = number.and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| format!("must be a number from 1 to {CONCURRENCY_MAX}"))
}

fn rate(value: &Value) -> Result<u32, String> {
    let number = value.as_u64().filter(|number| (1..=RATE_MAX).contains(number));
    let number = number.and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| format!("must be a number from 1 to {RATE_MAX}"))
}

fn ordering(value: &Value) -> Result<Ordering, String> {
    let ordering = value.as_str().and_then(|word| word.parse().ok());
    ordering.ok_or_else(|| "must be none, fifo or by_key".to_owned())
}

fn timeout(value: &Value) -> Result<u64, String> {
    let (least, most) = TIMEOUT;
    let given = wait(value).filter(|given| (least..=most).contains(given)).map(millis);
    let limits = || {
        let (least, most) = (duration::format(least), duration::format(most));
        format!("must be a duration from {least} to {most}, such as \"5s\"")
    };
    given.ok_or_else(limits)
}

fn schedule(value: &Value) -> Result<Vec<u64>, String> {
    let given = value.as_array().filter(|waits| waits.len() <= WAITS_MAX);
    let waits = given.and_then(|waits| {
        waits.iter().map(|one| wait(one).filter(|wait| *wait <= WAIT_MAX).map(millis)).collect()
    });
    let limits = || {
        let longest = duration::format(WAIT_MAX);
        format!("must be a list of at most {WAITS_MAX} durations up to {longest} each")
    };
    waits.ok_or_else(limits)
}

fn inboxes(value: &Value) -> Result<Vec<InboxId>, String> {
    let given = value.as_array().filter(|ids| (1..=INBOXES_MAX).contains(&ids.len()));
    let ids =
        given.and_then(|ids| ids.iter().map(|id| id.as_u64().map(InboxId)).collect::<Option<_>>());
    ids.ok_or_else(|| format!("must be a list of 1 to {INBOXES_MAX} inbox numbers, or null"))
}

fn wait(value: &Value) -> Option<Duration> {
    duration::parse(value.as_str()?).ok()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
