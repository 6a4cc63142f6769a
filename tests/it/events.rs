//! Platform events: taken once, answered in order, fanned out to everybody who asked.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Answer, Api};
use crate::receiver::{Receiver, Reply};
use crate::relink::Place;
use crate::steps::{message, register_account, secret, subscribe};

const NDJSON: &str = "application/x-ndjson";

#[tokio::test]
async fn an_event_is_taken_and_delivered_as_it_is() {
    let place = Place::new();
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    let webhook = subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;

    let data = json!({ "id": 7, "content": "Grüße <b>&\u{2028}", "nested": { "a": [1, null] } });
    let answer = api.post("/events", json!({ "event": "message_created", "data": data })).await;
    let accepted = answer.json(202);
    assert!(accepted["id"].is_string(), "{accepted}");
    assert!(accepted["position"].is_u64(), "{accepted}");

    let arrival = receiver.expect(1).await.remove(0);
    arrival.check_signatures(secret(&webhook));
    let body = arrival.json();
    assert_eq!(body["event"], "message_created");
    for (name, value) in data.as_object().unwrap() {
        assert_eq!(&body[name], value, "{body}");
    }
    uuid::Uuid::parse_str(&arrival.delivery()).unwrap();
}

#[tokio::test]
async fn ndjson_is_answered_line_by_line_and_a_bad_line_in_its_place() {
    let place = Place::new();
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    let lines = [
        r#"{"event":"message_created","data":{"content":"first"}}"#,
        r#"{"event":"message_created","#,
        r#"{"data":{"content":"of what kind?"}}"#,
        r#"{"event":"message_created","data":{"content":"last"}}"#,
    ];

    let answer = api.post_raw("/events", NDJSON, lines.join("\n")).await;
    assert!(answer.status.is_success(), "{}: {}", answer.status, answer.body);
    assert!(answer.header("content-type").starts_with(NDJSON), "{answer:?}");
    let answers: Vec<Value> =
        answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 4, "{}", answer.body);
    for taken in [&answers[0], &answers[3]] {
        assert!(taken["id"].is_string() && taken["position"].is_u64(), "{taken}");
    }
    assert!(answers[0]["position"].as_u64() < answers[3]["position"].as_u64());
    for refused in [&answers[1], &answers[2]] {
        assert!(refused.get("position").is_none(), "{refused}");
        let status = refused["status"].as_u64().unwrap();
        assert!([400, 422].contains(&status), "{refused}");
        assert!(refused["title"].is_string(), "{refused}");
    }

    let arrivals = receiver.expect(2).await;
    let mut contents: Vec<_> =
        arrivals.iter().map(|arrival| arrival.json()["content"].clone()).collect();
    contents.sort_by_key(Value::to_string);
    assert_eq!(contents, ["first", "last"]);
    assert_eq!(place.log_of("platform.event_received").await.len(), 2);
}

#[tokio::test]
async fn a_thousand_lines_are_a_thousand_events() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let lines: Vec<_> = (0..1000)
        .map(|id| json!({ "event": "message_created", "data": { "id": id } }).to_string())
        .collect();
    let answer = api.post_raw("/events", NDJSON, lines.join("\n")).await;
    assert_eq!(answer.body.lines().count(), 1000);
    let events = place.log_of("platform.event_received").await;
    assert_eq!(events.len(), 1000);
}

async fn keyed(api: &Api, path: &str, key: &str, body: &Value) -> Answer {
    let call = api.call(Method::POST, path).header("idempotency-key", key).json(body);
    Answer::to(call).await
}

#[tokio::test]
async fn the_same_key_and_body_give_the_same_answer_and_no_second_event() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let body = json!({ "event": "message_created", "data": { "content": "once" } });

    let first = keyed(&api, "/events", "order-17", &body).await;
    let again = keyed(&api, "/events", "order-17", &body).await;
    assert_eq!(first.json(202), again.json(202));
    assert_eq!(place.log_of("platform.event_received").await.len(), 1);

    relink.kill().await;
    let relink = place.serve().await;
    let again = keyed(&relink.api(), "/events", "order-17", &body).await;
    assert_eq!(first.json(202), again.json(202), "also behind a crash");

    let other = keyed(&relink.api(), "/events", "order-18", &body).await;
    assert_ne!(first.json(202)["id"], other.json(202)["id"]);
    assert_eq!(place.log_of("platform.event_received").await.len(), 2);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_422() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let body =
        |content: &str| json!({ "event": "message_created", "data": { "content": content } });
    keyed(&api, "/events", "order-17", &body("one")).await.json(202);
    keyed(&api, "/events", "order-17", &body("two")).await.problem(422);
    assert_eq!(place.log_of("platform.event_received").await.len(), 1);
    // A key belongs to its account.
    let other = relink.api().of_account(2);
    register_account(&other).await;
    keyed(&other, "/events", "order-17", &body("two")).await.json(202);
}

