//! What a request wants a rule to be, and what Chatwoot finds wrong with it.

use actors::rule::Change;
use events::AccountId;
use events::rule::Created;
use serde_json::{Map, Value, json};

use crate::http::problem::Problem;
use crate::http::problem::brief::few;

/// As many characters as a name may have, as in Chatwoot's own columns.
const NAME_CHARS_MAX: usize = 255;

/// As many messages as are told of one attribute; a list may be wrong in each of its items.
const MESSAGES_MAX: usize = 10;

/// What conditions are about (`AutomationRule::CONDITIONS_ATTRS`).
const CONDITIONS: [&str; 18] = [
    "content",
    "email",
    "country_code",
    "status",
    "message_type",
    "browser_language",
    "assignee_id",
    "team_id",
    "referer",
    "city",
    "company_name",
    "inbox_id",
    "mail_subject",
    "phone_number",
    "priority",
    "conversation_language",
    "labels",
    "private_note",
];

/// What rules do (`AutomationRule::ACTIONS_ATTRS`).
const ACTIONS: [&str; 19] = [
    "send_message",
    "add_label",
    "remove_label",
    "send_email_to_team",
    "assign_team",
    "assign_agent",
    "remove_assigned_agent",
    "remove_assigned_team",
    "send_webhook_event",
    "mute_conversation",
    "send_attachment",
    "change_status",
    "resolve_conversation",
    "open_conversation",
    "pending_conversation",
    "snooze_conversation",
    "change_priority",
    "send_email_transcript",
    "add_private_note",
];

/// Everything that is wrong, by attribute, as Rails tells it.
#[derive(Default)]
struct Errors(Map<String, Value>);

impl Errors {
    fn add(&mut self, attribute: &str, message: impl Into<String>) {
        let messages = self.0.entry(attribute).or_insert_with(|| json!([]));
        if let Some(messages) = messages.as_array_mut()
            && messages.len() < MESSAGES_MAX
        {
            messages.push(Value::String(message.into()));
        }
    }

    fn none(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::Unprocessable(Value::Object(self.0))) }
    }
}

/// The rule to make.
pub(super) fn creation(body: &Value, account: AccountId) -> Result<Created, Problem> {
    let change = read(body, true)?;
    Ok(Created {
        account,
        name: change.name.unwrap_or_default(),
        description: change.description.flatten(),
        event_name: change.event_name.unwrap_or_default(),
        conditions: change.conditions.unwrap_or_else(|| "[]".to_owned()),
        actions: change.actions.unwrap_or_else(|| "[]".to_owned()),
        active: change.active.unwrap_or(true),
    })
}

/// What to change.
pub(super) fn change(body: &Value) -> Result<Change, Problem> {
    read(body, false)
}

fn read(body: &Value, creating: bool) -> Result<Change, Problem> {
    let empty = Map::new();
    let given = body.as_object().unwrap_or(&empty);
    let mut errors = Errors::default();
    let conditions = list(given, "conditions", &mut errors);
    if let Some(conditions) = &conditions {
        check_conditions(conditions, &mut errors);
    }
    let actions = list(given, "actions", &mut errors);
    if let Some(actions) = &actions {
        check_actions(actions, &mut errors);
    }
    let change = Change {
        name: text(given, "name", creating, &mut errors),
        description: description(given, &mut errors),
        event_name: text(given, "event_name", creating, &mut errors),
        conditions: conditions.map(written),
        actions: actions.map(written),
        active: active(given, &mut errors),
    };
    errors.none()?;
    Ok(change)
}

fn written(list: Vec<Map<String, Value>>) -> String {
    Value::from_iter(list.into_iter().map(Value::Object)).to_string()
}

/// A list of objects; null is as good as not given.
fn list(
    given: &Map<String, Value>,
    key: &str,
    errors: &mut Errors,
) -> Option<Vec<Map<String, Value>>> {
    let value = given.get(key).filter(|value| !value.is_null())?;
    let items = value.as_array().into_iter().flatten();
    let objects: Option<Vec<_>> = items.map(|item| item.as_object().cloned()).collect();
    let objects = objects.filter(|_| value.is_array());
    if objects.is_none() {
        errors.add(key, "must be a list of objects");
    }
    objects
}

