use serde_json::json;

use super::*;

fn takes(app: &str, settings: &Value) -> bool {
    App::find(app).unwrap().takes(settings.as_object().unwrap())
}

#[test]
fn settings_are_those_of_the_application() {
    let credentials = json!({"private_key": "k"});
    for (app, settings, taken) in [
        ("openai", json!({"api_key": "k"}), true),
        ("openai", json!({"api_key": "k", "label_suggestion": true}), true),
        ("openai", json!({"api_key": "k", "label_suggestion": "yes"}), false),
        ("openai", json!({"api_key": 7}), false),
        ("openai", json!({"api_key": "k", "model": "m"}), false),
        ("openai", json!({}), false),
        ("dialogflow", json!({"project_id": "p", "credentials": credentials}), true),
        ("dialogflow", json!({"project_id": "p", "credentials": "text"}), false),
        ("dialogflow", json!({"project_id": "p"}), false),
        ("slack", json!({}), true),
        ("slack", json!({"channel_name": "support", "team": 1}), true),
        ("slack", json!({"channel_name": 1}), false),
        ("linear", json!({"anything": "goes"}), true),
        ("leadsquared", json!({"access_key": "a", "secret_key": "s"}), true),
        (
            "leadsquared",
            json!({"access_key": "a", "secret_key": "s", "conversation_activity_code": 2}),
            true,
        ),
        (
            "leadsquared",
            json!({"access_key": "a", "secret_key": "s", "conversation_activity_code": 2.5}),
            false,
        ),
    ] {
        assert_eq!(takes(app, &settings), taken, "{app} {settings}");
    }
}

#[test]
fn only_what_chatwoot_shows_is_open() {
    let settings = json!({"project_id": "p", "credentials": {"k": 1}, "region": "eu"});
    let settings = settings.as_object().unwrap().clone();
    let (open, sealed) = App::find("dialogflow").unwrap().split(settings);
    assert_eq!(Value::Object(open), json!({"project_id": "p", "region": "eu"}));
    assert_eq!(Value::Object(sealed), json!({"credentials": {"k": 1}}));
    let unheard = json!({"bot_token": "xoxb"}).as_object().unwrap().clone();
    assert!(App::find("slack").unwrap().split(unheard).0.is_empty());
}

#[test]
fn several_hooks_are_for_dialogflow_and_what_is_no_hook_at_all() {
    let several: Vec<_> = App::all().filter(|app| app.multiple).map(|app| app.id).collect();
    assert_eq!(several, ["webhook", "dashboard_apps", "dialogflow"]);
    let of_inbox: Vec<_> = App::all().filter(|app| app.of_inbox).map(|app| app.id).collect();
    assert_eq!(of_inbox, ["dialogflow"]);
    assert!(App::find("telegraph").is_none());
}
