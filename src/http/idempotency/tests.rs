use axum::http::Request;
use events::installation::Role;
use events::platform::EventReceived;
use events::store::Slice;
use events::{AccountId, Actor, Category, Revision, StreamName};

use super::*;
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

#[tokio::test]
async fn lines_of_a_request_that_was_broken_off_are_not_taken_again() {
    const TAKEN: usize = 600;
    let service = furnished().await;
    let app = &service.app;
    let body = "{\"event\":\"a\",\"data\":{}}\n".repeat(TAKEN + 100);
    // What a process leaves behind that is killed half way: the request, and its first lines.
    let account = AccountId(1);
    let caller = Caller { actor: Actor::ADMIN, token: None, account, role: Role::Administrator };
    let path = "/api/v1/accounts/1/events";
    let holder = Holder::from(&caller);
    let id = id(&holder, "POST", path, b"k");
    let fingerprint = fingerprint("POST", path, "", body.as_bytes());
    let received = Command::Receive { fingerprint };
    app.actors.requests.ask(id, context(app, &holder), received).await.unwrap();
    for number in 1..=TAKEN {
        let context =
            Context { id: Uuid::new_v5(&id, &number.to_be_bytes()), ..context(app, &holder) };
        let event = EventReceived { account, event: "a".into(), data: "{}".into() };
        app.actors.platforms.ask(account, context, event).await.unwrap();
    }
    let request = request("POST", "1/events").header("api_access_token", ADMIN);
    let request = request.header("Idempotency-Key", "k");
    let request = request.header("content-type", "application/x-ndjson");
    let answer = service.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!((answer.status, answer.text.lines().count()), (202, TAKEN + 100));
    let stream = StreamName::new(Category::Platform, account);
    let last = app.store.read_stream(&stream, Slice::Before(None), 1).await.unwrap().remove(0);
    assert_eq!(last.revision, Revision(TAKEN as u64 + 99), "each line is there once");
}

#[tokio::test]
async fn of_many_at_once_with_one_key_all_have_the_same_answer() {
    let service = Arc::new(furnished().await);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { post(&service, "1/events", "k", EVENT).await })
        })
        .collect();
    let mut answers = std::collections::BTreeSet::new();
    for task in tasks {
        let answer = task.await.unwrap();
        answers.insert((answer.status, answer.text));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers.first().unwrap().0, 202);
}
