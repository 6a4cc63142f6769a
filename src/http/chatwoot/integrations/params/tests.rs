use serde_json::json;

use super::*;

fn wrong(body: &Value) -> (String, Vec<&'static str>) {
    match Creation::read(body) {
        Err(Problem::Invalid { message, attributes, .. }) => (message, attributes),
        other => panic!("{body} gives {other:?}"),
    }
}

#[test]
fn nested_means_the_same_as_flat() {
    let flat = json!({"app_id": "slack", "access_token": "xoxb", "reference_id": "C1"});
    let creation = Creation::read(&flat).unwrap();
    assert_eq!(Creation::read(&json!({"hook": flat})).unwrap(), creation);
    assert_eq!((creation.app.id, creation.enabled), ("slack", true));
    assert_eq!(creation.access_token.as_deref(), Some("xoxb"));
    assert_eq!(creation.reference.as_deref(), Some("C1"));
    for body in [json!({}), json!({"hook": {}}), json!(null), json!({"hook": 1})] {
        assert_eq!(Creation::read(&body), Err(Problem::Missing("hook")), "{body}");
    }
}

#[test]
fn what_is_wrong_is_said_in_the_words_of_chatwoot() {
    for (body, message, attribute) in [
        (json!({"status": 1}), "App can't be blank", "app_id"),
        (json!({"app_id": "telegraph"}), "App is invalid", "app_id"),
        (json!({"app_id": "openai"}), "Settings : Invalid settings data", "settings"),
        (
            json!({"app_id": "slack", "settings": []}),
            "Settings : Invalid settings data",
            "settings",
        ),
        (json!({"app_id": "slack", "status": "on"}), "Status is invalid", "status"),
    ] {
        assert_eq!(wrong(&body), (message.to_owned(), vec![attribute]), "{body}");
    }
    let settings = json!({"project_id": "p", "credentials": {}});
    let hook =
        |inbox: Value| json!({"app_id": "dialogflow", "inbox_id": inbox, "settings": settings});
    assert_eq!(wrong(&hook(json!(null))).0, "Inbox can't be blank");
    assert_eq!(wrong(&hook(json!("x"))).0, "Inbox must exist");
    assert_eq!(Creation::read(&hook(json!("42"))).unwrap().inbox, Some(InboxId(42)));
}

#[test]
fn a_status_is_a_word_a_number_or_a_flag() {
    let slack = App::find("slack").unwrap();
    let enabled = |status: Value| Change::read(&json!({"status": status}), slack).unwrap().enabled;
    for status in [json!("enabled"), json!(1), json!("1"), json!(true)] {
        assert_eq!(enabled(status), Some(true));
    }
    for status in [json!("disabled"), json!(0), json!("0"), json!(false)] {
        assert_eq!(enabled(status), Some(false));
    }
    assert_eq!(enabled(json!(null)), None);
}
