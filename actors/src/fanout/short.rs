//! What is told of an event that is too large for a ledger: that it happened, and of it as much as
//! there is room for.

use std::collections::BTreeMap;

use events::{EndpointId, Position};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

/// As many bytes as a field has at most that is told: ids, names and states do.
const FIELD_MAX: usize = 1 << 10;

/// As many as all fields have together, but for the few that say what it is.
const FIELDS_MAX: usize = 8 << 10;

/// The body of an event of that name without its large fields, and with `too_large`: how large it
/// was.
pub(super) fn of(event: &str, body: &str) -> String {
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(body).unwrap_or_default();
    let mut room = FIELDS_MAX;
    fields.retain(|key, value| {
        let size = key.len() + value.get().len();
        let fits = size <= FIELD_MAX.min(room);
        room -= if fits { size } else { 0 };
        fits
    });
    let said = [("event", Value::from(event)), ("too_large", json!({ "bytes": body.len() }))]
        .map(|(key, value)| (key.to_owned(), to_raw_value(&value).expect("a value is JSON")));
    for (key, value) in &said {
        fields.insert(key.clone(), value);
    }
    serde_json::to_string(&fields).expect("fields of JSON are JSON")
}

/// What is told in short of one batch of debts, to be said once of each event, however many of the
/// batch it is owed to.
#[derive(Debug, Default)]
pub(super) struct Shortened(BTreeMap<Position, Short>);

/// Of one event.
#[derive(Debug, PartialEq, Eq)]
struct Short {
    /// The first of them, for whoever wants to look at one.
    endpoint: EndpointId,
    endpoints: usize,
    /// Of the largest body.
    bytes: usize,
}

impl Shortened {
    /// One more endpoint is told in short of what happened there, which came to so many bytes.
    pub(super) fn add(&mut self, position: Position, endpoint: EndpointId, bytes: usize) {
        let none = Short { endpoint, endpoints: 0, bytes: 0 };
        let short = self.0.entry(position).or_insert(none);
        short.endpoints += 1;
        short.bytes = short.bytes.max(bytes);
    }

    /// Says so.
    pub(super) fn warn(&self) {
        for (position, Short { endpoint, endpoints, bytes }) in &self.0 {
            tracing::warn!(
                %position, %endpoint, endpoints, bytes,
                "what position {position} owes to {endpoints} endpoints, such as {endpoint}, is \
                 told in short: its {bytes} bytes are more than the log takes at once"
            );
        }
    }
}

#[cfg(test)]
mod tests;
