//! Which attributes of an inbox are credentials, and how new ones go over old ones.

use events::credentials::is_name as is_credential;
use serde_json::{Map, Value};

/// Attributes and credentials, each where it was: `channel.imap_password` stays in `channel`.
pub(super) fn split(given: Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let (mut attributes, mut credentials) = (Map::new(), Map::new());
    for (key, value) in given {
        match value {
            value if is_credential(&key) => {
                credentials.insert(key, value);
            }
            Value::Object(inner) if !inner.is_empty() => {
                let (plain, secret) = split(inner);
                if !plain.is_empty() {
                    attributes.insert(key.clone(), Value::Object(plain));
                }
                if !secret.is_empty() {
                    credentials.insert(key, Value::Object(secret));
                }
            }
            // A list cannot be taken apart: its places would be lost.
            Value::Array(items) if items.iter().any(holds_credential) => {
                credentials.insert(key, Value::Array(items));
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => {
                attributes.insert(key, value);
            }
        }
    }
    (attributes, credentials)
}

/// Puts `given` over `all`: objects go into objects, null takes away (RFC 7396); what is a
/// credential itself, such as `provider_config`, is replaced whole, as in Chatwoot.
pub(super) fn merge(all: &mut Map<String, Value>, given: Map<String, Value>) {
    for (key, value) in given {
        if value.is_null() {
            all.shift_remove(&key);
            continue;
        }
        if let (Value::Object(_), false) = (&value, is_credential(&key)) {
            let below = all.entry(key).or_insert_with(|| Value::Object(Map::new()));
            if !below.is_object() {
                *below = Value::Object(Map::new());
            }
            if let (Value::Object(below), Value::Object(inner)) = (below, value) {
                merge(below, inner);
            }
        } else {
            all.insert(key, value);
        }
    }
}

fn holds_credential(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            fields.iter().any(|(key, value)| is_credential(key) || holds_credential(value))
        }
        Value::Array(items) => items.iter().any(holds_credential),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
