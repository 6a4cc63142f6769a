use events::installation::Role;
use serde_json::{Value, json};

use crate::http::testing::{Service, request};

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
    assert_eq!(told["status"], "healthy", "as the webhook shows it");
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
    assert_eq!((bad.status, &bad.json()["attributes"]), (422, &json!(["backlog"])));
    let reason = json!({ "reason": "x".repeat(1_001) }).to_string();
    let bad = service.call("POST", "1/webhooks/1/disable", &reason).await;
    assert_eq!((bad.status, &bad.json()["attributes"]), (422, &json!(["reason"])));
}

#[tokio::test]
async fn what_cannot_be_read_releases_nothing() {
    let service = service().await;
    service.call("POST", "1/webhooks/1/disable", "").await;
    for body in [r#"{"backlogs": "none"}"#, r#"{"backlog": ""}"#, r#"["none"]"#] {
        let answer = service.call("POST", "1/webhooks/1/enable", body).await;
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
    }
    assert_eq!(shown(&service).await["status"], "disabled");
    let misspelt = service.call("POST", "1/webhooks/1/disable", r#"{"why": "so"}"#).await;
    assert_eq!(misspelt.status, 422);
}

/// The same with an inbox of the API that has a webhook, and one of WhatsApp.
async fn furnished() -> Service {
    let service = service().await;
    let bot = r#"{"name":"Bot","channel_type":"Channel::Api","webhook_url":"https://x.example/"}"#;
    let other = r#"{"name":"Support","channel_type":"Channel::Whatsapp"}"#;
    for (id, inbox) in [(42, bot), (43, other)] {
        let answer = service.call("PUT", &format!("1/inboxes/{id}"), inbox).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    service
}

#[tokio::test]
async fn the_webhook_of_an_api_inbox_and_mail_are_disabled_and_enabled_alike() {
    let service = furnished().await;
    for (path, id) in [("1/inboxes/42/webhook", 42), ("1/mail", 1)] {
        let post = async |verb: &str, body: &str| {
            service.call("POST", &format!("{path}/{verb}"), body).await.json()
        };
        let told = post("disable", r#"{"reason": "maintenance"}"#).await;
        assert_eq!((&told["id"], &told["status"]), (&json!(id), &json!("disabled")), "{told}");
        let why = service.call("GET", &format!("{path}/why"), "").await;
        assert_eq!(why.status, 200, "{why:?}");
        let why = why.json();
        assert_eq!((&why["id"], &why["state"]), (&json!(id), &json!("disabled")), "{why}");
        let disabled = &why["disabled"];
        assert_eq!(
            (&disabled["rule"], &disabled["reason"], &disabled["by"]),
            (&json!("asked"), &json!("maintenance"), &json!("admin"))
        );
        assert_eq!(service.call("POST", &format!("{path}/pause"), "").await.status, 409);
        assert_eq!(post("enable", r#"{"backlog": "none"}"#).await["status"], "healthy");
        let why = service.call("GET", &format!("{path}/why"), "").await.json();
        assert_eq!((&why["state"], &why["disabled"]), (&json!("healthy"), &Value::Null));
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_not_enabled() {
    let service = furnished().await;
    for verb in ["enable", "disable", "pause"] {
        for there in ["1/inboxes/43", "1/inboxes/44", "1/inboxes/x", "2/inboxes/42"] {
            let path = format!("{there}/webhook/{verb}");
            assert_eq!(service.call("POST", &path, "").await.status, 404, "{path}");
        }
        assert_eq!(service.call("POST", &format!("9/mail/{verb}"), "").await.status, 404);
    }
    for there in ["1/inboxes/43", "1/inboxes/44", "1/inboxes/x", "2/inboxes/42"] {
        let path = format!("{there}/webhook/why");
        assert_eq!(service.call("GET", &path, "").await.status, 404, "{path}");
    }
    assert_eq!(service.call("GET", "9/mail/why", "").await.status, 404);
    let token = service.token(Role::Agent).await;
    for (method, path) in [
        ("POST", "1/mail/enable"),
        ("POST", "1/inboxes/42/webhook/enable"),
        ("GET", "1/mail/why"),
        ("GET", "1/inboxes/42/webhook/why"),
    ] {
        let request = request(method, path).header("api_access_token", &token);
        assert_eq!(service.send(request.body("".into()).unwrap()).await.status, 401, "{path}");
    }
}
