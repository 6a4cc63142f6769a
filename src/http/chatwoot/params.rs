//! What all of Chatwoot's routes take and refuse alike.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::http::body;
use crate::http::problem::Problem;

/// Everything that is wrong with parameters, in Chatwoot's words where it has some.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Invalid {
    pub(super) messages: Vec<String>,
    pub(super) attributes: BTreeSet<&'static str>,
    pub(super) details: Vec<String>,
}

impl Invalid {
    pub(super) fn add(&mut self, attribute: &'static str, message: impl Into<String>) {
        self.messages.push(message.into());
        self.attributes.insert(attribute);
    }

    /// What Chatwoot's message leaves out.
    pub(super) fn explain(&mut self, detail: impl Into<String>) {
        self.details.push(detail.into());
    }

    /// Whether nothing is wrong.
    pub(super) fn none(self) -> Result<(), Problem> {
        if self.messages.is_empty() {
            return Ok(());
        }
        let attributes = self.attributes.into_iter().collect();
        let message = self.messages.join(", ");
        Err(Problem::Invalid { message, attributes, details: self.details })
    }
}

/// The body's JSON. No body at all is as good as an empty object: it misses what is wanted.
pub(super) fn read(body: &[u8]) -> Result<Value, Problem> {
    if body.trim_ascii().is_empty() { Ok(Value::Null) } else { body::any(body) }
}

/// The object that the parameters are in, flat or nested under `name` as Rails wraps them, unless
/// none of `keys` is there.
pub(super) fn wrapped<'a>(
    body: &'a Value,
    name: &str,
    keys: &[&str],
) -> Option<&'a Map<String, Value>> {
    let flat = body.as_object()?;
    let given = match flat.get(name) {
        Some(nested) => nested.as_object()?,
        None => flat,
    };
    keys.iter().any(|key| given.contains_key(*key)).then_some(given)
}
