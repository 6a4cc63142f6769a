use events::delivery::{
    AbandonReason, Abandoned, AttemptClass, AttemptFailed, Delivered, Event, Queued, Response,
};
use events::{AccountId, Category, EventId, StreamName};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::history::{append, second};
use crate::http::testing::Service;

const WEBHOOK: WebhookId = WebhookId(1);

fn id(number: u128) -> DeliveryId {
    DeliveryId::of(EventId(Uuid::from_u128(number)), WEBHOOK)
}

fn queued(number: u128) -> Event {
    let source = EventId(Uuid::from_u128(number));
    Queued {
        delivery: id(number),
        account: AccountId(1),
        event: "message_created".to_owned(),
        source,
        body: r#"{"a":1}"#.to_owned(),
        // So far ahead that no attempt begins.
        due: second(40_000_000_000),
        key: None,
    }
    .into()
}

fn failed(number: u128) -> Event {
    AttemptFailed {
        delivery: id(number),
        attempt: 1,
        class: AttemptClass::Server,
        detail: "the receiver answered 500".to_owned(),
        response: Some(Response { status: 500, body: "no".to_owned(), truncated: false }),
        started_at: second(20),
        duration_us: 12_345,
        address: Some("192.0.2.1:443".into()),
        retry_at: None,
        charged: true,
        throttled_until: None,
    }
    .into()
}

