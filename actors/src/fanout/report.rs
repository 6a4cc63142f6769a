//! What the platform reported, by the rules of Chatwoot's `WebhookListener`.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use events::platform::EventReceived;
use events::webhook::SUBSCRIBABLE;
use events::{InboxId, credentials};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// What becomes of a reported event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Report {
    /// Whoever wants it is sent it.
    Told(Told),
    /// By Chatwoot's rules nobody is.
    Untold,
    /// It is no JSON object.
    Unreadable,
}

/// An event that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// Its content with `event` merged last, as Chatwoot's listener does.
    pub(super) body: String,
    /// Where it happened, if it did in an inbox.
    pub(super) inbox: Option<InboxId>,
    /// Whether it goes to that inbox's own webhook too.
    pub(super) to_inbox: bool,
    /// See [`events::delivery::Queued::key`].
    pub(super) key: Option<String>,
}

/// What is written otherwise than the platform wrote it; none takes a field away.
type Edits = Vec<(String, Option<Value>)>;

/// What the platform wrote is kept to the letter where no rule says otherwise, so that no number
/// changes on its way.
pub(super) fn read(received: &EventReceived) -> Report {
    let event = received.event.as_str();
    let Ok(content) = serde_json::from_str::<Map<String, Value>>(&received.data) else {
        return Report::Unreadable;
    };
    let (open, mut edits) = without_credentials(event, &content);
    let open = open.as_ref().unwrap_or(&content);
    if is_untold(event, open) {
        return Report::Untold;
    }
    edits.extend(self::edits(event, open));
    let body = match with_event(received, &content, &edits) {
        Some(body) => body,
        None => match rewritten(received, &content, &edits) {
            Some(body) => body,
            None => return Report::Unreadable,
        },
    };
    let to_account_only = event.starts_with("contact_") || event.starts_with("inbox_");
    let to_inbox = SUBSCRIBABLE.contains(&event) && !to_account_only;
    let inbox = inbox_of(&content);
    let key = key_of(event, &content, inbox);
    Report::Told(Told { body, inbox, to_inbox, key })
}

/// Activity messages are Chatwoot's own notes and never sent; private notes are. An update that
/// changed nothing is none, where the platform says what changed.
fn is_untold(event: &str, content: &Map<String, Value>) -> bool {
    match event {
        "message_created" | "message_updated" => {
            let kind = content.get("message_type");
            kind.is_some_and(|kind| kind.as_str() == Some("activity") || kind.as_u64() == Some(2))
        }
        "contact_updated" | "inbox_updated" => {
            content.get("changed_attributes").is_some_and(is_blank)
        }
        _ => false,
    }
}

/// Chatwoot's inbox events show its channels with all their secrets; ours do not, whoever reports
/// them. None where there is nothing to hide.
fn without_credentials(
    event: &str,
    content: &Map<String, Value>,
) -> (Option<Map<String, Value>>, Edits) {
    if !event.starts_with("inbox_") {
        return (None, vec![]);
    }
    let mut open = Value::Object(content.clone());
    credentials::strip(&mut open);
    let Value::Object(open) = open else { return (None, vec![]) };
    let hidden = content.iter().filter(|(key, value)| open.get(*key) != Some(*value));
    let edits = hidden.map(|(key, _)| (key.clone(), open.get(key).cloned())).collect();
    (Some(open), edits)
}

fn edits(event: &str, content: &Map<String, Value>) -> Edits {
    let mut edits = vec![];
    let always = matches!(event, "conversation_updated" | "conversation_status_changed");
    match content.get("changed_attributes") {
        None if always => edits.push(("changed_attributes".into(), Some(Value::Null))),
        Some(changed) if is_blank(changed) && !changed.is_null() => {
            edits.push(("changed_attributes".into(), Some(Value::Null)));
        }
        Some(Value::Object(changed)) if !changed.is_empty() => {
            let changed = changed.iter().map(|(key, change)| one_change(key, change)).collect();
            edits.push(("changed_attributes".into(), Some(changed)));
        }
        Some(_) | None => {}
    }
    let typing = matches!(event, "conversation_typing_on" | "conversation_typing_off");
    if typing && !content.contains_key("is_private") {
        edits.push(("is_private".into(), Some(json!(false))));
    }
    if event.starts_with("message_") {
        let plain = content.get("content").and_then(Value::as_str).and_then(plain);
        edits.extend(plain.map(|plain| ("content".into(), Some(Value::from(plain)))));
    }
    for key in ["conversation", "current_conversation", "messages"] {
        let Some(mut value) = content.get(key).cloned() else { continue };
        if (event.starts_with("conversation_") || key != "messages") && make_plain(&mut value) {
            edits.push((key.into(), Some(value)));
        }
    }
    edits
}

