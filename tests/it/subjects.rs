//! Integration hooks and automation rules: connected, failing, disabled, and back again.

use serde_json::{Value, json};

use crate::api::Api;
use crate::receiver::{Receiver, Reply};
use crate::relink::Place;
use crate::steps::{changed, connect_slack, make_rule, message, register, subscribe};

const HOOK: &str = "/integrations/hooks/1";
const RULE: &str = "/automation_rules/1";

/// What Slack answers when the app was removed from the workspace.
fn revoked() -> Value {
    json!({ "provider": "slack", "status": 200, "code": "account_inactive" })
}

async fn health(api: &Api, query: &str) -> Value {
    api.get(&format!("/health?{query}")).await.json(200)
}

#[tokio::test]
async fn case_14_a_hook_that_fails_is_disabled_and_reauthorized_enables_it_again() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    connect_slack(&api).await;
    let first = api.post(&format!("{HOOK}/authorization_errors"), revoked()).await.json(200);
    assert_eq!((&first["authorization_error_count"], &first["class"]), (&json!(1), &json!("auth")));
    let prompted = api.post(&format!("{HOOK}/prompt_reauthorization"), json!({})).await;
    assert_eq!(prompted.json(200)["reauthorization_required"], true);
    let seen = prompted.position();

    let slack = api.get("/integrations/apps/slack").await.json(200);
    let hook = &slack["hooks"][0];
    assert_eq!((&hook["status"], &hook["reauthorization_required"]), (&json!(false), &json!(true)));
    let hook = health(&api, "state=action_needed").await["hooks"][0].clone();
    assert_eq!((&hook["id"], &hook["name"]), (&json!(1), &json!("slack")));
    assert_eq!(
        (&hook["enabled"], &hook["disabled_by"]),
        (&json!(false), &json!("reauthorization"))
    );

    let back = api.post(&format!("{HOOK}/reauthorized"), json!({})).await.position();
    let now = health(&api, &format!("consistent_to={back}")).await["hooks"][0].clone();
    assert_eq!((&now["state"], &now["enabled"]), (&json!("healthy"), &json!(true)));
    let then = health(&api, &format!("at={seen}")).await["hooks"][0].clone();
    assert_eq!((&then["state"], &then["enabled"]), (&json!("action_needed"), &json!(false)));
    let before = health(&api, &format!("at={}", seen - 2)).await["hooks"][0].clone();
    assert_eq!((&before["state"], &before["enabled"]), (&json!("degraded"), &json!(true)));
    assert_eq!(place.log_of("hook.disabled").await.len(), 1);
}

#[tokio::test]
async fn a_hook_that_was_disabled_by_hand_is_not_enabled_by_reauthorized() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    connect_slack(&api).await;
    api.post(&format!("{HOOK}/prompt_reauthorization"), json!({})).await.json(200);
    let off = api.patch(HOOK, json!({ "status": "disabled" })).await.json(200);
    assert_eq!(off["status"], false);
    let back = api.post(&format!("{HOOK}/reauthorized"), json!({})).await.json(200);
    assert_eq!(back["reauthorization_required"], false);
    let slack = api.get("/integrations/apps/slack").await.json(200);
    assert_eq!(slack["hooks"][0]["status"], false);
}

#[tokio::test]
async fn case_18_no_inbox_event_tells_of_a_hook_without_an_inbox_or_of_a_rule() {
    let place = Place::new().set("ENABLE_INBOX_EVENTS", "true");
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    register(&api).await;
    subscribe(&api, &receiver.url("/"), &["inbox_updated", "message_created"]).await;
    connect_slack(&api).await;
    make_rule(&api).await;
    for subject in [HOOK, RULE] {
        api.post(&format!("{subject}/prompt_reauthorization"), json!({})).await.json(200);
    }
    // Deliveries are queued in the order of the log: behind this one there is nothing before it.
    message(&api, "afterwards").await;
    place.written("delivery.delivered", 1).await;
    let queued = place.log_of("delivery.queued").await;
    assert_eq!(queued.len(), 1, "{queued:?}");
    assert_eq!(queued[0]["data"]["event"], "message_created");
}

