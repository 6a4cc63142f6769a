use axum::body::Body;
use axum::http::Request;

use crate::http::testing::{ADMIN, Answer, Service, furnished, request};

fn keyed(path: &str, key: &str, body: &str) -> Request<Body> {
    let request = request("POST", path).header("api_access_token", ADMIN);
    request.header("Idempotency-Key", key).body(Body::from(body.to_owned())).unwrap()
}

async fn post(service: &Service, path: &str, key: &str, body: &str) -> Answer {
    service.send(keyed(path, key, body)).await
}

const EVENT: &str = r#"{"event":"message_created","data":{"id":1}}"#;

#[tokio::test]
async fn the_same_key_and_body_give_the_same_answer_and_no_second_event() {
    let service = furnished().await;
    let first = post(&service, "1/events", "k", EVENT).await;
    assert_eq!(first.status, 202, "{first:?}");
    let head = service.app.store.head().await.unwrap();
    let second = post(&service, "1/events", "k", EVENT).await;
    assert_eq!((second.status, &second.text), (202, &first.text));
    assert_eq!(second.head.headers["idempotency-replayed"], "true");
    assert_eq!(second.head.headers["content-type"], "application/json");
    assert_eq!(service.app.store.head().await.unwrap(), head);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused_and_another_path_is_another_request() {
    let service = furnished().await;
    assert_eq!(post(&service, "1/events", "k", EVENT).await.status, 202);
    let other = post(&service, "1/events", "k", r#"{"event":"message_created","data":{}}"#).await;
    assert_eq!((other.status, other.json()["code"].as_str()), (422, Some("key_reused")));
    assert_eq!(post(&service, "2/events", "k", EVENT).await.status, 202);
    assert_eq!(post(&service, "1/inboxes/42/reauthorized", "k", "").await.status, 200);
}

#[tokio::test]
async fn a_refusal_is_repeated_too() {
    let service = furnished().await;
    let first = post(&service, "1/events", "k", "{}").await;
    let second = post(&service, "1/events", "k", "{}").await;
    assert_eq!((first.status, second.status), (422, 422));
    assert_eq!(first.text, second.text);
    assert_eq!(second.head.headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let service = furnished().await;
    for key in ["", &"k".repeat(256)] {
        assert_eq!(post(&service, "1/events", key, EVENT).await.status, 400);
    }
}

#[tokio::test]
async fn counted_evidence_with_a_key_counts_once() {
    let service = furnished().await;
    for _ in 0..3 {
        let answer = post(&service, "1/inboxes/42/authorization_errors", "k", "").await;
        assert_eq!(answer.json()["authorization_error_count"], 1);
    }
}

#[tokio::test]
async fn a_refusal_in_chatwoots_words_is_repeated_in_them() {
    let service = furnished().await;
    let bad = r#"{"url":"javascript:alert(1)"}"#;
    let first = post(&service, "1/webhooks", "k", bad).await;
    assert_eq!(first.status, 422, "{first:?}");
    let second = post(&service, "1/webhooks", "k", bad).await;
    assert_eq!((second.status, &second.text), (422, &first.text));
    assert_eq!(second.head.headers["content-type"], first.head.headers["content-type"]);
}
