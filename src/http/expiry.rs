//! When a credential ends, as Chatwoot's channels say it, and hooks with them.

use events::Timestamp;
use serde_json::{Map, Value};

use super::problem::Problem;

/// What names the end: where a credential can be refreshed it lives as long as what refreshes it.
const NAMES: [&str; 2] = ["refresh_token_expires_at", "expires_at"];

/// What stands under this name is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{name} is no time such as 2026-11-21T09:30:00Z")]
pub(super) struct BadTime {
    pub(super) name: &'static str,
}

impl From<BadTime> for Problem {
    fn from(bad: BadTime) -> Self {
        Self::invalid(bad.name, bad.to_string())
    }
}

/// What is said of the end, at the top or in `channel`; the inner none takes it back.
pub(super) fn given(said: &Map<String, Value>) -> Result<Option<Option<Timestamp>>, BadTime> {
    let channel = said.get("channel").and_then(Value::as_object);
    for name in NAMES {
        if let Some(value) = said.get(name).or_else(|| channel?.get(name)) {
            return moment(value).map(Some).ok_or(BadTime { name });
        }
    }
    Ok(None)
}

/// RFC 3339, or seconds since the Unix epoch; null and an empty text mean that it is not known.
fn moment(value: &Value) -> Option<Option<Timestamp>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) if text.trim().is_empty() => Some(None),
        Value::String(text) => text.trim().parse().ok().map(Some),
        Value::Number(number) => {
            let micros = number.as_i64()?.checked_mul(1_000_000)?;
            Some(Some(Timestamp::from_micros(micros)))
        }
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
