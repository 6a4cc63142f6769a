//! What a request wants a hook to be, flat or nested under `hook` as Rails wraps it.

use events::{InboxId, Timestamp};
use serde_json::{Map, Value};

use super::apps::App;
use crate::http::chatwoot::params::{Invalid, wrapped};
use crate::http::expiry;
use crate::http::problem::Problem;

/// As many characters as a text may have, as in Chatwoot's own columns.
const TEXT_CHARS_MAX: usize = 255;

/// As many as a token may have.
const TOKEN_CHARS_MAX: usize = 8_192;

/// The keys that belong to a hook.
const KEYS: [&str; 8] = [
    "app_id",
    "inbox_id",
    "status",
    "settings",
    "reference_id",
    "access_token",
    "refresh_token_expires_at",
    "expires_at",
];

/// A hook to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Creation {
    pub(super) app: &'static App,
    /// Of an application that works for one.
    pub(super) inbox: Option<InboxId>,
    pub(super) enabled: bool,
    pub(super) settings: Map<String, Value>,
    pub(super) reference: Option<String>,
    pub(super) access_token: Option<String>,
    /// When its credential ends, where that is known.
    pub(super) expires_at: Option<Timestamp>,
}

/// What to change; what is not given stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) enabled: Option<bool>,
    pub(super) settings: Option<Map<String, Value>>,
    pub(super) access_token: Option<String>,
    /// When its credential ends; the inner none takes it back.
    pub(super) expires_at: Option<Option<Timestamp>>,
}

impl Creation {
    pub(super) fn read(body: &Value) -> Result<Self, Problem> {
        let given = given(body)?;
        let mut invalid = Invalid::default();
        let app = app(given, &mut invalid);
        let enabled = status(given, &mut invalid).unwrap_or(true);
        let inbox = app.filter(|app| app.of_inbox).and_then(|_| inbox(given, &mut invalid));
        let settings = object(given).unwrap_or_else(|| Some(Map::new()));
        if let Some(app) = app {
            check(app, settings.as_ref(), &mut invalid);
        }
        let reference = text(given, "reference_id", TEXT_CHARS_MAX, &mut invalid);
        let access_token = text(given, "access_token", TOKEN_CHARS_MAX, &mut invalid);
        let expires_at = expiry(given, &mut invalid).flatten();
        invalid.none()?;
        let app = app.ok_or(Problem::Bug)?;
        let settings = settings.unwrap_or_default();
        Ok(Self { app, inbox, enabled, settings, reference, access_token, expires_at })
    }
}

impl Change {
    /// As in Chatwoot, of which application it is and where it works cannot be changed.
    pub(super) fn read(body: &Value, app: &App) -> Result<Self, Problem> {
        let given = given(body)?;
        let mut invalid = Invalid::default();
        let settings = object(given);
        if let Some(settings) = &settings {
            check(app, settings.as_ref(), &mut invalid);
        }
        let change = Self {
            enabled: status(given, &mut invalid),
            settings: settings.map(Option::unwrap_or_default),
            access_token: text(given, "access_token", TOKEN_CHARS_MAX, &mut invalid),
            expires_at: expiry(given, &mut invalid),
        };
        invalid.none()?;
        Ok(change)
    }
}

fn given(body: &Value) -> Result<&Map<String, Value>, Problem> {
    wrapped(body, "hook", &KEYS).ok_or(Problem::Missing("hook"))
}

fn app(given: &Map<String, Value>, invalid: &mut Invalid) -> Option<&'static App> {
    let id = given.get("app_id").and_then(Value::as_str).unwrap_or("");
    let app = App::find(id);
    match (app, id) {
        (Some(_), _) => {}
        (None, "") => invalid.add("app_id", "App can't be blank"),
        (None, _) => invalid.add("app_id", "App is invalid"),
    }
    app
}

fn inbox(given: &Map<String, Value>, invalid: &mut Invalid) -> Option<InboxId> {
    let id = match given.get("inbox_id") {
        None | Some(Value::Null) => {
            invalid.add("inbox_id", "Inbox can't be blank");
            return None;
        }
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64().map(InboxId),
    };
    if id.is_none() {
        invalid.add("inbox_id", "Inbox must exist");
    }
    id
}

/// Rails knows an enum by name and by number; the JSON of a hook shows it as a boolean.
fn status(given: &Map<String, Value>, invalid: &mut Invalid) -> Option<bool> {
    let value = given.get("status").filter(|value| !value.is_null())?;
    let read = match (value.as_bool(), value.as_str(), value.as_u64()) {
        (Some(flag), _, _) => Some(flag),
        (_, Some("enabled" | "1"), _) | (_, _, Some(1)) => Some(true),
        (_, Some("disabled" | "0"), _) | (_, _, Some(0)) => Some(false),
        _ => None,
    };
    if read.is_none() {
        invalid.add("status", "Status is invalid");
    }
    read
}

/// The settings that are given; the inner none is no object.
fn object(given: &Map<String, Value>) -> Option<Option<Map<String, Value>>> {
    let value = given.get("settings").filter(|value| !value.is_null())?;
    Some(value.as_object().cloned())
}

fn check(app: &App, settings: Option<&Map<String, Value>>, invalid: &mut Invalid) {
    if !settings.is_some_and(|settings| app.takes(settings)) {
        invalid.add("settings", "Settings : Invalid settings data");
    }
}

fn expiry(given: &Map<String, Value>, invalid: &mut Invalid) -> Option<Option<Timestamp>> {
    match expiry::given(given) {
        Ok(said) => said,
        Err(bad) => {
            invalid.add(bad.name, bad.to_string());
            None
        }
    }
}

fn text(
    given: &Map<String, Value>,
    key: &'static str,
    most: usize,
    invalid: &mut Invalid,
) -> Option<String> {
    let value = given.get(key).filter(|value| !value.is_null())?;
    let text = value.as_str().filter(|text| text.chars().count() <= most);
    if text.is_none() {
        let name = if key == "access_token" { "Access token" } else { "Reference" };
        invalid.add(key, format!("{name} must be a text of at most {most} characters"));
    }
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