fn check_conditions(conditions: &[Map<String, Value>], errors: &mut Errors) {
    // Which custom attributes an account has, only the host platform knows: a condition on one says
    // of which kind it is.
    let custom = |condition: &Map<String, Value>| {
        let kind = condition.get("custom_attribute_type").and_then(Value::as_str);
        kind.is_some_and(|kind| !kind.is_empty())
    };
    let known = |condition: &Map<String, Value>| {
        custom(condition) || CONDITIONS.contains(&word(condition, "attribute_key"))
    };
    let unknown: Vec<_> = conditions.iter().filter(|condition| !known(condition)).collect();
    if !unknown.is_empty() {
        let keys: Vec<_> = unknown.iter().map(|it| word(it, "attribute_key")).collect();
        errors.add("conditions", format!("Automation conditions {} not supported.", told(&keys)));
    }
    let operator = |condition: &Map<String, Value>| {
        condition.get("query_operator").filter(|operator| !operator.is_null()).cloned()
    };
    if conditions.iter().filter(|condition| operator(condition).is_none()).count() > 1 {
        errors.add("conditions", "Automation conditions should have query operator.");
    }
    let sound = |operator: &Value| {
        operator.as_str().is_some_and(|operator| {
            ["", "AND", "OR"].iter().any(|known| known.eq_ignore_ascii_case(operator))
        })
    };
    for _ in conditions.iter().filter_map(operator).filter(|operator| !sound(operator)) {
        errors.add("conditions", "Query operator must be either \"AND\" or \"OR\"");
    }
}

fn check_actions(actions: &[Map<String, Value>], errors: &mut Errors) {
    let names = actions.iter().map(|action| word(action, "action_name"));
    let unknown: Vec<_> = names.filter(|name| !ACTIONS.contains(name)).collect();
    if !unknown.is_empty() {
        errors.add("actions", format!("Automation actions {} not supported.", told(&unknown)));
    }
}

/// As Chatwoot joins them, and not however many there are.
fn told(unknown: &[&str]) -> String {
    let (few, more) = few(unknown);
    few.join(",") + &more
}

fn word<'a>(object: &'a Map<String, Value>, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or("")
}

fn text(
    given: &Map<String, Value>,
    key: &str,
    required: bool,
    errors: &mut Errors,
) -> Option<String> {
    let value = given.get(key).filter(|value| !value.is_null());
    let text = value.and_then(Value::as_str).map(str::trim).unwrap_or("");
    match (value, text) {
        (None, _) if !required => return None,
        (None | Some(_), "") => errors.add(key, "can't be blank"),
        (_, text) if text.chars().count() > NAME_CHARS_MAX => {
            errors.add(key, format!("is too long (maximum is {NAME_CHARS_MAX} characters)"));
        }
        (None | Some(_), _) => {}
    }
    Some(text.to_owned())
}

fn description(given: &Map<String, Value>, errors: &mut Errors) -> Option<Option<String>> {
    match given.get("description")? {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            errors.add("description", "is invalid");
            None
        }
    }
}

/// Rails takes what a form says for a flag too.
fn active(given: &Map<String, Value>, errors: &mut Errors) -> Option<bool> {
    let value = given.get("active").filter(|value| !value.is_null())?;
    let read = match (value.as_bool(), value.as_str(), value.as_u64()) {
        (Some(flag), _, _) => Some(flag),
        (_, Some("true" | "1"), _) | (_, _, Some(1)) => Some(true),
        (_, Some("false" | "0"), _) | (_, _, Some(0)) => Some(false),
        _ => None,
    };
    if read.is_none() {
        errors.add("active", "is invalid");
    }
    read
}

#[cfg(test)]
mod tests;
