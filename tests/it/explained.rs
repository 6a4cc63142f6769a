//! A test delivery, and the explanations of deliveries, endpoints and the log's size.

use serde_json::{Value, json};

use crate::receiver::{Receiver, Reply};
use crate::relink::Place;
use crate::steps::{message, register_account, secret, subscribe};

#[tokio::test]
async fn a_test_arrives_as_any_delivery_does() {
    let place = Place::new();
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    register_account(&api).await;
    let webhook = subscribe(&api, &receiver.url("/hook"), &["inbox_updated"]).await;
    subscribe(&api, &receiver.url("/other"), &["*"]).await;
    let test = format!("/webhooks/{}/test", webhook["id"]);
    let queued = api.post(&test, json!({})).await.json(202);
    let arrival = receiver.expect(1).await.remove(0);
    arrival.check_signatures(secret(&webhook));
    assert_eq!(arrival.path, "/hook");
    assert_eq!(arrival.json()["event"], "webhook_test");
    assert_eq!(queued["id"], arrival.delivery());
}

#[tokio::test]
async fn a_test_reaches_no_address_that_a_delivery_may_not() {
    let place = Place::new().unset("RELINK_ALLOW_PRIVATE");
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    register_account(&api).await;
    let webhook = subscribe(&api, &receiver.url("/hook"), &["inbox_updated"]).await;
    let test = format!("/webhooks/{}/test", webhook["id"]);
    let id = api.post(&test, json!({})).await.json(202)["id"].clone();
    let seen = place.written("delivery.attempt_failed", 1).await;
    let id = id.as_str().unwrap();
    let told = api.get(&format!("/deliveries/{id}/explain?consistent_to={seen}")).await.json(200);
    assert_eq!(told["attempts"][0]["class"], "blocked");
    assert_eq!((&told["cause"], &told["subscription"]["matched"]), (&Value::Null, &Value::Null));
    assert!(receiver.arrivals().is_empty());
}

#[tokio::test]
async fn an_attempt_is_explained_with_the_signatures_that_arrived() {
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", "1h");
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    register_account(&api).await;
    receiver.answer("/hook", Reply::With(302, "location", "https://example.com/moved"));
    let webhook = subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    message(&api, "hello").await;
    let arrival = receiver.expect(1).await.remove(0);
    let seen = place.written("delivery.attempt_failed", 1).await;
    let id = arrival.delivery();

    let path = format!("/deliveries/{id}/explain?consistent_to={seen}");
    let by_api = api.get(&path).await.json(200);
    let rotated = format!("/webhooks/{}/rotate_secret", webhook["id"]);
    api.post(&rotated, json!({ "overlap": "0s" })).await.json(200);
    let by_command = place.run_well(&["explain", "delivery", &id]).await;
    let by_command: Value = serde_json::from_str(&by_command).unwrap();
    for told in [&by_api, &by_command] {
        let attempt = &told["attempts"][0];
        let headers = &attempt["request"]["headers"];
        for name in ["webhook-signature", "x-chatwoot-signature", "webhook-timestamp"] {
            assert_eq!(headers[name], arrival.header(name), "{name}");
        }
        assert!(attempt["detail"].as_str().unwrap().contains("https://example.com/moved"));
        assert_eq!(told["cause"]["data"]["event"], "message_created");
    }
    let nothing = place.run(&["explain", "delivery", "01900000-0000-8000-8000-000000000000"]);
    nothing.await.refused(1);

    let why = api.get(&format!("/webhooks/{}/why", webhook["id"])).await.json(200);
    assert_eq!(why["state"], "failing");
    relink.kill().await;
}

#[tokio::test]
async fn stats_say_what_uses_the_space_also_while_the_service_runs() {
    let place = Place::new();
    let relink = place.serve().await;
    register_account(&relink.api()).await;
    let stats = place.run_well(&["stats", "--json"]).await;
    let stats: Value = serde_json::from_str(&stats).unwrap();
    assert_eq!(stats["log"]["kinds"]["account.registered"]["events"], 1);
    assert_eq!(stats["log"]["total"]["events"], place.log().await.len());
    assert!(stats["disk_bytes"].as_u64() > stats["log"]["total"]["bytes"].as_u64());
    assert!(place.run_well(&["stats"]).await.contains("account.registered"));
}

#[tokio::test]
async fn a_webhook_is_told_of_what_another_never_took_and_never_of_its_own() {
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", "10ms");
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    register_account(&api).await;
    receiver.answer("/sick", Reply::Status(500));
    let both = ["message_created", "delivery.abandoned"];
    let sick = subscribe(&api, &receiver.url("/sick"), &both).await;
    let watcher = subscribe(&api, &receiver.url("/watcher"), &["delivery.*"]).await;
    message(&api, "hello").await;
    let told = receiver.expect_at("/watcher", 1).await.remove(0);
    told.check_signatures(secret(&watcher));
    let told = told.json();
    assert_eq!(
        (&told["event"], &told["webhook"]["id"]),
        (&json!("delivery.abandoned"), &sick["id"])
    );
    assert_eq!(told["delivery"], receiver.arrivals_at("/sick")[0].delivery());
    // Whatever the fan-out has gone past has made no further debt.
    message(&api, "and again").await;
    receiver.expect_at("/watcher", 2).await;
    assert!(receiver.arrivals_at("/sick").iter().all(|it| it.json()["event"] == "message_created"));

    let forged = json!({ "event": "webhook.disabled", "data": {} });
    assert_eq!(api.post("/events", forged).await.status, 422);
}
