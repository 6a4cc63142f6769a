use events::delivery::{AttemptClass, AttemptFailed, Event, Queued, Response};
use events::installation::Role;
use events::platform::EventReceived;
use events::store::Slice;
use events::{AccountId, Category, EventId, StreamName, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::history::append;
use crate::http::testing::{Service, request};

const WEBHOOK: WebhookId = WebhookId(1);
const BODY: &str = r#"{"content":"it's","event":"message_created"}"#;

/// A webhook that was sent one message in vain, and then given another secret.
async fn service() -> (Service, DeliveryId) {
    let service = Service::start().await;
    for account in ["1", "2"] {
        service.call("PUT", account, r#"{"name": "Acme"}"#).await;
    }
    let wanted = json!({
        "url": "http://127.0.0.1:9/hook",
        "subscriptions": ["message_*"],
        "delivery": { "headers": { "X-Key": "s3cret" } },
    });
    assert_eq!(service.call("POST", "1/webhooks", &wanted.to_string()).await.status, 200);
    let store = &*service.app.store;
    let now = service.app.clock.now();
    let seconds = now.as_seconds() + 1;
    let platform = StreamName::new(Category::Platform, 1);
    let received = EventReceived {
        account: AccountId(1),
        event: "message_created".to_owned(),
        data: r#"{"content":"it's"}"#.to_owned(),
    };
    append(store, &platform, events::platform::Event::from(received), seconds).await;
    let record = store.read_stream(&platform, Slice::Before(None), 1).await.unwrap().remove(0);
    let id = DeliveryId::of(record.id, WEBHOOK);
    let ledger = StreamName::new(Category::Ledger, WEBHOOK);
    append(store, &ledger, queued(id, record.id), seconds).await;
    let last = append(store, &ledger, failed(id, now), seconds).await;
    service.app.acknowledge(last);
    let rotated = service.call("POST", "1/webhooks/1/rotate_secret", "").await;
    assert_eq!(rotated.status, 200);
    (service, id)
}

fn queued(delivery: DeliveryId, source: EventId) -> Event {
    Queued {
        delivery,
        account: AccountId(1),
        event: "message_created".to_owned(),
        source,
        body: BODY.to_owned(),
        // So far ahead that no attempt begins.
        due: crate::history::second(40_000_000_000),
        key: None,
    }
    .into()
}

fn failed(delivery: DeliveryId, started_at: Timestamp) -> Event {
    AttemptFailed {
        delivery,
        attempt: 1,
        class: AttemptClass::Server,
        detail: "answered 500 Internal Server Error".to_owned(),
        response: Some(Response { status: 500, body: "no".to_owned(), truncated: false }),
        started_at,
        duration_us: 12_345,
        address: None,
        retry_at: Some(crate::history::second(40_000_000_000)),
        charged: true,
        throttled_until: None,
    }
    .into()
}

#[tokio::test]
async fn a_delivery_is_explained_from_its_cause_to_a_line_that_repeats_it() {
    let (service, id) = service().await;
    let told = service.call("GET", &format!("1/deliveries/{id}/explain"), "").await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert!(!told.text.contains("s3cret"));
    let told = told.json();
    assert_eq!(told["cause"]["type"], "platform.event_received");
    assert_eq!(told["cause"]["id"], told["source"]);
    assert_eq!(told["subscription"]["matched"], "message_*");
    let attempt = &told["attempts"][0];
    assert_eq!((&attempt["class"], &attempt["status"]), (&json!("server"), &json!(500)));
    assert_eq!(attempt["address"], "127.0.0.1:9");
    assert!(attempt["hint"].as_str().unwrap().contains("fell over"));
    let headers = &attempt["request"]["headers"];
    assert_eq!(headers["x-key"], "[redacted]");
    assert_eq!(headers["webhook-id"], id.to_string());
    assert!(headers["webhook-signature"].as_str().unwrap().starts_with("v1,"));
    let kinds: Vec<_> =
        told["history"].as_array().unwrap().iter().map(|it| it["type"].clone()).collect();
    assert_eq!(kinds, ["delivery.queued", "delivery.attempt_failed"]);
    let curl = told["curl"].as_str().unwrap();
    assert!(curl.starts_with("curl -sS -i -X POST 'http://127.0.0.1:9/hook' -H '"), "{curl}");
    assert!(curl.ends_with(r#" --data-raw '{"content":"it'\''s","event":"message_created"}'"#));
}

#[tokio::test]
async fn where_no_line_can_repeat_a_delivery_it_is_said_why() {
    let (service, id) = service().await;
    let store = &*service.app.store;
    let now = service.app.clock.now();
    let told = explain::delivery(store, None, id, None, now).await.unwrap().unwrap();
    let problem = told["curl_problem"].as_str().unwrap();
    assert!(told["curl"].is_null() && problem.contains("sealing key"), "{told}");

    let path = format!("1/deliveries/{id}/explain");
    assert_eq!(service.call("GET", &path, "").await.json()["curl_problem"], Value::Null);
    assert_eq!(service.call("DELETE", "1/webhooks/1", "").await.status, 200);
    let told = service.call("GET", &path, "").await.json();
    let problem = told["curl_problem"].as_str().unwrap();
    assert!(told["curl"].is_null() && problem.contains("no such endpoint"), "{told}");
}

#[tokio::test]
async fn an_attempt_is_explained_by_the_settings_of_its_time() {
    let (service, id) = service().await;
    let signatures = |told: &Value| {
        let headers = &told["attempts"][0]["request"]["headers"];
        headers["webhook-signature"].as_str().unwrap().split(' ').count()
    };
    let told = service.call("GET", &format!("1/deliveries/{id}/explain"), "").await.json();
    assert_eq!(signatures(&told), 1, "the second secret came later");
    assert_eq!(told["curl"].as_str().unwrap().matches("v1,").count(), 2, "and signs now");
}

#[tokio::test]
async fn a_webhook_says_why_it_is_failing() {
    let (service, _) = service().await;
    let told = service.call("GET", "1/webhooks/1/why", "").await;
    assert_eq!(told.status, 200, "{}", told.text);
    let told = told.json();
    assert_eq!((&told["state"], &told["cause"]), (&json!("failing"), &json!("server")));
    assert!(told["rule"].as_str().unwrap().contains("fail"));
    assert!(told["hint"].as_str().unwrap().contains("fell over"));
    assert_eq!(told["evidence"]["failed_attempts"], 1);
    assert_eq!(told["evidence"]["complete"], true);
    assert_eq!(told["evidence"]["first"]["type"], "delivery.attempt_failed");
    assert_eq!(told["events"][0]["data"]["class"], "server");
}

#[tokio::test]
async fn a_healthy_webhook_is_not_explained_by_its_other_settings() {
    let service = Service::start().await;
    service.call("PUT", "1", r#"{"name": "Acme"}"#).await;
    let wanted = r#"{"url": "https://example.com/hook"}"#;
    assert_eq!(service.call("POST", "1/webhooks", wanted).await.status, 200);
    for body in ["", r#"{"algorithm": "ed25519"}"#] {
        let rotated = service.call("POST", "1/webhooks/1/rotate_secret", body).await;
        assert_eq!(rotated.status, 200, "{}", rotated.text);
    }
    let told = service.call("GET", "1/webhooks/1/why", "").await.json();
    assert_eq!(told["state"], "healthy");
    let kinds: Vec<_> = told["events"].as_array().unwrap().iter().map(|it| &it["type"]).collect();
    assert_eq!(kinds, ["webhook.created"], "{told}");
}

#[tokio::test]
async fn nobody_else_is_told() {
    let (service, id) = service().await;
    let unknown = DeliveryId::of(EventId(uuid::Uuid::from_u128(7)), WEBHOOK);
    for path in [
        format!("2/deliveries/{id}/explain"),
        format!("1/deliveries/{unknown}/explain"),
        "1/deliveries/x/explain".to_owned(),
        "2/webhooks/1/why".to_owned(),
        "1/webhooks/9/why".to_owned(),
        "1/webhooks/x/why".to_owned(),
    ] {
        assert_eq!(service.call("GET", &path, "").await.status, 404, "{path}");
    }
    for path in [format!("1/deliveries/{id}/explain"), "1/webhooks/1/why".to_owned()] {
        let token = service.token(Role::Agent).await;
        let request = request("GET", &path).header("api_access_token", token);
        assert_eq!(service.send(request.body("".into()).unwrap()).await.status, 401, "{path}");
    }
}
