//! Requests that are wrong, each with its answer, and nothing of them in the log.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use crate::api::{Answer, Api};
use crate::relink::Place;
use crate::steps::{INBOX, register, register_account};

const JSON: &str = "application/json";

#[tokio::test]
async fn malformed_json_is_400_and_says_where() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let before = place.log().await.len();

    let errors = format!("{INBOX}/authorization_errors");
    for body in ["{\"provider\":", "nonsense", "{}{}"] {
        let problem = api.post_raw(&errors, JSON, body).await.problem(400);
        assert!(problem["detail"].is_string(), "{problem}");
        api.post_raw("/events", JSON, body).await.problem(400);
        let refused = api.post_raw("/webhooks", JSON, body).await.json(400);
        assert!(refused["error"].is_string(), "Chatwoot's shape: {refused}");
    }
    assert_eq!(place.log().await.len(), before, "nothing was written");
}

#[tokio::test]
async fn json_of_another_shape_is_422() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let before = place.log().await.len();

    for (path, body) in [
        ("/events", json!([1, 2])),
        ("/events", json!({ "data": {} })),
        ("/events", json!({ "event": "message_created", "data": "text" })),
        ("/events", json!({ "event": 17, "data": {} })),
    ] {
        let answer = api.post(path, body.clone()).await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{body}: {}", answer.body);
        answer.problem(answer.status.as_u16());
    }
    for body in [
        json!({ "channel_type": "Channel::Email" }),
        json!({ "name": "No channel" }),
        json!({ "name": 17, "channel_type": "Channel::Email" }),
        json!({ "name": "Zero", "channel_type": "Channel::Email", "threshold": 0 }),
    ] {
        let answer = api.put("/inboxes/50", body.clone()).await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{body}: {}", answer.body);
    }
    assert_eq!(place.log().await.len(), before, "nothing was written");
}

#[tokio::test]
async fn a_body_over_one_mebibyte_is_413() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let before = place.log().await.len();

    let event = |bytes: usize| {
        let shell = json!({ "event": "message_created", "data": { "content": "" } }).to_string();
        let content = "x".repeat(bytes - shell.len());
        json!({ "event": "message_created", "data": { "content": content } }).to_string()
    };
    let errors = format!("{INBOX}/authorization_errors");
    for path in ["/events", "/webhooks", &errors] {
        let answer = api.post_raw(path, JSON, event((1 << 20) + 1)).await;
        assert_eq!(answer.status, 413, "{path}: {}", answer.body);
    }
    assert_eq!(place.log().await.len(), before, "nothing was written");
    let largest = api.post_raw("/events", JSON, event(1 << 20)).await;
    assert_eq!(largest.status, 202, "one mebibyte itself is taken: {}", largest.body);
}

#[tokio::test]
async fn a_body_is_json_whatever_its_content_type_says() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let body = json!({ "event": "message_created", "data": {} }).to_string();
    // As curl sends it when it is not told of JSON.
    let form = "application/x-www-form-urlencoded";
    api.post_raw("/events", form, body).await.json(202);
}

#[tokio::test]
async fn evidence_without_any_body_counts() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let bare = api.call(Method::POST, &format!("{INBOX}/authorization_errors"));
    let answer = Answer::to(bare).await.json(200);
    assert_eq!(answer["authorization_error_count"], 1, "{answer}");
    assert_eq!(answer["class"], "auth", "{answer}");
    // As curl sends it when it is told of JSON and given none.
    let empty = api.post_raw(&format!("{INBOX}/reauthorized"), JSON, "").await.json(200);
    assert_eq!(empty["authorization_error_count"], 0, "{empty}");
}

#[tokio::test]
async fn unknown_ids_are_404() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let resource = json!({ "error": "Resource could not be found" });
    assert_eq!(api.get("/inboxes/77").await.json(404), resource);
    assert_eq!(api.delete("/inboxes/77").await.json(404), resource);
    assert_eq!(api.delete("/webhooks/77").await.json(404), resource);
    for call in ["authorization_errors", "authorization_successes", "reauthorized"] {
        api.post(&format!("/inboxes/77/{call}"), json!({})).await.problem(404);
    }
    api.get("/inboxes/77/timeline").await.problem(404);
    api.get("/webhooks/77/timeline").await.problem(404);
    api.get("/webhooks/77/deliveries").await.problem(404);
    api.get("/deliveries/0192b5a0-0000-8000-8000-000000000000").await.problem(404);
    api.get("/deliveries/not-an-id").await.problem(404);
    for id in ["x", "-1", "1.5", "99999999999999999999999"] {
        assert_eq!(api.get(&format!("/inboxes/{id}")).await.status, 404, "{id}");
    }
    assert_eq!(place.log_of("inbox.authorization_error_recorded").await.len(), 0);
}

#[tokio::test]
async fn an_account_that_nobody_registered_has_nothing() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api().of_account(9);
    let inbox = json!({ "name": "An inbox", "channel_type": "Channel::Email" });
    assert_eq!(api.put("/inboxes/1", inbox).await.status, 404);
    assert_eq!(api.post("/webhooks", json!({ "url": "https://e.com/" })).await.status, 404);
    let event = json!({ "event": "message_created", "data": {} });
    api.post("/events", event).await.problem(404);
    let resource = json!({ "error": "Resource could not be found" });
    assert_eq!(api.get("/inboxes").await.json(404), resource);
    assert_eq!(api.get("/webhooks").await.json(404), resource);
    api.get("/incidents").await.problem(404);
    assert_eq!(place.log_of("inbox.registered").await.len(), 0);
}

#[tokio::test]
async fn what_is_no_route_and_no_method_is_said_so() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    assert_eq!(api.get("/parrots").await.status, 404);
    assert_eq!(api.get("//parrots").await.status, 404);
    assert_eq!(api.patch("/health", json!({})).await.status, 405);
}

#[tokio::test]
async fn queries_that_cannot_be_are_400() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    for path in [
        "/health?at=tomorrow",
        "/health?consistent_to=soon",
        "/health?state=cheerful",
        "/inboxes/42/timeline?limit=many",
        "/inboxes/42/timeline?before=noon",
    ] {
        api.get(path).await.problem(400);
    }
}

async fn bad_key(api: &Api, key: &str) -> u16 {
    let event = json!({ "event": "message_created", "data": {} }).to_string();
    let call = api.call(Method::POST, "/events").header(CONTENT_TYPE, JSON).body(event);
    Answer::to(call.header("idempotency-key", key)).await.status.as_u16()
}

#[tokio::test]
async fn an_idempotency_key_has_a_length() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let before = place.log().await.len();
    assert_eq!(bad_key(&api, "").await, 400);
    assert_eq!(bad_key(&api, &"k".repeat(5000)).await, 400);
    assert_eq!(place.log().await.len(), before, "nothing was written");
    assert_eq!(bad_key(&api, &"k".repeat(200)).await, 202);
}
