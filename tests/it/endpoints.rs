//! Endpoints that a rule disabled: what is said of them, to whom, and how they are enabled again.

use serde_json::{Value, json};

use crate::api::Api;
use crate::receiver::{Receiver, Reply};
use crate::relink::{Place, Relink};
use crate::steps::{INBOX, message, register, register_account, subscribe};

/// An API inbox whose webhook is there.
async fn api_inbox(api: &Api, url: &str) {
    let inbox = json!({
        "name": "Bot", "channel_type": "Channel::Api", "webhook_url": url, "secret": "of-the-bot",
    });
    api.put(INBOX, inbox).await.json(201);
}

async fn report(api: &Api, id: u64) {
    let data = json!({ "id": id, "inbox": { "id": 42 } });
    let event = json!({ "event": "message_created", "data": data });
    assert_eq!(api.post("/events", event).await.status, 202);
}

/// In the health of the account, among what is measured, and to whoever reads the log lines.
async fn is_told_everywhere(relink: &Relink, owed: u64) {
    let api = relink.api();
    let health = api.get(&format!("/health?state=disabled&consistent_to={owed}")).await.json(200);
    let shown = &health["endpoints"][0];
    assert_eq!((&shown["kind"], &shown["held"]), (&json!("inbox"), &json!(2)), "{health}");
    let metrics = api.get("//metrics").await.body;
    for line in [
        "relink_endpoints{kind=\"inbox\",state=\"disabled\"} 1",
        "relink_endpoints{kind=\"mail\",state=\"disabled\"} 0",
        "relink_attempts_total{kind=\"inbox\",class=\"gone\"} 1",
        "relink_deliveries_pending 2",
        "relink_deliveries_held 2",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line} is not in\n{metrics}");
    }
    relink.says(|said| said.contains("the webhook of inbox 42 is disabled (gone)")).await;
}

#[tokio::test]
async fn a_webhook_says_which_rule_disabled_it_and_what_that_had_seen() {
    let place = Place::new();
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    register_account(&api).await;
    receiver.answer("/gone", Reply::Status(410));
    let webhook = subscribe(&api, &receiver.url("/gone"), &["message_created"]).await;
    message(&api, "hello").await;
    let seen = place.written("delivery.endpoint_disabled", 1).await;
    let path = format!("/webhooks/{}/why?consistent_to={seen}", webhook["id"]);
    let why = api.get(&path).await.json(200);
    assert_eq!(why["state"], "disabled");
    assert!(why["rule"].as_str().unwrap().contains("410"), "{why}");
    let disabled = &why["disabled"];
    assert_eq!((&disabled["rule"], &disabled["by"]), (&json!("gone"), &json!("relink/delivery")));
    assert_eq!((&disabled["failed_attempts"], &disabled["position"]), (&json!(1), &json!(seen)));
    let kinds: Vec<_> = why["events"].as_array().unwrap().iter().map(|it| &it["type"]).collect();
    assert_eq!(kinds, ["delivery.attempt_failed", "delivery.endpoint_disabled"], "{why}");
    assert_eq!(why["evidence"]["failed_attempts"], 1);
}