/// Rails' `{"name": ["A", "B"]}`, and what is formatted already.
fn one_change(key: &str, change: &Value) -> Value {
    match change.as_array().map(Vec::as_slice) {
        Some([was, is]) => super::body::changed_attribute(key, Some(was), Some(is)),
        Some(_) | None => json!({ key: change }),
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The text as Chatwoot's `WebhookContentNormalizer` writes it; none when that is the same.
fn plain(text: &str) -> Option<String> {
    let plain = text.replace("\\\n", "\n");
    let plain = plain.trim_end_matches('\n');
    (plain != text).then(|| plain.to_owned())
}

/// The same for the messages of a conversation; says whether anything changed.
fn make_plain(value: &mut Value) -> bool {
    let messages = match value {
        Value::Object(conversation) => match conversation.get_mut("messages") {
            Some(Value::Array(messages)) => messages,
            Some(_) | None => return false,
        },
        Value::Array(messages) => messages,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return false,
    };
    let contents = messages.iter_mut().filter_map(|message| message.get_mut("content"));
    contents.fold(false, |changed, content| match content.as_str().and_then(plain) {
        Some(plain) => {
            *content = plain.into();
            true
        }
        None => changed,
    })
}

/// The text of the platform and `event` behind it, where that is all there is to write.
fn with_event(
    received: &EventReceived,
    content: &Map<String, Value>,
    edits: &Edits,
) -> Option<String> {
    if content.contains_key("event") || !edits.is_empty() {
        return None;
    }
    let head = received.data.trim_end().strip_suffix('}')?.trim_end();
    let comma = if content.is_empty() { "" } else { "," };
    let event = Value::from(received.event.as_str());
    Some(format!(r#"{head}{comma}"event":{event}}}"#))
}

/// Field by field: those that no edit names as they were written.
fn rewritten(
    received: &EventReceived,
    content: &Map<String, Value>,
    edits: &Edits,
) -> Option<String> {
    let written: BTreeMap<String, &RawValue> = serde_json::from_str(&received.data).ok()?;
    let mut body = String::with_capacity(received.data.len() + 64);
    for key in content.keys().filter(|key| *key != "event") {
        // What stands last was decided last.
        match edits.iter().rfind(|(edited, _)| edited == key) {
            Some((_, Some(value))) => field(&mut body, key, value),
            Some((_, None)) => {}
            None => field(&mut body, key, written.get(key)?),
        }
    }
    for (key, value) in edits.iter().filter(|(key, _)| !content.contains_key(key)) {
        field(&mut body, key, value.as_ref()?);
    }
    field(&mut body, "event", &Value::from(received.event.as_str()));
    body.push('}');
    Some(body)
}

fn field(body: &mut String, key: &str, value: &dyn Display) {
    let mark = if body.is_empty() { '{' } else { ',' };
    write!(body, "{mark}{}:{value}", Value::from(key)).expect("a string takes all that is written");
}

/// What the event is about, so that what happens to it is told in order: the conversation, else
/// the contact, else the inbox.
fn key_of(event: &str, body: &Map<String, Value>, inbox: Option<InboxId>) -> Option<String> {
    let id = |of: &str| body.get(of).and_then(|it| it.get("id")).and_then(Value::as_u64);
    // The body of such an event is the thing itself.
    let own = |of: &str| event.starts_with(of).then(|| body.get("id")?.as_u64()).flatten();
    let conversation = own("conversation_").or_else(|| id("conversation"));
    let contact = || own("contact_").or_else(|| id("contact"));
    conversation
        .map(|id| format!("conversation/{id}"))
        .or_else(|| contact().map(|id| format!("contact/{id}")))
        .or_else(|| inbox.map(|id| format!("inbox/{id}")))
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

#[cfg(test)]
mod tests;
