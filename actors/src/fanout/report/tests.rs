use events::AccountId;

use super::*;

fn received(event: &str, data: &str) -> EventReceived {
    EventReceived { account: AccountId(1), event: event.into(), data: data.into() }
}

fn told(received: &EventReceived) -> Told {
    match read(received) {
        Report::Told(told) => told,
        other @ (Report::Untold | Report::Unreadable) => panic!("{received:?}: {other:?}"),
    }
}

fn body(event: &str, data: &Value) -> Value {
    serde_json::from_str(&told(&received(event, &data.to_string())).body).unwrap()
}

fn is_sent(event: &str, data: &Value) -> bool {
    read(&received(event, &data.to_string())) != Report::Untold
}

#[test]
fn a_platform_event_keeps_its_content_in_order_and_gets_its_name_last() {
    let received = received("message_created", r#"{"id":1,"event":"spoofed","b":[1,2],"a":"x"}"#);
    let Told { body, inbox, .. } = told(&received);
    assert_eq!(body, r#"{"id":1,"b":[1,2],"a":"x","event":"message_created"}"#);
    assert_eq!(inbox, None);
}

#[test]
fn a_platform_event_that_is_no_object_has_no_body() {
    for data in ["", "[]", "1", "null", "{"] {
        assert_eq!(read(&received("message_created", data)), Report::Unreadable, "{data:?}");
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
        assert_eq!(told(&received("message_created", data)).inbox, Some(InboxId(42)), "{data}");
    }
}

#[test]
fn what_the_platform_wrote_is_kept_to_the_letter() {
    let body = |data: &str| told(&received("message_created", data)).body;
    let exact = r#"{ "id":18446744073709551616, "price":1.10 }"#;
    let expected = r#"{ "id":18446744073709551616, "price":1.10,"event":"message_created"}"#;
    assert_eq!(body(exact), expected);
    assert_eq!(body("{ }"), r#"{"event":"message_created"}"#);
    assert_eq!(body(r#"{"event":"x","a":1}"#), r#"{"a":1,"event":"message_created"}"#);
}

#[test]
fn case_41_activity_messages_are_not_sent_and_private_notes_are() {
    for event in ["message_created", "message_updated"] {
        for kind in [json!("activity"), json!(2)] {
            assert!(!is_sent(event, &json!({ "id": 1, "message_type": kind })), "{kind}");
        }
        for kind in [json!("incoming"), json!("outgoing"), json!("template"), json!(0)] {
            assert!(is_sent(event, &json!({ "id": 1, "message_type": kind })), "{kind}");
        }
        let note = json!({ "id": 1, "message_type": "outgoing", "private": true });
        assert!(is_sent(event, &note));
    }
}

#[test]
fn case_40_an_update_that_says_that_nothing_changed_is_not_sent() {
    for event in ["contact_updated", "inbox_updated"] {
        for blank in [json!(null), json!({}), json!([]), json!("")] {
            assert!(!is_sent(event, &json!({ "id": 1, "changed_attributes": blank })), "{blank}");
        }
        // What does not say at all what changed is not held back: it may be news.
        assert!(is_sent(event, &json!({ "id": 1 })));
    }
}

#[test]
fn what_changed_is_a_list_of_objects_with_one_key_each() {
    let rails =
        json!({ "id": 1, "changed_attributes": { "name": ["A", "B"], "email": [null, "e"] } });
    let listed = json!([
        { "name": { "previous_value": "A", "current_value": "B" } },
        { "email": { "previous_value": null, "current_value": "e" } },
    ]);
    for event in ["contact_updated", "conversation_updated", "message_updated"] {
        let body = body(event, &rails);
        assert_eq!(body["changed_attributes"], listed);
        assert_eq!(body.as_object().unwrap().keys().next_back().unwrap(), "event");
    }
    let formatted = json!({ "id": 1, "changed_attributes": listed });
    assert_eq!(body("contact_updated", &formatted)["changed_attributes"], listed);
}

#[test]
fn case_43_a_conversation_says_null_where_nobody_says_what_changed() {
    for event in ["conversation_updated", "conversation_status_changed"] {
        for given in [json!({ "id": 1 }), json!({ "id": 1, "changed_attributes": {} })] {
            let body = body(event, &given);
            assert_eq!(body.get("changed_attributes"), Some(&Value::Null), "{event} {given}");
        }
    }
    assert_eq!(body("message_updated", &json!({ "id": 1 })).get("changed_attributes"), None);
    assert_eq!(body("conversation_created", &json!({ "id": 1 })).get("changed_attributes"), None);
}

#[test]
fn case_42_typing_is_public_where_nobody_says_otherwise() {
    for event in ["conversation_typing_on", "conversation_typing_off"] {
        assert_eq!(body(event, &json!({ "user": {} }))["is_private"], false);
        assert_eq!(body(event, &json!({ "is_private": true }))["is_private"], true);
    }
}

#[test]
fn case_44_content_is_sent_with_plain_line_breaks_and_none_at_its_end() {
    let given = json!({
        "id": 1, "content": "a\\\nb\n\n",
        "conversation": { "messages": [{ "content": "c\n" }, { "content": null }] },
    });
    let seen = body("message_created", &given);
    assert_eq!(seen["content"], "a\nb");
    assert_eq!(seen["conversation"]["messages"], json!([{ "content": "c" }, { "content": null }]));
    let given = json!({ "id": 1, "messages": [{ "content": "a\\\nb\n" }] });
    assert_eq!(body("conversation_created", &given)["messages"][0]["content"], "a\nb");
    assert_eq!(body("contact_created", &json!({ "content": "a\n" }))["content"], "a\n");
}

#[test]
fn a_rule_for_one_field_leaves_the_others_to_the_letter() {
    let given = r#"{"id":18446744073709551616,"price":1.10,"content":"a\n"}"#;
    let sent =
        r#"{"id":18446744073709551616,"price":1.10,"content":"a","event":"message_created"}"#;
    assert_eq!(told(&received("message_created", given)).body, sent);
}

#[test]
fn an_inbox_is_sent_without_its_credentials_whoever_reports_it() {
    let given = json!({
        "id": 42, "greeting_enabled": true, "access_token": "s3cr3t",
        "channel": {
            "id": 5, "imap_password": "s3cr3t", "provider_config": { "api_key": "s3cr3t" },
        },
        "changed_attributes": { "name": ["A", "B"] },
    });
    let seen = body("inbox_updated", &given);
    assert!(!seen.to_string().contains("s3cr3t"), "{seen}");
    assert_eq!((&seen["channel"], &seen["greeting_enabled"]), (&json!({ "id": 5 }), &json!(true)));
    // Under the name of a credential, a change of it shows as none.
    let changed = json!({ "id": 42, "changed_attributes": { "access_token": ["s3cr3t", "n3w"] } });
    assert!(!is_sent("inbox_updated", &changed));
    let changed = json!({ "name": { "previous_value": "A", "current_value": "B" } });
    assert_eq!(seen["changed_attributes"], json!([changed]));
}

#[test]
fn what_happens_in_an_inbox_goes_to_its_own_webhook_too() {
    for event in SUBSCRIBABLE {
        let expected = !event.starts_with("contact_") && !event.starts_with("inbox_");
        let told = told(&received(event, r#"{"inbox_id":42}"#));
        assert_eq!(told.to_inbox, expected, "{event}");
    }
    assert!(!told(&received("something.else", r#"{"inbox_id":42}"#)).to_inbox);
}
