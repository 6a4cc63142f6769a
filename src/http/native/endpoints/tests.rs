use serde_json::{Value, json};

use crate::http::testing::Service;

/// A service where account 1 has webhook 1, and account 2 none.
async fn service() -> Service {
    let service = Service::start().await;
    service.call("PUT", "1", r#"{"name": "Acme"}"#).await;
    service.call("PUT", "2", r#"{"name": "Other"}"#).await;
    let body = r#"{"url": "https://example.com/hook"}"#;
    assert_eq!(service.call("POST", "1/webhooks", body).await.status, 200);
    service
}

async fn shown(service: &Service) -> Value {
    let listed = service.call("GET", "1/webhooks", "").await.json();
    listed["payload"]["webhooks"][0].clone()
}

#[tokio::test]
async fn a_webhook_is_disabled_with_a_reason_and_enabled_again() {
    let service = service().await;
    let body = r#"{"reason": "maintenance"}"#;
    let told = service.call("POST", "1/webhooks/1/disable", body).await;
    assert_eq!(told.status, 200);
    let told = told.json();
    assert_eq!((&told["status"], &told["reason"]), (&json!("disabled"), &json!("maintenance")));
    let webhook = shown(&service).await;
    assert_eq!(webhook["status"], "disabled");
    assert_eq!(webhook["disabled_reason"], "maintenance");

    let again = service.call("POST", "1/webhooks/1/disable", r#"{"reason": "other"}"#).await;
    assert_eq!(again.json()["reason"], "maintenance", "the first reason stays");
    let told = service.call("POST", "1/webhooks/1/enable", r#"{"backlog": "none"}"#).await.json();
    assert_eq!(told["status"], "enabled");
    assert_eq!(shown(&service).await["status"], "healthy");
    assert_eq!(service.call("POST", "1/webhooks/1/enable", "").await.status, 200);
}

#[tokio::test]
async fn a_webhook_is_paused_unless_it_is_disabled() {
    let service = service().await;
    let told = service.call("POST", "1/webhooks/1/pause", "").await.json();
    assert_eq!(told["status"], "paused");
    assert_eq!(shown(&service).await["status"], "paused");
    service.call("POST", "1/webhooks/1/disable", "").await;
    assert_eq!(service.call("POST", "1/webhooks/1/pause", "").await.status, 409);
}

#[tokio::test]
async fn what_is_anothers_unknown_or_bad_is_refused() {
    let service = service().await;
    for verb in ["enable", "disable", "pause"] {
        for webhook in ["2/webhooks/1", "1/webhooks/9", "1/webhooks/x"] {
            let path = format!("{webhook}/{verb}");
            assert_eq!(service.call("POST", &path, "").await.status, 404, "{path}");
        }
    }
    let bad = service.call("POST", "1/webhooks/1/enable", r#"{"backlog": "some"}"#).await;
    assert_eq!(bad.status, 400);
    let reason = json!({ "reason": "x".repeat(1_001) }).to_string();
    assert_eq!(service.call("POST", "1/webhooks/1/disable", &reason).await.status, 400);
}
