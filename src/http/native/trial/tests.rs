use axum::body::Body;
use events::installation::Role;
use serde_json::json;

use crate::http::testing::{Service, request};

async fn service() -> Service {
    let service = Service::start().await;
    for account in ["1", "2"] {
        assert_eq!(service.call("PUT", account, r#"{"name": "Acme"}"#).await.status, 201);
    }
    let body = r#"{"url": "https://example.com/hook", "name": "Ours"}"#;
    assert_eq!(service.call("POST", "1/webhooks", body).await.status, 200);
    service
}

#[tokio::test]
async fn a_test_is_a_delivery_of_this_webhook_alone() {
    let service = service().await;
    let other = r#"{"url": "https://example.com/other"}"#;
    service.call("POST", "1/webhooks", other).await;
    let queued = service.call("POST", "1/webhooks/1/test", "").await;
    assert_eq!(queued.status, 202, "{}", queued.text);
    let (queued, id) = (queued.json(), queued.json()["id"].as_str().unwrap().to_owned());
    let query = format!("?consistent_to={}", queued["position"]);
    let shown = service.call("GET", &format!("1/deliveries/{id}{query}"), "").await.json();
    assert_eq!((&shown["event"], &shown["status"]), (&json!("webhook_test"), &json!("pending")));
    let body: serde_json::Value = serde_json::from_str(shown["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["account"], json!({ "id": 1, "name": "Acme" }));
    assert_eq!((&body["id"], &body["name"]), (&json!(1), &json!("Ours")));
    let others = service.call("GET", &format!("1/webhooks/2/deliveries{query}"), "").await;
    assert_eq!(others.json()["deliveries"], json!([]));
}

#[tokio::test]
async fn a_test_with_the_same_key_is_one_test() {
    let service = service().await;
    let send = || async {
        let request = request("POST", "1/webhooks/1/test").header("idempotency-key", "once");
        let request = request.header("api_access_token", crate::http::testing::ADMIN);
        service.send(request.body(Body::empty()).unwrap()).await.json()
    };
    assert_eq!(send().await, send().await);
}

#[tokio::test]
async fn only_an_administrator_of_the_account_tests_a_webhook() {
    let service = service().await;
    for path in ["2/webhooks/1/test", "1/webhooks/9/test", "1/webhooks/x/test"] {
        assert_eq!(service.call("POST", path, "").await.status, 404, "{path}");
    }
    for role in [Role::Agent, Role::Ingest] {
        let token = service.token(role).await;
        let request = request("POST", "1/webhooks/1/test").header("api_access_token", token);
        assert_eq!(service.send(request.body(Body::empty()).unwrap()).await.status, 401);
    }
}
