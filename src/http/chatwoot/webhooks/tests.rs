use serde_json::{Value, json};

use crate::http::testing::{Answer, Service};

const HOOK: &str = "https://example.com/hook";

async fn service() -> Service {
    let service = Service::start().await;
    assert_eq!(service.call("PUT", "1", r#"{"name": "Acme"}"#).await.status, 201);
    service
}

async fn post(service: &Service, body: &Value) -> Answer {
    service.call("POST", "1/webhooks", &body.to_string()).await
}

async fn create(service: &Service, body: &Value) -> Value {
    let answer = post(service, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["payload"]["webhook"].clone()
}

async fn list(service: &Service) -> Value {
    service.call("GET", "1/webhooks", "").await.json()
}

#[tokio::test]
async fn a_flat_url_is_enough() {
    let service = service().await;
    let webhook = create(&service, &json!({ "url": HOOK })).await;
    assert_eq!(webhook["id"], 1);
    assert_eq!(webhook["name"], Value::Null);
    assert_eq!(webhook["account_id"], 1);
    assert_eq!(webhook["subscriptions"].as_array().unwrap().len(), 8);
    assert_eq!(webhook["secret"].as_str().unwrap().len(), 24);
    assert!(webhook["signing_secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(webhook["status"], "healthy");
    assert_eq!((&webhook["held"], &webhook["disabled_reason"]), (&json!(0), &Value::Null));
    assert!(webhook.get("inbox").is_none());
    assert_eq!(list(&service).await, json!({ "payload": { "webhooks": [webhook] } }));
}

#[tokio::test]
async fn a_list_of_none_is_wrapped_too() {
    let service = service().await;
    assert_eq!(list(&service).await, json!({ "payload": { "webhooks": [] } }));
}

#[tokio::test]
async fn a_url_is_taken_once_in_an_account() {
    let service = service().await;
    service.call("PUT", "2", r#"{"name": "Other"}"#).await;
    create(&service, &json!({ "url": HOOK })).await;
    let again = post(&service, &json!({ "url": HOOK })).await;
    assert_eq!(again.status, 422);
    let taken = json!({ "message": "Url has already been taken", "attributes": ["url"] });
    assert_eq!(again.json(), taken);
    let other = service.call("POST", "2/webhooks", &json!({ "url": HOOK }).to_string()).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn of_many_who_want_a_url_at_once_one_gets_it() {
    let service = service().await;
    let wanted = json!({ "url": HOOK });
    let answers = tokio::join!(
        post(&service, &wanted),
        post(&service, &wanted),
        post(&service, &wanted),
        post(&service, &wanted)
    );
    let mut statuses = [answers.0.status, answers.1.status, answers.2.status, answers.3.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422, 422, 422]);
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_name() {
    let service = service().await;
    let webhook = create(&service, &json!({ "url": HOOK })).await;
    let body = json!({ "name": "Billing", "url": "https://example.com/new" }).to_string();
    let changed = service.call("PUT", "1/webhooks/1", &body).await;
    assert_eq!(changed.status, 200);
    let changed = changed.json()["payload"]["webhook"].clone();
    assert_eq!(changed["name"], "Billing");
    assert_eq!(changed["secret"], webhook["secret"]);
    assert_eq!(list(&service).await["payload"]["webhooks"], json!([changed]));
    create(&service, &json!({ "url": HOOK })).await;
    let taken = service.call("PATCH", "1/webhooks/1", &json!({ "url": HOOK }).to_string()).await;
    assert_eq!(taken.json()["message"], "Url has already been taken");
}

#[tokio::test]
async fn a_deleted_webhook_is_gone_and_its_url_free() {
    let service = service().await;
    create(&service, &json!({ "url": HOOK })).await;
    let gone = service.call("DELETE", "1/webhooks/1", "").await;
    assert_eq!((gone.status, gone.text.as_str()), (200, ""));
    let unknown = json!({ "error": "Resource could not be found" });
    for method in ["DELETE", "PATCH"] {
        let answer = service.call(method, "1/webhooks/1", r#"{"name": "Late"}"#).await;
        assert_eq!((answer.status, answer.json()), (404, unknown.clone()), "{method}");
    }
    create(&service, &json!({ "url": HOOK })).await;
}

#[tokio::test]
async fn another_accounts_webhook_does_not_exist() {
    let service = service().await;
    service.call("PUT", "2", r#"{"name": "Other"}"#).await;
    create(&service, &json!({ "url": HOOK })).await;
    for method in ["DELETE", "PATCH", "PUT"] {
        let answer = service.call(method, "2/webhooks/1", r#"{"name": "Mine"}"#).await;
        assert_eq!(answer.status, 404, "{method}");
    }
}

#[tokio::test]
async fn nothing_at_all_misses_the_webhook() {
    let service = service().await;
    for body in ["", "{}", r#"{"webhook": {}}"#] {
        let answer = service.call("POST", "1/webhooks", body).await;
        let missing = json!({ "error": "param is missing or the value is empty: webhook" });
        assert_eq!((answer.status, answer.json()), (422, missing), "{body}");
    }
}

#[tokio::test]
async fn an_inbox_must_be_of_the_account() {
    let service = service().await;
    let answer = post(&service, &json!({ "url": HOOK, "inbox_id": 42 })).await;
    assert_eq!((answer.status, &answer.json()["message"]), (422, &json!("Inbox must exist")));
    let policy = json!({ "url": HOOK, "delivery": { "inbox_ids": [42] } });
    assert_eq!(post(&service, &policy).await.json()["attributes"], json!(["delivery"]));
    assert_eq!(list(&service).await["payload"]["webhooks"], json!([]));
}

#[tokio::test]
async fn the_policy_is_settable_one_key_at_a_time() {
    let service = service().await;
    let delivery = json!({ "concurrency": 4, "timeout": "5s", "retry_schedule": ["1s"] });
    create(&service, &json!({ "url": HOOK, "delivery": delivery })).await;
    let body = json!({ "delivery": { "timeout": "2s" } }).to_string();
    let changed = service.call("PATCH", "1/webhooks/1", &body).await.json();
    let expected = json!({
        "concurrency": 4, "timeout": "2s", "retry_schedule": ["1s"], "inbox_ids": null,
        "rate_per_second": null, "ordering": "none", "headers": {},
    });
    assert_eq!(changed["payload"]["webhook"]["delivery"], expected);
}

#[tokio::test]
async fn an_unregistered_account_has_no_webhooks() {
    let service = Service::start().await;
    assert_eq!(post(&service, &json!({ "url": HOOK })).await.status, 404);
}
