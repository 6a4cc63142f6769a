//! The bodies that subscribers receive, in Chatwoot's shapes.

use events::platform::EventReceived;
use events::{AccountId, InboxId, Timestamp};
use serde_json::{Map, Value, json};

/// An inbox at the moment of an event.
#[derive(Debug, Clone)]
pub(super) struct InboxFacts {
    pub(super) id: InboxId,
    pub(super) account: AccountId,
    pub(super) name: String,
    pub(super) channel_type: String,
    /// Further attributes, a JSON object.
    pub(super) attributes: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// A platform event's content with `event` merged last, as Chatwoot's listener does, and the
/// inbox it happened in. None when it is no JSON object.
///
/// What the platform wrote is kept to the letter, so that no number changes on its way.
pub(super) fn of_platform_event(received: &EventReceived) -> Option<(String, Option<InboxId>)> {
    let mut content: Map<String, Value> = serde_json::from_str(&received.data).ok()?;
    let inbox = inbox_of(&content);
    let event = Value::from(received.event.as_str());
    if content.contains_key("event") {
        content.shift_remove("event");
        content.insert("event".into(), event);
        return Some((Value::Object(content).to_string(), inbox));
    }
    let head = received.data.trim_end().strip_suffix('}')?.trim_end();
    let comma = if content.is_empty() { "" } else { "," };
    Some((format!(r#"{head}{comma}"event":{event}}}"#), inbox))
}

/// Where Chatwoot's payloads say which inbox they are about.
fn inbox_of(body: &Map<String, Value>) -> Option<InboxId> {
    let conversation = body.get("conversation");
    let places = [
        body.get("inbox").and_then(|inbox| inbox.get("id")),
        body.get("inbox_id"),
        conversation.and_then(|conversation| conversation.get("inbox_id")),
    ];
    places.into_iter().flatten().find_map(Value::as_u64).map(InboxId)
}

/// Chatwoot's inbox representation with `id`, `name` and `channel_type`, without any credential,
/// and what changed.
pub(super) fn of_transition(
    event: &str,
    facts: &InboxFacts,
    account_name: &str,
    required: bool,
) -> String {
    let mut body = representation(facts);
    body.insert("account".into(), json!({ "id": facts.account, "name": account_name }));
    let change = json!({ "previous_value": !required, "current_value": required });
    body.insert("changed_attributes".into(), json!([{ "reauthorization_required": change }]));
    body.insert("event".into(), event.into());
    Value::Object(body).to_string()
}

/// The keys of Chatwoot's `Inbox::EventDataPresenter` with the defaults of its schema, and over
/// them whatever the platform registered.
fn representation(facts: &InboxFacts) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("id".into(), json!(facts.id));
    body.insert("name".into(), json!(facts.name));
    body.insert("channel_type".into(), json!(facts.channel_type));
    let defaults = [
        ("allow_messages_after_resolved", json!(true)),
        ("lock_to_single_conversation", json!(false)),
        ("auto_assignment_config", json!({})),
        ("enable_auto_assignment", json!(true)),
        ("enable_email_collect", json!(true)),
        ("greeting_enabled", json!(false)),
        ("greeting_message", Value::Null),
        ("csat_survey_enabled", json!(false)),
        ("business_name", Value::Null),
        ("sender_name_type", json!("friendly")),
        ("timezone", json!("UTC")),
        ("out_of_office_message", Value::Null),
        ("working_hours_enabled", json!(false)),
        ("working_hours", json!([])),
        ("created_at", json!(facts.created_at.to_millis())),
        ("updated_at", json!(facts.updated_at.to_millis())),
    ];
    body.extend(defaults.map(|(key, value)| (key.to_owned(), value)));
    // Attributes were checked to be an object when the inbox was registered.
    let attributes: Map<String, Value> =
        serde_json::from_str(&facts.attributes).unwrap_or_default();
    for (key, value) in attributes {
        if !matches!(key.as_str(), "id" | "name" | "channel_type" | "account" | "event") {
            body.insert(key, value);
        }
    }
    body
}

#[cfg(test)]
mod tests;
