use events::installation::Role;
use serde_json::{Value, json};

use crate::http::testing::{Answer, Service, request};

const PATH: &str = "1/webhooks/1";

/// A service with webhook 1 of account 1; and its secret.
async fn service() -> (Service, String) {
    let service = Service::start().await;
    for account in ["1", "2"] {
        assert_eq!(service.call("PUT", account, r#"{"name": "Acme"}"#).await.status, 201);
    }
    let made = service.call("POST", "1/webhooks", r#"{"url":"https://example.com/hook"}"#).await;
    let secret = made.json()["payload"]["webhook"]["secret"].as_str().unwrap().to_owned();
    (service, secret)
}

async fn rotate(service: &Service, body: &str) -> Answer {
    service.call("POST", &format!("{PATH}/rotate_secret"), body).await
}

async fn secrets(service: &Service) -> Value {
    let shown = service.call("GET", &format!("{PATH}/secret"), "").await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    shown.json()
}

#[tokio::test]
async fn a_rotated_secret_is_shown_with_the_one_before_it() {
    let (service, old) = service().await;
    let rotated = rotate(&service, "").await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    let rotated = rotated.json();
    let new = rotated["secret"].as_str().unwrap();
    assert_ne!(new, old);
    assert_eq!(rotated["payload"]["webhook"]["secret"], new);
    assert_eq!(rotated["keys"].as_array().unwrap().len(), 2);
    assert_eq!(rotated["keys"][0]["until"], Value::Null);
    assert!(rotated["keys"][1]["until"].is_string());
    let position = rotated["position"].to_string();
    let listed =
        service.call("GET", &format!("1/webhooks?consistent_to={position}"), "").await.json();
    assert_eq!(listed["payload"]["webhooks"][0]["secret"], new);
    let again = rotate(&service, r#"{"overlap":"0s"}"#).await.json();
    assert_eq!(again["keys"].as_array().unwrap().len(), 1, "without overlap nothing signs on");
}

#[tokio::test]
async fn a_key_pair_is_an_option_beside_the_secret() {
    let (service, secret) = service().await;
    let made = rotate(&service, r#"{"algorithm":"ed25519"}"#).await.json();
    let public = made["signing_public_key"].as_str().unwrap();
    assert!(public.starts_with("whpk_"));
    assert_eq!(made["secret"], secret);
    assert!(made["keys"][0]["signing_secret"].as_str().unwrap().starts_with("whsk_"));
    assert_eq!(made["payload"]["webhook"]["signing_public_key"], public);
    let gone = r#"{"algorithm":"ed25519","retire":true,"overlap":"0s"}"#;
    let gone = rotate(&service, gone).await.json();
    assert_eq!(gone["signing_public_key"], Value::Null);
    assert_eq!(gone["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn every_look_at_the_secrets_is_in_the_log() {
    let (service, secret) = service().await;
    assert_eq!(secrets(&service).await["secret"], secret);
    let seen = secrets(&service).await["position"].to_string();
    let timeline =
        service.call("GET", &format!("{PATH}/timeline?consistent_to={seen}"), "").await.json();
    let told: Vec<_> =
        timeline["events"].as_array().unwrap().iter().map(|it| &it["type"]).collect();
    assert_eq!(told, ["webhook.secret_revealed", "webhook.secret_revealed", "webhook.created"]);
    assert_eq!(timeline["events"][0]["actor"], "admin");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let (service, _) = service().await;
    for body in [
        r#"{"overlap":"31d"}"#,
        r#"{"overlap":7}"#,
        r#"{"algorithm":"rsa"}"#,
        r#"{"retire":true}"#,
        r#"{"retire":1}"#,
        r#"{"secret":"mine"}"#,
        "[]",
    ] {
        assert_eq!(rotate(&service, body).await.status, 422, "{body}");
    }
    assert_eq!(rotate(&service, "{").await.status, 400);
    for _ in 0..10 {
        assert_eq!(rotate(&service, "").await.status, 200);
    }
    let eleventh = rotate(&service, "").await;
    assert_eq!(eleventh.status, 422);
    assert_eq!(eleventh.json()["attributes"], json!(["secret"]));
}

#[tokio::test]
async fn nobody_else_sees_or_rotates_a_secret() {
    let (service, _) = service().await;
    for (method, path) in [("GET", "secret"), ("POST", "rotate_secret")] {
        for webhook in ["2/webhooks/1", "1/webhooks/9", "1/webhooks/x"] {
            let answer = service.call(method, &format!("{webhook}/{path}"), "").await;
            assert_eq!(answer.status, 404, "{method} {webhook}/{path}");
        }
        for role in [Role::Agent, Role::Ingest] {
            let token = service.token(role).await;
            let request = request(method, &format!("{PATH}/{path}"));
            let request = request.header("api_access_token", token).body("".into()).unwrap();
            assert_eq!(service.send(request).await.status, 401, "{method} {path}");
        }
    }
}
