//! How deliveries are made, limited and shown.

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::api::Api;
use crate::receiver::{Receiver, Reply};
use crate::relink::Place;
use crate::steps::{message, register_account, subscribe};

async fn deliveries(api: &Api, webhook: &Value, query: &str) -> Vec<Value> {
    let path = format!("/webhooks/{}/deliveries?{query}", webhook["id"]);
    api.get(&path).await.json(200)["deliveries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_delivery_is_shown_with_all_its_attempts() {
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", "50ms,50ms");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    receiver.answer("/hook", Reply::Status(500));
    let webhook = subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    message(&api, "in vain").await;
    let position = place.written("delivery.abandoned", 1).await;

    let seen = format!("consistent_to={position}");
    let listed = deliveries(&api, &webhook, &seen).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["event"], "message_created");
    assert_eq!(listed[0]["status"], "abandoned");
    assert_eq!(listed[0]["attempts"], 3);
    assert_eq!(listed[0]["next_attempt_at"], Value::Null);

    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(receiver.arrivals()[0].delivery(), id);
    let one = api.get(&format!("/deliveries/{id}?{seen}")).await.json(200);
    let attempts = one["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 3, "{one}");
    for (number, attempt) in (1..).zip(attempts) {
        assert_eq!(attempt["number"], number);
        assert!(attempt["time"].is_string(), "{attempt}");
        assert_eq!(attempt["class"], "server");
        assert_eq!(attempt["status"], 500);
        assert!(attempt["duration"].is_number() || attempt["duration"].is_string(), "{attempt}");
        assert!(attempt["response"].to_string().contains("said the receiver"), "{attempt}");
    }
    assert_eq!(receiver.arrivals().len(), 3, "the first attempt and one for each wait");
}

#[tokio::test]
async fn deliveries_are_filtered_and_paged() {
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", "1h");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    let webhook = subscribe(&api, &receiver.url("/hook"), &["message_*"]).await;
    for number in 0..5 {
        message(&api, &format!("message {number}")).await;
    }
    place.written("delivery.delivered", 5).await;
    receiver.answer("/hook", Reply::Status(500));
    let event = json!({ "event": "message_updated", "data": {} });
    api.post("/events", event).await.json(202);
    let seen = format!("consistent_to={}", place.written("delivery.attempt_failed", 1).await);

    assert_eq!(deliveries(&api, &webhook, &seen).await.len(), 6);
    let delivered = deliveries(&api, &webhook, &format!("{seen}&status=delivered")).await;
    assert_eq!(delivered.len(), 5);
    let updated = deliveries(&api, &webhook, &format!("{seen}&event=message_updated")).await;
    assert_eq!(updated.len(), 1);
    assert!(updated[0]["next_attempt_at"].is_string(), "{}", updated[0]);
    assert_eq!(updated[0]["attempts"], 1);

    let page = deliveries(&api, &webhook, &format!("{seen}&limit=4")).await;
    assert_eq!(page.len(), 4);
    // The one was queued when the five had been delivered.
    let queued = updated[0]["created_at"].as_str().unwrap();
    let before = deliveries(&api, &webhook, &format!("{seen}&before={queued}")).await;
    assert_eq!(before.len(), 5);
    assert!(before.iter().all(|one| one["event"] == "message_created"));
    let newest = before[0]["created_at"].as_str().unwrap();
    let after = deliveries(&api, &webhook, &format!("{seen}&after={newest}")).await;
    assert_eq!(after, updated);
}

#[tokio::test]
async fn an_endpoint_that_hangs_delays_no_other() {
    let place = Place::new().set("RELINK_WEBHOOK_TIMEOUT", "60s");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    receiver.answer("/slow", Reply::Hang);
    subscribe(&api, &receiver.url("/slow"), &["message_created"]).await;
    subscribe(&api, &receiver.url("/quick"), &["message_created"]).await;
    for number in 0..100 {
        message(&api, &format!("message {number}")).await;
    }
    // All of the quick one's arrive while none of the slow one's has ended.
    receiver.expect_at("/quick", 100).await;
    assert!(place.log_of("delivery.attempt_failed").await.is_empty());
    assert!(receiver.arrivals_at("/slow").len() < 100, "an endpoint has a limit of its own");
}

#[tokio::test]
async fn an_endpoint_that_hangs_times_out_and_is_tried_again() {
    let place = Place::new()
        .set("RELINK_WEBHOOK_TIMEOUT", "200ms")
        .set("RELINK_RETRY_SCHEDULE", "50ms,50ms,50ms");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    receiver.answer("/hook", Reply::Hang);
    subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    message(&api, "patience").await;
    receiver.expect(2).await;
    let failed = place.log_of("delivery.attempt_failed").await;
    assert_eq!(failed[0]["data"]["class"], "timeout", "{}", failed[0]);
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", "1h");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    receiver.answer("/hook", Reply::With(307, "location", "/elsewhere"));
    subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    message(&api, "moved").await;
    place.written("delivery.attempt_failed", 1).await;
    assert_eq!(receiver.arrivals().len(), 1, "{:?}", receiver.arrivals());
}

/// The only delivery of a webhook, with all its attempts.
async fn only_delivery(api: &Api, webhook: &Value, query: &str) -> Value {
    let listed = deliveries(api, webhook, query).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    let path = format!("/deliveries/{}?{query}", listed[0]["id"].as_str().unwrap());
    api.get(&path).await.json(200)
}

#[tokio::test]
async fn each_way_to_fail_is_shown_with_its_class() {
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", "1h");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    let ways = [
        (Reply::With(302, "location", "/elsewhere"), "client", json!(302)),
        (Reply::With(308, "location", "/elsewhere"), "client", json!(308)),
        (Reply::Status(404), "client", json!(404)),
        (Reply::Status(401), "auth", json!(401)),
        (Reply::Status(410), "gone", json!(410)),
        (Reply::Status(429), "throttled", json!(429)),
        (Reply::Status(503), "server", json!(503)),
    ];
    let mut expected = Vec::new();
    for (number, (reply, class, status)) in ways.into_iter().enumerate() {
        let path = format!("/hook/{number}");
        receiver.answer(&path, reply);
        let webhook = subscribe(&api, &receiver.url(&path), &["message_created"]).await;
        expected.push((webhook, class, status));
    }
    // A port that nobody listens on any more.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let webhook = subscribe(&api, &format!("http://{gone}/"), &["message_created"]).await;
    expected.push((webhook, "connect", Value::Null));
    message(&api, "in vain").await;

    let position = place.written("delivery.attempt_failed", expected.len()).await;
    let seen = format!("consistent_to={position}");
    for (webhook, class, status) in &expected {
        let shown = only_delivery(&api, webhook, &seen).await;
        let owed = if *class == "gone" { "held" } else { "pending" };
        assert_eq!(shown["status"], owed, "{shown}");
        assert!(shown["next_attempt_at"].is_string(), "{shown}");
        assert_eq!(shown["attempts"].as_array().unwrap().len(), 1, "{shown}");
        let attempt = &shown["attempts"][0];
        assert_eq!((&attempt["class"], &attempt["status"]), (&json!(class), status), "{shown}");
        assert!(attempt["detail"].is_string(), "{shown}");
        assert_eq!(&attempt["response"]["status"], status, "{shown}");
    }
    assert!(receiver.arrivals_at("/elsewhere").is_empty(), "no redirect is followed");
}

