use events::delivery::{AbandonReason, Abandoned, Event, Queued};
use events::{AccountId, Category, DeliveryId, EventId, StreamName};
use serde_json::{Value, json};

use super::*;
use crate::history::{append, second};
use crate::http::testing::Service;

const WEBHOOK: WebhookId = WebhookId(1);

fn queued(number: u128) -> Event {
    let source = EventId(Uuid::from_u128(number));
    Queued {
        delivery: DeliveryId::of(source, WEBHOOK),
        account: AccountId(1),
        event: "message_created".to_owned(),
        source,
        body: r#"{"a":1}"#.to_owned(),
        due: second(40_000_000_000),
        key: Some(format!("conversation/{}", number % 2)),
    }
    .into()
}

/// A webhook that is disabled and was in vain sent five deliveries, at seconds 1 to 5.
async fn service() -> Service {
    let service = Service::start().await;
    service.call("PUT", "1", r#"{"name": "Acme"}"#).await;
    service.call("PUT", "2", r#"{"name": "Other"}"#).await;
    let body = r#"{"url": "https://example.com/hook"}"#;
    assert_eq!(service.call("POST", "1/webhooks", body).await.status, 200);
    let ledger = StreamName::new(Category::Ledger, WEBHOOK);
    for number in 1..=5 {
        let queued = queued(number);
        let delivery = queued.delivery().unwrap();
        append(&*service.app.store, &ledger, queued, number as i64).await;
        let reason = AbandonReason::Exhausted;
        let abandoned = Event::from(Abandoned { delivery, reason });
        append(&*service.app.store, &ledger, abandoned, number as i64).await;
    }
    service.call("POST", "1/webhooks/1/disable", "").await;
    service
}

async fn plan(service: &Service, body: &Value) -> Value {
    let answer = service.call("POST", "1/webhooks/1/recover", &body.to_string()).await;
    assert_eq!(answer.status, 200);
    answer.json()["plan"].clone()
}

#[tokio::test]
async fn a_plan_counts_exactly_what_the_filter_takes_in() {
    let service = service().await;
    for (body, count) in [
        (json!({ "since": second(0) }), 5),
        (json!({ "since": second(3) }), 3),
        (json!({ "since": second(0), "until": second(3) }), 2),
        (json!({ "since": second(0), "key": "conversation/1" }), 3),
        (json!({ "since": second(0), "event": "message_*" }), 5),
        (json!({ "since": second(0), "event": "inbox_*" }), 0),
        (json!({ "since": second(0), "status": ["delivered"] }), 0),
    ] {
        let plan = plan(&service, &body).await;
        assert_eq!(plan["count"], count, "{body}");
        assert_eq!(plan["bytes"], count * 7, "{body}");
    }
}

#[tokio::test]
async fn a_time_that_ends_before_it_begins_is_refused_with_both_its_names() {
    let service = service().await;
    let body = json!({ "since": second(3), "until": second(2) }).to_string();
    let answer = service.call("POST", "1/webhooks/1/recover", &body).await;
    let refused = answer.json();
    assert_eq!((answer.status, &refused["attributes"]), (422, &json!(["since", "until"])));
    assert!(refused["detail"].as_str().unwrap().contains("is not earlier than until"));
}

#[tokio::test]
async fn a_dry_run_leaves_nothing_behind() {
    let service = service().await;
    let before = service.app.store.head().await.unwrap();
    let plan = plan(&service, &json!({ "since": second(0), "dry_run": true })).await;
    assert_eq!((&plan["id"], &plan["count"]), (&Value::Null, &json!(5)));
    assert_eq!(service.app.store.head().await.unwrap(), before);
}

#[tokio::test]
async fn a_recovery_is_planned_started_paused_and_cancelled() {
    let service = service().await;
    let plan = plan(&service, &json!({ "since": second(0) })).await;
    let path = format!("1/recoveries/{}", plan["id"].as_str().unwrap());
    let status = async |verb: &str| {
        let method = if verb.is_empty() { "GET" } else { "POST" };
        let told = service.call(method, &format!("{path}{verb}"), "").await;
        (told.status, told.json()["recovery"]["status"].clone())
    };
    assert_eq!(status("").await, (200, json!("planned")));
    assert_eq!(status("/pause").await.0, 409);
    assert_eq!(status("/start").await, (200, json!("running")));
    assert_eq!(status("/start").await, (200, json!("running")));
    assert_eq!(status("/pause").await, (200, json!("paused")));
    assert_eq!(status("/cancel").await, (200, json!("cancelled")));
    assert_eq!(status("/start").await.0, 409);
    assert_eq!(status("").await, (200, json!("cancelled")));
}

#[tokio::test]
async fn what_is_anothers_unknown_or_bad_is_refused() {
    let service = service().await;
    let plan = plan(&service, &json!({ "since": second(0) })).await;
    let id = plan["id"].as_str().unwrap();
    for path in [format!("2/recoveries/{id}"), "1/recoveries/x".to_owned()] {
        assert_eq!(service.call("GET", &path, "").await.status, 404, "{path}");
    }
    let unknown = RecoveryId::of(Uuid::from_u128(5), WEBHOOK);
    assert_eq!(
        service.call("POST", &format!("1/recoveries/{unknown}/start"), "").await.status,
        404
    );
    let since = json!({ "since": second(0) }).to_string();
    assert_eq!(service.call("POST", "2/webhooks/1/recover", &since).await.status, 404);
    for body in [
        json!({}),
        json!({ "since": "yesterday" }),
        json!({ "since": second(0), "until": "later" }),
        json!({ "since": second(3), "until": second(2) }),
        json!({ "since": second(3), "until": second(3) }),
        json!({ "since": second(0), "status": ["pending"] }),
        json!({ "since": second(0), "dryrun": true }),
        json!([second(0)]),
    ] {
        let answer = service.call("POST", "1/webhooks/1/recover", &body.to_string()).await;
        assert_eq!(answer.status, 422, "{body}");
    }
}