/// A webhook that is owed one delivery and was in vain sent another.
async fn service() -> Service {
    let service = Service::start().await;
    service.call("PUT", "1", r#"{"name": "Acme"}"#).await;
    service.call("PUT", "2", r#"{"name": "Other"}"#).await;
    let body = r#"{"url": "https://example.com/hook"}"#;
    assert_eq!(service.call("POST", "1/webhooks", body).await.status, 200);
    let ledger = StreamName::new(Category::Ledger, WEBHOOK);
    let store = &*service.app.store;
    append(store, &ledger, queued(1), 10).await;
    append(store, &ledger, queued(2), 15).await;
    append(store, &ledger, failed(1), 20).await;
    let abandoned = Abandoned { delivery: id(1), reason: AbandonReason::Exhausted };
    let last = append(store, &ledger, Event::from(abandoned), 20).await;
    service.app.acknowledge(last);
    service
}

async fn ids(service: &Service, query: &str) -> Vec<Value> {
    let path = format!("1/webhooks/1/deliveries?{query}");
    let listed = service.call("GET", &path, "").await.json();
    listed["deliveries"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect()
}

#[tokio::test]
async fn deliveries_are_listed_newest_first() {
    let service = service().await;
    let listed = service.call("GET", "1/webhooks/1/deliveries", "").await.json();
    assert_eq!(listed["deliveries"][0]["status"], "pending");
    let expected = json!({
        "id": id(1), "event": "message_created", "status": "abandoned", "attempts": 1,
        "next_attempt_at": null, "created_at": second(10), "finished_at": second(20),
        "last_class": "server", "last_status": 500, "key": null, "blocked_behind": null,
        "removed_at": null,
    });
    assert_eq!(listed["deliveries"][1], expected);
}

#[tokio::test]
async fn deliveries_are_filtered() {
    let service = service().await;
    assert_eq!(ids(&service, "status=abandoned").await, [json!(id(1))]);
    assert_eq!(ids(&service, "event=message_updated").await, [] as [Value; 0]);
    assert_eq!(ids(&service, "limit=1").await, [json!(id(2))]);
    assert_eq!(ids(&service, "before=1970-01-01T00:00:15Z").await, [json!(id(1))]);
    assert_eq!(ids(&service, "after=1970-01-01T00:00:10Z").await, [json!(id(2))]);
    let nothing = "after=1970-01-01T00:00:10Z&before=1970-01-01T00:00:10Z";
    for query in ["status=lost", "before=noon", "limit=0", nothing] {
        let path = format!("1/webhooks/1/deliveries?{query}");
        assert_eq!(service.call("GET", &path, "").await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn one_delivery_is_shown_with_its_attempts() {
    let service = service().await;
    let shown = service.call("GET", &format!("1/deliveries/{}", id(1)), "").await.json();
    assert_eq!(shown["webhook_id"], 1);
    assert_eq!(shown["body"], r#"{"a":1}"#);
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("abandoned"), &json!("exhausted")));
    let expected = json!({
        "number": 1, "time": second(20), "class": "server", "status": 500,
        "duration": "12ms", "duration_ms": 12, "detail": "the receiver answered 500",
        "response": { "status": 500, "body": "no", "truncated": false },
        "address": "192.0.2.1:443",
    });
    assert_eq!(shown["attempts"], json!([expected]));
    let owed = service.call("GET", &format!("1/deliveries/{}", id(2)), "").await.json();
    assert_eq!(owed["next_attempt_at"], json!(second(40_000_000_000)));
    assert_eq!(owed["attempts"], json!([]));
}

#[tokio::test]
async fn what_is_anothers_or_unknown_does_not_exist() {
    let service = service().await;
    let (known, unknown) = (id(1), id(3));
    for path in [
        format!("2/deliveries/{known}"),
        format!("1/deliveries/{unknown}"),
        "1/deliveries/not-an-id".to_owned(),
        "2/webhooks/1/deliveries".to_owned(),
        "1/webhooks/9/deliveries".to_owned(),
    ] {
        assert_eq!(service.call("GET", &path, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn one_that_was_given_up_is_retried_as_the_same_delivery() {
    let service = service().await;
    service.call("POST", "1/webhooks/1/disable", "").await;
    let told = service.call("POST", &format!("1/deliveries/{}/retry", id(1)), "").await;
    assert_eq!((told.status, &told.json()["held"]), (200, &json!(true)));
    let shown = service.call("GET", &format!("1/deliveries/{}", id(1)), "").await.json();
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("held"), &json!(null)));
    assert_eq!(shown["attempts"].as_array().unwrap().len(), 1);
    let again = service.call("POST", &format!("1/deliveries/{}/retry", id(1)), "").await;
    assert_eq!(again.json()["position"], told.json()["position"]);
}

#[tokio::test]
async fn one_is_parked_and_skipped() {
    let service = service().await;
    let parked = service.call("POST", &format!("1/deliveries/{}/park", id(2)), "").await;
    assert_eq!(parked.status, 200);
    assert_eq!(ids(&service, "status=held").await, [json!(id(2))]);
    let skipped = service.call("POST", &format!("1/deliveries/{}/skip", id(2)), "").await;
    assert_eq!(skipped.status, 200);
    let shown = service.call("GET", &format!("1/deliveries/{}", id(2)), "").await.json();
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("abandoned"), &json!("skipped")));
    for verb in ["retry", "park", "skip"] {
        let unknown = format!("1/deliveries/{}/{verb}", id(3));
        assert_eq!(service.call("POST", &unknown, "").await.status, 404, "{verb}");
        for path in [format!("2/deliveries/{}/{verb}", id(2)), format!("1/deliveries/x/{verb}")] {
            assert_eq!(service.call("POST", &path, "").await.status, 404, "{path}");
        }
    }
}

async fn asked(service: &Service, number: u128, verb: &str) -> (u16, Value) {
    let path = format!("1/deliveries/{}/{verb}", id(number));
    let answer = service.call("POST", &path, "").await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn what_is_over_is_neither_parked_nor_skipped_and_its_state_is_said() {
    let service = service().await;
    let delivered = Delivered {
        delivery: id(2),
        attempt: 1,
        started_at: second(30),
        duration_us: 1,
        response: Response { status: 200, body: String::new(), truncated: false },
        address: None,
    };
    let ledger = StreamName::new(Category::Ledger, WEBHOOK);
    let last = append(&*service.app.store, &ledger, Event::from(delivered), 30).await;
    service.app.acknowledge(last);
    for (number, verb, state) in
        [(2, "park", "delivered"), (2, "skip", "delivered"), (1, "park", "abandoned")]
    {
        let (status, told) = asked(&service, number, verb).await;
        assert_eq!((status, &told["code"]), (409, &json!("conflict")), "{verb}: {told}");
        let said = format!("is {state} already");
        assert!(told["detail"].as_str().unwrap().contains(&said), "{verb}: {told}");
    }
    // It is what it shall be.
    let before = service.app.store.head().await.unwrap();
    assert_eq!(asked(&service, 1, "skip").await.0, 200);
    assert_eq!(service.app.store.head().await.unwrap(), before);
}