#[tokio::test]
async fn private_addresses_are_refused_unless_allowed() {
    let place = Place::new().unset("RELINK_ALLOW_PRIVATE").set("RELINK_RETRY_SCHEDULE", "10ms");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    let port = receiver.url("").rsplit(':').next().unwrap().to_owned();
    let hosts = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0"];
    let mut webhooks = Vec::new();
    for (number, host) in hosts.iter().enumerate() {
        let url = format!("http://{host}:{port}/hook/{number}");
        webhooks.push(subscribe(&api, &url, &["message_created"]).await);
    }
    message(&api, "not to be sent").await;
    let position = place.written("delivery.abandoned", hosts.len()).await;
    for webhook in &webhooks {
        let shown = only_delivery(&api, webhook, &format!("consistent_to={position}")).await;
        assert_eq!((&shown["status"], &shown["reason"]), (&json!("abandoned"), &json!("blocked")));
        assert_eq!(shown["attempts"].as_array().unwrap().len(), 1, "{shown}");
        assert_eq!(shown["attempts"][0]["class"], "blocked", "{shown}");
        assert_eq!(shown["attempts"][0]["response"], Value::Null, "{shown}");
    }
    assert!(receiver.arrivals().is_empty(), "{:?}", receiver.arrivals());
}

#[tokio::test]
async fn a_failing_webhook_shows_in_health() {
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", "1h");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    receiver.answer("/hook", Reply::Status(500));
    let webhook = subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    message(&api, "refused").await;
    let position = place.written("delivery.attempt_failed", 1).await;
    let health = api.get(&format!("/health?consistent_to={position}")).await.json(200);
    assert_eq!(health["webhooks"][0]["id"], webhook["id"], "{health}");
    assert_eq!(health["webhooks"][0]["state"], "failing", "{health}");
}
