//! The `headers` of a webhook's `delivery`: what is sent beside our own. A value is a secret, and
//! never shown again, unless it is said to be plain.

use axum::http::{HeaderName, HeaderValue};
use events::Sealed;
use events::webhook::{Header, HeaderValue as Kept};
use serde_json::{Map, Value, json};

use crate::http::problem::Problem;

const COUNT_MAX: usize = 20;
const NAME_CHARS_MAX: usize = 100;
const VALUE_BYTES_MAX: usize = 2_048;

/// What stands in the place of a secret; sent back, it leaves the value as it is.
const REDACTED: &str = "[redacted]";

/// Headers that say what a request is, where it goes and who made it; and those between two
/// stations (RFC 9110, section 7.6.1).
const RESERVED: [&str; 20] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];

/// Headers that receivers take for proof of where a delivery comes from.
const RESERVED_PREFIXES: [&str; 3] = ["webhook-", "x-chatwoot-", "x-forwarded-"];

/// One header as it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    name: String,
    value: GivenValue,
}

#[derive(Clone, PartialEq, Eq)]
enum GivenValue {
    Plain(String),
    Secret(String),
    AsItIs,
}

impl std::fmt::Debug for GivenValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Secret(_) => "Secret",
            Self::AsItIs => "AsItIs",
        })
    }
}

/// What the object says.
pub(super) fn read(value: &Value) -> Result<Vec<Given>, String> {
    let given = value.as_object().filter(|given| given.len() <= COUNT_MAX);
    let given = given.ok_or_else(|| format!("must be an object of at most {COUNT_MAX} headers"))?;
    let headers: Vec<Given> =
        given.iter().map(|(name, value)| one(name, value)).collect::<Result<_, _>>()?;
    for (nth, header) in headers.iter().enumerate() {
        if headers[..nth].iter().any(|other| header.is_called(&other.name)) {
            return Err(format!("name {} twice", header.name));
        }
    }
    Ok(headers)
}

fn one(name: &str, value: &Value) -> Result<Given, String> {
    let known = HeaderName::from_bytes(name.as_bytes());
    let Some(known) = known.ok().filter(|_| name.len() <= NAME_CHARS_MAX) else {
        return Err(format!("cannot be named {name:?}"));
    };
    let ours = |prefix: &&str| known.as_str().starts_with(*prefix);
    if RESERVED.contains(&known.as_str()) || RESERVED_PREFIXES.iter().any(ours) {
        return Err(format!("cannot hold {name}: it is reserved"));
    }
    let (text, plain) = match (value.as_str(), value["value"].as_str(), &value["plain"]) {
        (Some(text), ..) => (text, false),
        (None, Some(text), plain) => (text, plain.as_bool().unwrap_or(false)),
        (None, None, _) => {
            return Err(format!("must say {name} as a text, or as {{\"value\",\"plain\"}}"));
        }
    };
    // The text is not repeated: it may be a secret.
    let sendable = HeaderValue::from_str(text).is_ok() && text == text.trim();
    if !sendable || text.len() > VALUE_BYTES_MAX {
        return Err(format!("cannot send the value of {name}: visible ASCII up to 2048 bytes"));
    }
    let value = match (text, plain) {
        (REDACTED, _) => GivenValue::AsItIs,
        (text, true) => GivenValue::Plain(text.to_owned()),
        (text, false) => GivenValue::Secret(text.to_owned()),
    };
    Ok(Given { name: name.to_owned(), value })
}

impl Given {
    fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The header as it is kept; `seal` is told what was there before, so that a secret that is
    /// given again is no change.
    pub(super) fn keep(
        &self,
        before: &[Header],
        seal: &dyn Fn(&str, &str, Option<&Sealed>) -> Sealed,
    ) -> Result<Header, Problem> {
        let known = before.iter().find(|known| self.is_called(&known.name));
        let sealed = known.and_then(|known| match &known.value {
            Kept::Sealed(sealed) => Some(sealed),
            Kept::Plain(_) => None,
        });
        let value = match (&self.value, known) {
            (GivenValue::Plain(text), _) => Kept::Plain(text.clone()),
            (GivenValue::Secret(text), _) => Kept::Sealed(seal(&self.name, text, sealed)),
            (GivenValue::AsItIs, Some(known)) => known.value.clone(),
            (GivenValue::AsItIs, None) => {
                let name = &self.name;
                let message = format!("delivery.headers: there is no {name} to be left as it is");
                return Err(Problem::invalid("delivery", message));
            }
        };
        Ok(Header { name: self.name.clone(), value })
    }
}

/// The headers as the webhook's JSON shows them.
pub(super) fn show(headers: &[Header]) -> Value {
    let shown = |header: &Header| {
        let value = match &header.value {
            Kept::Plain(text) => json!({ "value": text, "plain": true }),
            Kept::Sealed(_) => json!(REDACTED),
        };
        (header.name.clone(), value)
    };
    Value::Object(headers.iter().map(shown).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests;
