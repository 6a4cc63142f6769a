use events::inbox::{AttributesChanged, Event, Registered, Renamed};
use events::reauthorization::{
    Cause, Event as Authorization, ReauthorizationRequired, Reauthorized,
};
use events::{AccountId, Fold};

use super::*;
use crate::testing::NOON;

fn registered(attributes: &str) -> Event {
    let registered = Registered {
        account: AccountId(1),
        name: "Support".into(),
        channel_type: "Channel::Whatsapp".into(),
        attributes: attributes.into(),
        credentials: None,
        threshold: None,
    };
    registered.into()
}

fn required() -> Event {
    let cause = Cause::Prompted { reason: None };
    Authorization::ReauthorizationRequired(ReauthorizationRequired::from(cause)).into()
}

fn reauthorized() -> Event {
    Authorization::Reauthorized(Reauthorized { was_required: true, by_hand: false }).into()
}

/// What is told of the last event behind the others.
fn told(events: &[Event]) -> Option<(&'static str, Value)> {
    let mut after = Known::<Inbox>::default();
    after.created_at = Some(NOON);
    let mut before = after.clone();
    for event in events {
        before = after.clone();
        after.subject.evolve(event);
    }
    let at = NOON.after(std::time::Duration::from_millis(1500));
    let change = Change { number: 42, at, before, after };
    let (name, body) = of_change(&change, "Acme")?;
    Some((name, serde_json::from_str(&body).unwrap()))
}

fn transition(attributes: &str, required_now: bool) -> Value {
    let mut events = vec![registered(attributes), required()];
    events.extend((!required_now).then(reauthorized));
    let (name, body) = told(&events).unwrap();
    assert_eq!(name, "inbox_updated");
    body
}

#[test]
fn a_transition_shows_chatwoots_inbox_with_its_account_and_what_changed() {
    let body = transition("{}", true);
    assert_eq!(
        body,
        json!({
            "id": 42,
            "name": "Support",
            "channel_type": "Channel::Whatsapp",
            "allow_messages_after_resolved": true,
            "lock_to_single_conversation": false,
            "auto_assignment_config": {},
            "enable_auto_assignment": true,
            "enable_email_collect": true,
            "greeting_enabled": false,
            "greeting_message": null,
            "csat_survey_enabled": false,
            "business_name": null,
            "sender_name_type": "friendly",
            "timezone": "UTC",
            "out_of_office_message": null,
            "working_hours_enabled": false,
            "working_hours": [],
            "created_at": "2026-11-21T12:00:00.000Z",
            "updated_at": "2026-11-21T12:00:01.500Z",
            "account": { "id": 1, "name": "Acme" },
            "changed_attributes": [{
                "reauthorization_required": { "previous_value": false, "current_value": true }
            }],
            "event": "inbox_updated",
        })
    );
    assert_eq!(body.as_object().unwrap().keys().next_back().unwrap(), "event");
}

#[test]
fn a_transition_back_shows_the_change_the_other_way_round() {
    let body = transition("{}", false);
    let change = json!({ "previous_value": true, "current_value": false });
    assert_eq!(body["changed_attributes"], json!([{ "reauthorization_required": change }]));
}

#[test]
fn what_the_platform_registered_stands_over_the_defaults() {
    let body = transition(r#"{"timezone":"Europe/Berlin","phone_number":"+49"}"#, true);
    assert_eq!(body["timezone"], "Europe/Berlin");
    assert_eq!(body["phone_number"], "+49");
}

#[test]
fn attributes_cannot_pretend_to_be_what_relink_says() {
    let attributes = json!({
        "id": 1,
        "name": "Mallory",
        "channel_type": "Channel::Api",
        "account": { "id": 2 },
        "event": "message_created",
        "changed_attributes": [],
    });
    let body = transition(&attributes.to_string(), true);

    assert_eq!(body.as_object().unwrap().keys().next_back().unwrap(), "event");
    assert_eq!(body, transition("{}", true));
}

#[test]
fn a_registration_shows_the_inbox_and_no_change() {
    let (name, body) = told(&[registered(r#"{"timezone":"UTC+1"}"#)]).unwrap();
    assert_eq!((name, &body["event"]), ("inbox_created", &json!("inbox_created")));
    assert_eq!((&body["id"], &body["timezone"]), (&json!(42), &json!("UTC+1")));
    assert_eq!(body["account"], json!({ "id": 1, "name": "Acme" }));
    assert_eq!(body.get("changed_attributes"), None);
}

#[test]
fn a_change_shows_each_attribute_before_and_after() {
    let (name, body) = told(&[registered("{}"), Renamed { name: "Sales".into() }.into()]).unwrap();
    assert_eq!((name, &body["name"]), ("inbox_updated", &json!("Sales")));
    let change = json!({ "previous_value": "Support", "current_value": "Sales" });
    assert_eq!(body["changed_attributes"], json!([{ "name": change }]));

    let attributes = r#"{"greeting_enabled":true,"a":1}"#.to_owned();
    let changed = AttributesChanged { attributes }.into();
    let (_, body) = told(&[registered(r#"{"a":1,"b":[2]}"#), changed]).unwrap();
    assert_eq!(
        body["changed_attributes"],
        json!([
            { "greeting_enabled": { "previous_value": false, "current_value": true } },
            { "b": { "previous_value": [2], "current_value": null } },
        ])
    );
}

#[test]
fn what_nobody_sees_is_not_told() {
    let shown_already = AttributesChanged { attributes: r#"{"timezone":"UTC"}"#.into() };
    assert_eq!(told(&[registered("{}"), shown_already.into()]), None);
    let at = AttributesChanged { attributes: r#"{"updated_at":"now"}"#.into() };
    assert_eq!(told(&[registered("{}"), at.into()]), None);
    assert_eq!(told(&[registered("{}"), events::inbox::Removed {}.into()]), None);
}

#[test]
fn an_attribute_that_is_known_for_a_credential_only_now_is_shown_no_more() {
    let attributes = r#"{"hmac_token":"s3cr3t","channel":{"auth_token":"s3cr3t","id":5}}"#;
    let body = transition(attributes, true);
    assert!(!body.to_string().contains("s3cr3t"), "{body}");
    assert_eq!(body["channel"], json!({ "id": 5 }));
    let other = attributes.replace("s3cr3t", "n3w");
    let changed = AttributesChanged { attributes: other }.into();
    assert_eq!(told(&[registered(attributes), changed]), None);
}
