//! What a request wants a webhook to be, flat or nested under `webhook` as Rails wraps it.

use std::collections::BTreeSet;

use events::InboxId;
use events::webhook::{OPERATIONAL, SUBSCRIBABLE, subscribes};
use serde_json::{Map, Value};
use url::Url;

use super::policy::PolicyChange;
use crate::http::chatwoot::params::wrapped;
use crate::http::problem::Problem;
use crate::http::problem::brief::few;

pub(super) use crate::http::chatwoot::params::Invalid;

/// What to do instead of a password in a url.
const CREDENTIALS: &str = "Url must have no user name and no password: send them in a header, \
    {\"delivery\": {\"headers\": {\"Authorization\": \"Basic ...\"}}}, which is kept sealed";

/// As long as a url may be; what browsers and proxies take.
const URL_CHARS_MAX: usize = 2_048;

/// As long as a name may be, as in Chatwoot's own columns.
const NAME_CHARS_MAX: usize = 255;

/// The keys that belong to a webhook.
const KEYS: [&str; 5] = ["url", "name", "inbox_id", "subscriptions", "delivery"];

/// What is given; what is not stays as it is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Params {
    pub(super) url: Option<String>,
    /// The inner none takes the name away.
    pub(super) name: Option<Option<String>>,
    /// The inner none takes the inbox away.
    pub(super) inbox: Option<Option<InboxId>>,
    pub(super) subscriptions: Option<Vec<String>>,
    pub(super) policy: PolicyChange,
}

impl Params {
    /// What the body says; `creating` wants a url.
    pub(super) fn read(body: &Value, creating: bool) -> Result<Self, Problem> {
        let given = wrapped(body, "webhook", &KEYS).ok_or(Problem::Missing("webhook"))?;
        let mut invalid = Invalid::default();
        let params = Self {
            url: url(given, creating, &mut invalid),
            name: name(given, &mut invalid),
            inbox: inbox(given, &mut invalid),
            subscriptions: subscriptions(given, &mut invalid),
            policy: PolicyChange::read(given.get("delivery"), &mut invalid),
        };
        invalid.none()?;
        Ok(params)
    }
}

fn url(given: &Map<String, Value>, creating: bool, invalid: &mut Invalid) -> Option<String> {
    let value = given.get("url");
    if value.is_none() && !creating {
        return None;
    }
    let text = value.and_then(Value::as_str).map_or("", str::trim);
    if text.len() > URL_CHARS_MAX {
        let limit = format!("Url is too long (maximum is {URL_CHARS_MAX} characters)");
        invalid.add("url", limit);
    } else if !is_web_address(text) {
        invalid.add("url", "Url is invalid");
    } else if has_credentials(text) {
        invalid.add("url", CREDENTIALS);
    }
    Some(text.to_owned())
}

/// Whether it would be sent a user name or a password that stands in it: in the log too, in clear.
fn has_credentials(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
}

/// A parser would leave line breaks and tabs out, and call another address than is shown.
fn is_web_address(text: &str) -> bool {
    let plain = !text.contains(|c: char| c.is_ascii_control());
    plain
        && Url::parse(text)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}

fn name(given: &Map<String, Value>, invalid: &mut Invalid) -> Option<Option<String>> {
    let name = match given.get("name")? {
        Value::Null => return Some(None),
        Value::String(name) => name.clone(),
        // A form has only texts, so Chatwoot takes a number for one too.
        Value::Number(number) => number.to_string(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            invalid.add("name", "Name is invalid");
            return None;
        }
    };
    if name.chars().count() > NAME_CHARS_MAX {
        let limit = format!("Name is too long (maximum is {NAME_CHARS_MAX} characters)");
        invalid.add("name", limit);
    }
    Some(Some(name))
}

fn inbox(given: &Map<String, Value>, invalid: &mut Invalid) -> Option<Option<InboxId>> {
    let id = match given.get("inbox_id")? {
        Value::Null => return Some(None),
        Value::String(text) if text.is_empty() => return Some(None),
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_u64().map(InboxId),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    if id.is_none() {
        invalid.add("inbox", "Inbox must exist");
    }
    Some(id)
}

/// Null is as good as not given, because Rails lets only lists through.
fn subscriptions(given: &Map<String, Value>, invalid: &mut Invalid) -> Option<Vec<String>> {
    let value = given.get("subscriptions").filter(|value| !value.is_null())?;
    let names: Option<Vec<_>> =
        value.as_array().map(|all| all.iter().filter_map(Value::as_str).collect());
    let count = value.as_array().map_or(0, Vec::len);
    let Some(names) = names.filter(|names| !names.is_empty() && names.len() == count) else {
        refuse_subscriptions("subscriptions must be a list of at least one event", invalid);
        return None;
    };
    let unknown: Vec<_> = names.iter().copied().filter(|name| !is_known(name)).collect();
    if !unknown.is_empty() {
        let (few, more) = few(&unknown);
        refuse_subscriptions(&format!("{few:?}{more} in subscriptions are no events"), invalid);
    }
    let mut once = BTreeSet::new();
    Some(names.into_iter().filter(|name| once.insert(*name)).map(str::to_owned).collect())
}

/// In Chatwoot's words, which name nothing, and in ours.
fn refuse_subscriptions(wrong: &str, invalid: &mut Invalid) {
    invalid.add("subscriptions", "Subscriptions Invalid events");
    let known = SUBSCRIBABLE.iter().chain(&OPERATIONAL).copied().collect::<Vec<_>>().join(", ");
    invalid.explain(format!("{wrong}; there are {known}, and wildcards such as message_*"));
}

/// A wildcard is known when it means at least one event.
fn is_known(name: &str) -> bool {
    let wanted = [name.to_owned()];
    SUBSCRIBABLE.iter().chain(&OPERATIONAL).any(|event| subscribes(&wanted, event))
}

#[cfg(test)]
mod tests;
