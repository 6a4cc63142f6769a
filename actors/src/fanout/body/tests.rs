use super::*;
use crate::testing::NOON;

fn received(event: &str, data: &str) -> EventReceived {
    EventReceived { account: AccountId(1), event: event.into(), data: data.into() }
}

fn facts(attributes: &str) -> InboxFacts {
    InboxFacts {
        id: InboxId(42),
        account: AccountId(1),
        name: "Support".into(),
        channel_type: "Channel::Whatsapp".into(),
        attributes: attributes.into(),
        created_at: NOON,
        updated_at: NOON.after(std::time::Duration::from_millis(1500)),
    }
}

fn transition(attributes: &str, required: bool) -> Value {
    let body = of_transition("inbox_updated", &facts(attributes), "Acme", required);
    serde_json::from_str(&body).unwrap()
}

#[test]
fn a_platform_event_keeps_its_content_in_order_and_gets_its_name_last() {
    let received = received("message_created", r#"{"id":1,"event":"spoofed","b":[1,2],"a":"x"}"#);
    let (body, inbox) = of_platform_event(&received).unwrap();
    assert_eq!(body, r#"{"id":1,"b":[1,2],"a":"x","event":"message_created"}"#);
    assert_eq!(inbox, None);
}

#[test]
fn a_platform_event_that_is_no_object_has_no_body() {
    for data in ["", "[]", "1", "null", "{"] {
        assert_eq!(of_platform_event(&received("message_created", data)), None, "{data:?}");
    }
}

#[test]
fn a_platform_event_says_where_it_happened_in_one_of_three_ways() {
    for data in [
        r#"{"inbox":{"id":42}}"#,
        r#"{"inbox_id":42}"#,
        r#"{"conversation":{"inbox_id":42}}"#,
        r#"{"inbox":{"name":"x"},"inbox_id":null,"conversation":{"inbox_id":42}}"#,
    ] {
        let (_, inbox) = of_platform_event(&received("message_created", data)).unwrap();
        assert_eq!(inbox, Some(InboxId(42)), "{data}");
    }
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
fn what_the_platform_wrote_is_kept_to_the_letter() {
    let body = |data: &str| {
        let (account, event) = (AccountId(1), "message_created".to_owned());
        of_platform_event(&EventReceived { account, event, data: data.to_owned() }).unwrap().0
    };
    let exact = r#"{ "id":18446744073709551616, "price":1.10 }"#;
    let expected = r#"{ "id":18446744073709551616, "price":1.10,"event":"message_created"}"#;
    assert_eq!(body(exact), expected);
    assert_eq!(body("{ }"), r#"{"event":"message_created"}"#);
    assert_eq!(body(r#"{"event":"x","a":1}"#), r#"{"a":1,"event":"message_created"}"#);
}