#[tokio::test]
async fn a_hook_of_an_inbox_is_told_as_an_inbox_event_and_bumps_its_key() {
    let place = Place::new().set("ENABLE_INBOX_EVENTS", "true");
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    register(&api).await;
    subscribe(&api, &receiver.url("/"), &["inbox_updated"]).await;
    let settings = json!({ "project_id": "p", "credentials": { "private_key": "pem" } });
    let bot = json!({ "app_id": "dialogflow", "inbox_id": 42, "settings": settings });
    api.post("/integrations/hooks", bot).await.json(200);
    api.post(&format!("{HOOK}/prompt_reauthorization"), json!({})).await.json(200);
    // Two that are under way at once arrive in any order.
    receiver.until(|arrivals| !arrivals.is_empty()).await;
    api.post(&format!("{HOOK}/reauthorized"), json!({})).await.json(200);
    let arrivals = receiver.until(|arrivals| arrivals.len() >= 2).await;
    for (arrival, (was, is)) in arrivals.iter().zip([(false, true), (true, false)]) {
        let body = arrival.json();
        assert_eq!((&body["event"], &body["id"]), (&json!("inbox_updated"), &json!(42)));
        assert_eq!(body["hook"], json!({ "id": 1, "app_id": "dialogflow" }));
        assert_eq!(body["changed_attributes"], changed(was, is), "{body}");
        assert!(!body.to_string().contains("pem"), "{body}");
    }
    // The inbox itself needs nothing.
    let inbox = api.get("/inboxes/42").await.json(200);
    assert_eq!(inbox["reauthorization_required"], false);
}

#[tokio::test]
async fn a_rule_fails_twice_and_is_asked_about_in_its_past() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let made = make_rule(&api).await;
    assert_eq!((&made["id"], &made["active"]), (&json!(1), &json!(true)));
    for required in [false, true] {
        let failed = api.post(&format!("{RULE}/authorization_errors"), json!({})).await.json(200);
        assert_eq!(failed["reauthorization_required"], required);
    }
    let rule = api.get(RULE).await.json(200)["payload"].clone();
    assert_eq!((&rule["active"], &rule["reauthorization_required"]), (&json!(false), &json!(true)));
    let events = api.get(&format!("{RULE}/timeline")).await.json(200);
    let kinds: Vec<_> =
        events["events"].as_array().unwrap().iter().map(|it| it["type"].clone()).collect();
    let error = "rule.authorization_error_recorded";
    let expected =
        ["rule.deactivated", "rule.reauthorization_required", error, error, "rule.created"];
    assert_eq!(kinds, expected);
    for (moment, state) in
        [(made["position"].to_string(), "unknown"), ("999999".into(), "action_needed")]
    {
        let printed = place.run_well(&["at", "rule/1", &moment]).await;
        let shown: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(shown["state"], state, "{shown}");
    }
}

#[tokio::test]
async fn nothing_of_a_hooks_credentials_is_in_the_log() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    connect_slack(&api).await;
    let settings =
        json!({ "project_id": "p", "credentials": { "private_key": "pem-never-shown" } });
    let bot = json!({ "app_id": "dialogflow", "inbox_id": 42, "settings": settings });
    api.post("/integrations/hooks", bot).await.json(200);
    let log = format!("{:?}", place.log_of("hook.created").await);
    let apps = api.get("/integrations/apps").await.body;
    let audit = api.get("/audit_logs").await.body;
    for text in [log, apps, audit] {
        assert!(!text.contains("never-shown"), "{text}");
        assert!(text.contains("dialogflow"), "{text}");
    }
}

#[tokio::test]
async fn a_repeated_request_makes_one_hook_and_one_rule() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    for (path, body) in [
        ("/integrations/hooks", json!({ "app_id": "slack" })),
        ("/automation_rules", json!({ "name": "n", "event_name": "message_created" })),
    ] {
        let mut answers = vec![];
        for _ in 0..2 {
            let call = api.call(reqwest::Method::POST, path).header("Idempotency-Key", "again");
            answers.push(crate::api::Answer::to(call.json(&body)).await.json(200));
        }
        assert_eq!(answers[0], answers[1], "{path}");
    }
    assert_eq!(place.log_of("hook.created").await.len(), 1);
    assert_eq!(place.log_of("rule.created").await.len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_refuses_us_needs_action() {
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", "10ms");
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    receiver.answer("/locked", Reply::Status(401));
    let api = relink.api();
    register(&api).await;
    subscribe(&api, &receiver.url("/locked"), &["message_created"]).await;
    for content in ["one", "two"] {
        message(&api, content).await;
    }
    let seen = place.written("delivery.attempt_failed", 2).await;
    let webhook = health(&api, &format!("consistent_to={seen}")).await["webhooks"][0].clone();
    assert_eq!(webhook["state"], "action_needed", "{webhook}");
    assert!(webhook["authorization_error_count"].as_u64() >= Some(2), "{webhook}");
    assert!(webhook["next_action"].is_string(), "{webhook}");
    let incidents = api.get(&format!("/incidents?consistent_to={seen}")).await.json(200);
    let incident = &incidents["incidents"][0];
    assert_eq!((&incident["id"], &incident["class"]), (&json!("webhook-1-1"), &json!("auth")));
    assert_eq!(incident["cause"], "threshold: 2 of 2, auth (401)");
    let then = api.get(&format!("/incidents?at={seen}")).await.json(200);
    assert_eq!(then["incidents"][0]["id"], "webhook-1-1", "{then}");
    assert_eq!(api.post("/incidents/webhook-1-1/close", json!({})).await.status, 409);
}
