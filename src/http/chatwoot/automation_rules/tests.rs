use axum::body::Body;
use events::installation::Role;
use serde_json::{Value, json};

use crate::http::testing::{Service, furnished, request};

const RULES: &str = "1/automation_rules";
const RULE: &str = "1/automation_rules/1";

fn rule() -> Value {
    json!({
        "name": "Label them", "description": "The important ones",
        "event_name": "conversation_created",
        "conditions": [{"attribute_key": "status", "filter_operator": "equal_to",
            "values": ["open"], "query_operator": null}],
        "actions": [{"action_name": "add_label", "action_params": ["vip"]}],
    })
}

async fn with_rule() -> Service {
    let service = furnished().await;
    let made = service.call("POST", RULES, &rule().to_string()).await;
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!((&made.json()["id"], &made.json()["active"]), (&json!(1), &json!(true)));
    service
}

async fn change(service: &Service, change: Value) -> Value {
    let answer = service.call("PATCH", RULE, &change.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["payload"].clone()
}

#[tokio::test]
async fn a_rule_is_shown_as_it_was_made() {
    let service = with_rule().await;
    let shown = service.call("GET", RULE, "").await.json()["payload"].clone();
    for (key, value) in rule().as_object().unwrap() {
        assert_eq!(&shown[key], value, "{key}");
    }
    assert!(shown["created_on"].as_i64().unwrap() > 1_600_000_000);
    assert_eq!(shown["account_id"], 1);
    let listed = service.call("GET", RULES, "").await.json();
    assert_eq!(listed, json!({"payload": [shown]}));
}

#[tokio::test]
async fn a_rule_is_changed_cloned_and_deleted() {
    let service = with_rule().await;
    let changed = change(&service, json!({"name": "Labels", "active": false})).await;
    assert_eq!((&changed["name"], &changed["active"]), (&json!("Labels"), &json!(false)));
    let cloned = service.call("POST", "1/automation_rules/1/clone", "").await;
    assert_eq!(cloned.status, 200, "{cloned:?}");
    let cloned = cloned.json()["payload"].clone();
    assert_eq!(cloned["id"], 2);
    assert_eq!((&cloned["name"], &cloned["active"]), (&json!("Labels"), &json!(false)));
    let gone = service.call("DELETE", RULE, "").await;
    assert_eq!((gone.status, gone.text.as_str()), (200, ""));
    for method in ["GET", "PATCH", "DELETE"] {
        let answer = service.call(method, RULE, "{}").await;
        let error = json!({"error": "Resource could not be found"});
        assert_eq!((answer.status, answer.json()), (404, error), "{method}");
    }
}

#[tokio::test]
async fn cases_19_and_20_prompting_deactivates_and_new_conditions_clear() {
    let service = with_rule().await;
    let prompted = service.call("POST", &format!("{RULE}/prompt_reauthorization"), "").await;
    assert_eq!(prompted.json()["reauthorization_required"], true);
    let shown = service.call("GET", RULE, "").await.json()["payload"].clone();
    assert_eq!(
        (&shown["active"], &shown["reauthorization_required"]),
        (&json!(false), &json!(true))
    );
    let renamed = change(&service, json!({"name": "Labels"})).await;
    assert_eq!(renamed["reauthorization_required"], true);
    let corrected = change(&service, json!({"conditions": []})).await;
    assert_eq!(corrected["reauthorization_required"], false);
    assert_eq!(corrected["active"], false, "its owner activates it");
    assert_eq!(change(&service, json!({"active": true})).await["active"], true);
}

#[tokio::test]
async fn what_is_wrong_with_a_rule_is_told_by_attribute() {
    let service = with_rule().await;
    let wrong = json!({"conditions": [{"attribute_key": "mood"}]}).to_string();
    let error = json!({"error": {"conditions": ["Automation conditions mood not supported."]}});
    let answer = service.call("PATCH", RULE, &wrong).await;
    assert_eq!((answer.status, answer.json()), (422, error));
    assert_eq!(service.call("POST", RULES, "").await.status, 422);
    assert_eq!(service.call("POST", RULES, "{").await.status, 400);
}

#[tokio::test]
async fn rules_are_for_administrators_of_their_account() {
    let service = with_rule().await;
    for (method, path) in [
        ("GET", "2/automation_rules/1"),
        ("PATCH", "2/automation_rules/1"),
        ("DELETE", "2/automation_rules/1"),
        ("POST", "2/automation_rules/1/clone"),
        ("POST", "2/automation_rules/1/prompt_reauthorization"),
        ("GET", "2/automation_rules/1/timeline"),
        ("GET", "1/automation_rules/x"),
        ("POST", "1/automation_rules/x/clone"),
    ] {
        assert_eq!(service.call(method, path, "{}").await.status, 404, "{method} {path}");
    }
    assert_eq!(service.call("GET", "2/automation_rules", "").await.json(), json!({"payload": []}));
    let nobody = service.call("POST", "3/automation_rules", &rule().to_string()).await;
    assert_eq!(nobody.status, 404);
    let token = service.token(Role::Agent).await;
    let asked = request("GET", RULES).header("api_access_token", token);
    let refused = service.send(asked.body(Body::empty()).unwrap()).await;
    let error = json!({"error": "You are not authorized to do this action"});
    assert_eq!((refused.status, refused.json()), (401, error));
}