#[tokio::test]
async fn the_same_key_at_once_is_one_event() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let calls = (0..12).map(|_| {
        let api = api.clone();
        tokio::spawn(async move {
            let body = json!({ "event": "message_created", "data": { "content": "once" } });
            keyed(&api, "/events", "order-17", &body).await
        })
    });
    let mut ids = std::collections::BTreeSet::new();
    for answer in calls.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        // While the first is under way the others may be told to come back.
        if answer.status == 202 {
            ids.insert(answer.json(202)["id"].to_string());
        } else {
            assert_eq!(answer.status, 409, "{}", answer.body);
        }
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(place.log_of("platform.event_received").await.len(), 1);
}

#[tokio::test]
async fn every_post_takes_a_key() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    crate::steps::register(&api).await;
    let errors = format!("{}/authorization_errors", crate::steps::INBOX);
    let evidence = crate::steps::invalidated();
    let first = keyed(&api, &errors, "e-1", &evidence).await.json(200);
    assert_eq!(keyed(&api, &errors, "e-1", &evidence).await.json(200), first);
    assert_eq!(first["authorization_error_count"], 1);

    let wanted = json!({ "url": "https://example.com/hook" });
    let first = keyed(&api, "/webhooks", "w-1", &wanted).await.json(200);
    let again = keyed(&api, "/webhooks", "w-1", &wanted).await.json(200);
    assert_eq!(first, again, "the secret too");
    assert_eq!(place.log_of("webhook.created").await.len(), 1);
}

#[tokio::test]
async fn of_three_webhooks_the_failing_one_is_retried_alone() {
    let schedule = ["50ms"; 100].join(",");
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", &schedule);
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    receiver.answer("/b", Reply::Status(500));
    for path in ["/a", "/b", "/c"] {
        subscribe(&api, &receiver.url(path), &["message_created"]).await;
    }
    message(&api, "to three").await;
    receiver.expect_at("/a", 1).await;
    receiver.expect_at("/c", 1).await;
    receiver.expect_at("/b", 3).await;
    receiver.answer("/b", Reply::Status(200));
    place.written("delivery.delivered", 3).await;

    assert_eq!(receiver.arrivals_at("/a").len(), 1);
    assert_eq!(receiver.arrivals_at("/c").len(), 1);
    let attempts = receiver.arrivals_at("/b");
    assert_eq!(attempts.iter().filter(|attempt| attempt.answered == Some(200)).count(), 1);
    assert!(attempts.iter().all(|attempt| attempt.body == attempts[0].body));
    assert!(attempts.iter().all(|attempt| attempt.delivery() == attempts[0].delivery()));
    assert_eq!(place.log_of("delivery.queued").await.len(), 3);
}

#[tokio::test]
async fn a_wildcard_takes_what_begins_like_it() {
    let place = Place::new();
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    subscribe(&api, &receiver.url("/some"), &["conversation_*"]).await;
    subscribe(&api, &receiver.url("/all"), &["*"]).await;
    for event in ["contact_created", "conversation_created", "message_created"] {
        let answer = api.post("/events", json!({ "event": event, "data": { "id": 1 } })).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
    }
    receiver.expect_at("/all", 3).await;
    let some = receiver.expect_at("/some", 1).await;
    assert_eq!(some[0].json()["event"], "conversation_created");
    assert_eq!(place.log_of("delivery.queued").await.len(), 4);
}

#[tokio::test]
async fn who_subscribes_later_is_sent_nothing_of_before() {
    let place = Place::new();
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    message(&api, "before").await;
    let webhook = subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    message(&api, "while").await;
    receiver.expect(1).await;
    api.delete(&format!("/webhooks/{}", webhook["id"])).await;
    message(&api, "after").await;
    subscribe(&api, &receiver.url("/other"), &["message_created"]).await;
    message(&api, "last").await;

    receiver.expect_at("/other", 1).await;
    let contents: Vec<_> =
        receiver.arrivals().iter().map(|arrival| arrival.json()["content"].clone()).collect();
    assert_eq!(contents, ["while", "last"]);
}