#[tokio::test]
async fn the_webhook_of_an_api_inbox_is_explained_held_and_enabled_as_any() {
    let place = Place::new();
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    register_account(&api).await;
    receiver.answer("/bot", Reply::Status(410));
    api_inbox(&api, &receiver.url("/bot")).await;
    report(&api, 1).await;
    let arrival = receiver.expect(1).await.remove(0);
    let seen = place.written("delivery.endpoint_disabled", 1).await;
    report(&api, 2).await;
    let owed = place.written("delivery.queued", 2).await;
    is_told_everywhere(&relink, owed).await;

    let why = api.get(&format!("{INBOX}/webhook/why?consistent_to={seen}")).await.json(200);
    assert_eq!((&why["state"], &why["disabled"]["rule"]), (&json!("disabled"), &json!("gone")));
    assert_eq!((&why["held"], &why["evidence"]["failed_attempts"]), (&json!(2), &json!(1)));

    let by_api = api.get(&format!("/deliveries/{}/explain", arrival.delivery())).await.json(200);
    let by_command = place.run_well(&["explain", "delivery", &arrival.delivery()]).await;
    let by_command: Value = serde_json::from_str(&by_command).unwrap();
    for told in [&by_api, &by_command] {
        assert_eq!((&told["endpoint"], &told["webhook_id"]), (&json!("inbox.42"), &Value::Null));
        assert_eq!(told["cause"]["type"], "platform.event_received");
        assert_eq!(told["subscription"]["url"], receiver.url("/bot"));
        let attempt = &told["attempts"][0];
        assert_eq!((&attempt["class"], &attempt["status"]), (&json!("gone"), &json!(410)));
        let headers = &attempt["request"]["headers"];
        assert_eq!(headers["webhook-signature"], arrival.header("webhook-signature"));
        assert!(told["curl"].as_str().unwrap().contains(&receiver.url("/bot")), "{told}");
    }
    assert!(!by_api.to_string().contains("of-the-bot"), "{by_api}");

    receiver.answer("/bot", Reply::Status(200));
    let path = format!("{INBOX}/webhook/enable");
    assert_eq!(api.of_account(2).post(&path, json!({})).await.status, 404);
    let told = api.post(&path, json!({ "backlog": "all" })).await.json(200);
    assert_eq!((&told["id"], &told["status"]), (&json!(42), &json!("healthy")));
    let came = receiver.expect(3).await;
    let mut came: Vec<_> = came.iter().map(|it| it.json()["id"].as_u64()).collect();
    // The two that were held are under way at once.
    came.sort();
    assert_eq!(came, [Some(1), Some(1), Some(2)]);
}

#[tokio::test]
async fn mail_is_held_and_enabled_by_hand() {
    let place = Place::new()
        .set("RELINK_SMTP_URL", "smtp://127.0.0.1:9")
        .set("RELINK_MAIL_FROM", "Relink <relink@example.com>");
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let told = api.post("/mail/disable", json!({ "reason": "moving" })).await.json(200);
    assert_eq!((&told["status"], &told["reason"]), (&json!("disabled"), &json!("moving")));
    api.post(&format!("{INBOX}/prompt_reauthorization"), json!({})).await.json(200);
    let seen = place.written("delivery.queued", 1).await;
    let why = api.get(&format!("/mail/why?consistent_to={seen}")).await.json(200);
    assert_eq!((&why["disabled"]["rule"], &why["held"]), (&json!("asked"), &json!(1)));
    let told = api.post("/mail/enable", json!({})).await.json(200);
    assert_eq!((&told["status"], &told["pending"]), (&json!("healthy"), &json!(1)));
    let seen = place.written("delivery.attempt_failed", 1).await;
    let listed = api.get(&format!("/mail/deliveries?consistent_to={seen}")).await.json(200);
    let id = listed["deliveries"][0]["id"].as_str().unwrap();
    let told = api.get(&format!("/deliveries/{id}/explain")).await.json(200);
    assert_eq!((&told["endpoint"], &told["subscription"]), (&json!("mail.1"), &Value::Null));
    assert_eq!(told["cause"]["type"], "inbox.reauthorization_required");
    assert_eq!(told["attempts"][0]["class"], "connect");
    assert_eq!((&told["attempts"][0]["request"], &told["curl"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn whoever_restarts_the_service_is_told_which_endpoints_are_in_trouble() {
    let place = Place::new();
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    register_account(&api).await;
    receiver.answer("/gone", Reply::Status(410));
    let webhook = subscribe(&api, &receiver.url("/gone"), &["message_created"]).await;
    message(&api, "hello").await;
    place.written("delivery.endpoint_disabled", 1).await;
    assert!(relink.terminate().await.success());
    let line = format!("webhook {} is disabled (gone); 1 are held", webhook["id"]);
    place.serve().await.says(|said| said.contains(&line)).await;
}
