//! What subscribers receive of an inbox, in Chatwoot's shapes.

use events::{InboxId, Timestamp, credentials};
use serde_json::{Map, Value, json};

use super::history::{Change, Known};
use crate::hook::Hook;
use crate::inbox::{Inbox, Profile};

/// What no attribute may say in Relink's stead.
const OURS: [&str; 7] =
    ["id", "name", "channel_type", "updated_at", "account", "changed_attributes", "event"];

const UPDATED: &str = "inbox_updated";

/// What subscribers are told of a change: Chatwoot's inbox representation with `id`, `name` and
/// `channel_type`, without any credential, and what changed. None when they see no difference, and
/// when the inbox is gone. The event's name comes first.
pub(super) fn of_change(
    change: &Change<Inbox>,
    account_name: &str,
) -> Option<(&'static str, String)> {
    let (id, profile) = (InboxId(change.number), change.after.subject.profile()?);
    let mut body = representation(id, profile);
    let (name, changed) = match change.before.subject.profile() {
        None => ("inbox_created", None),
        Some(before) => {
            let before = representation(id, before);
            let required = [change.before.is_required(), change.after.is_required()];
            let changed = changed_attributes(&before, &body, required);
            (UPDATED, Some(changed))
        }
    };
    if changed.as_ref().is_some_and(Vec::is_empty) {
        return None;
    }
    complete(&mut body, &change.after, change.at, account_name);
    if let Some(changed) = changed {
        body.insert("changed_attributes".into(), Value::Array(changed));
    }
    body.insert("event".into(), name.into());
    Some((name, Value::Object(body).to_string()))
}

/// What subscribers are told of a hook that works for one inbox, as in Chatwoot: that inbox, with
/// what changed about the hook, and which hook that is. None where it was no transition.
pub(super) fn of_hook(
    change: &Change<Hook>,
    id: InboxId,
    inbox: &Known<Inbox>,
    account_name: &str,
) -> Option<(&'static str, String)> {
    let [was, is] = [change.before.is_required(), change.after.is_required()];
    let (facts, profile) = (&change.after.subject.live()?.facts, inbox.subject.profile()?);
    if was == is || facts.account != profile.account {
        return None;
    }
    let mut body = representation(id, profile);
    complete(&mut body, inbox, change.at, account_name);
    body.insert("hook".into(), json!({ "id": change.number, "app_id": facts.app }));
    body.insert("changed_attributes".into(), json!([reauthorization_changed(was, is)]));
    body.insert("event".into(), UPDATED.into());
    Some((UPDATED, Value::Object(body).to_string()))
}

/// What stands in each body beside the representation.
fn complete(body: &mut Map<String, Value>, inbox: &Known<Inbox>, at: Timestamp, account: &str) {
    let time = |at: Timestamp| json!(at.to_millis());
    let created_at = inbox.created_at.unwrap_or(at);
    body.entry("created_at").or_insert_with(|| time(created_at));
    body.insert("updated_at".into(), time(at));
    let id = inbox.subject.profile().map(|profile| profile.account);
    body.insert("account".into(), json!({ "id": id, "name": account }));
}

fn reauthorization_changed(was: bool, is: bool) -> Value {
    changed_attribute("reauthorization_required", Some(&was.into()), Some(&is.into()))
}

/// As Chatwoot's `BaseListener#extract_changed_attributes`: one object with one key for each
/// attribute that changed. What is only about time, `updated_at`, is left out.
fn changed_attributes(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    [was, is]: [bool; 2],
) -> Vec<Value> {
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    let keys = after.keys().chain(gone).filter(|key| before.get(*key) != after.get(*key));
    let mut changed: Vec<_> =
        keys.map(|key| changed_attribute(key, before.get(key), after.get(key))).collect();
    if was != is {
        changed.push(reauthorization_changed(was, is));
    }
    changed
}

/// `{"name": {"previous_value": "A", "current_value": "B"}}`
pub(super) fn changed_attribute(key: &str, was: Option<&Value>, is: Option<&Value>) -> Value {
    json!({ key: { "previous_value": was, "current_value": is } })
}

/// The keys of Chatwoot's `Inbox::EventDataPresenter` with the defaults of its schema, and over
/// them whatever the platform registered.
fn representation(id: InboxId, profile: &Profile) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("id".into(), json!(id));
    body.insert("name".into(), json!(profile.name));
    body.insert("channel_type".into(), json!(profile.channel_type));
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
    ];
    body.extend(defaults.map(|(key, value)| (key.to_owned(), value)));
    // Attributes were checked to be an object when the inbox was registered. Their credentials
    // were sealed then, by the names that were known at that time.
    let mut attributes: Value = serde_json::from_str(&profile.attributes).unwrap_or_default();
    credentials::strip(&mut attributes);
    let Value::Object(attributes) = attributes else { return body };
    body.extend(attributes.into_iter().filter(|(key, _)| !OURS.contains(&key.as_str())));
    body
}

#[cfg(test)]
mod tests;
