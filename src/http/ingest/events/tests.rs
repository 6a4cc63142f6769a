use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use events::installation::Role;
use events::store::Proposed;
use events::{Category, EventId, Expected, Hash, StreamName, Timestamp, TokenId};
use hyper::body::Frame;
use serde_json::Value;
use tokio_stream::StreamExt;
use uuid::Uuid;

use crate::http::testing::{ADMIN, Answer, Service, furnished, request, revoke};

async fn lines(service: &Service, key: Option<&str>, body: String) -> Answer {
    let mut request = request("POST", "1/events").header("api_access_token", ADMIN);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let request = request.header("content-type", "application/x-ndjson; charset=utf-8");
    service.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn an_event_is_taken() {
    let service = furnished().await;
    let answer = service.call("POST", "1/events", r#"{"event":"a.b_1","data":{}}"#).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert!(answer.json()["id"].is_string() && answer.json()["position"].is_u64());
}

#[tokio::test]
async fn what_is_no_event_is_refused() {
    let service = furnished().await;
    let long = format!(r#"{{"event":"{}","data":{{}}}}"#, "a".repeat(101));
    for (path, body, status) in [
        ("1/events", r#"{"event":"Message","data":{}}"#, 422),
        ("1/events", r#"{"event":"","data":{}}"#, 422),
        ("1/events", r#"{"event":"a","data":[]}"#, 422),
        ("1/events", r#"{"event":"a","data":"{}"}"#, 422),
        ("1/events", r#"{"event":"a"}"#, 422),
        ("1/events", r#"{"event":"a","event":"b","data":{}}"#, 422),
        ("1/events", r#"{"event":"webhook.failing","data":{}}"#, 422),
        ("1/events", "", 400),
        ("1/events", &long, 422),
        ("3/events", r#"{"event":"a","data":{}}"#, 404),
    ] {
        let answer = service.call("POST", path, body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
}

#[tokio::test]
async fn lines_are_answered_one_by_one_and_in_order() {
    let service = furnished().await;
    let line = |n: usize| match n {
        700 => "nonsense\n".to_owned(),
        n => format!("{{\"event\":\"message_created\",\"data\":{{\"id\":{n}}}}}\n"),
    };
    let answer = lines(&service, None, (1..=1_000).map(line).collect()).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.head.headers["content-type"], "application/x-ndjson");
    let answers: Vec<Value> =
        answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 1_000);
    assert_eq!(
        (&answers[699]["line"], answers[699]["code"].as_str()),
        (&700.into(), Some("malformed"))
    );
    let positions: Vec<_> =
        answers.iter().filter_map(|answer| answer["position"].as_u64()).collect();
    assert_eq!(positions.len(), 999);
    assert!(positions.is_sorted(), "{positions:?}");
}

type Part = Poll<Option<Result<Frame<Bytes>, BrokenPipe>>>;

/// A body of a line and a half, and then what there is.
struct HalfALine(bool, fn() -> Part);

#[derive(Debug, thiserror::Error)]
#[error("the client is gone")]
struct BrokenPipe;

impl hyper::body::Body for HalfALine {
    type Data = Bytes;
    type Error = BrokenPipe;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Part {
        if std::mem::replace(&mut self.0, true) {
            return self.1();
        }
        let text = b"{\"event\":\"a\",\"data\":{}}\n{\"event\":";
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(text)))))
    }
}

#[tokio::test]
async fn a_line_that_breaks_off_or_does_not_come_is_answered_as_the_last() {
    let service = furnished().await;
    let post = async |body: HalfALine| {
        let request = request("POST", "1/events").header("api_access_token", ADMIN);
        let request = request.header("content-type", "application/x-ndjson");
        let answer = service.send(request.body(Body::new(body)).unwrap()).await;
        let told = answer.text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        told.collect::<Vec<_>>()
    };
    let broken = post(HalfALine(false, || Poll::Ready(Some(Err(BrokenPipe))))).await;
    assert_eq!((broken.len(), &broken[1]["line"]), (2, &Value::from(2)), "{broken:?}");
    assert!(broken[0]["position"].is_u64(), "what came whole is taken: {broken:?}");
    assert_eq!((&broken[1]["status"], &broken[1]["code"]), (&400.into(), &"malformed".into()));
    tokio::time::pause();
    let stalled = post(HalfALine(false, || Poll::Pending)).await;
    assert_eq!((stalled.len(), &stalled[1]["line"]), (2, &Value::from(2)), "{stalled:?}");
    assert_eq!((&stalled[1]["status"], &stalled[1]["code"]), (&408.into(), &"slow".into()));
}

#[tokio::test]
async fn lines_with_a_key_are_taken_once() {
    let service = furnished().await;
    let body = "{\"event\":\"a\",\"data\":{}}\n".repeat(3);
    let first = lines(&service, Some("k"), body.clone()).await;
    let second = lines(&service, Some("k"), body).await;
    assert_eq!(first.text.lines().count(), 3);
    assert_eq!((second.status, second.text), (202, first.text));
    assert_eq!(second.head.headers["content-type"], "application/x-ndjson");
    assert_eq!(lines(&service, Some("l"), "\n".repeat(10_001)).await.status, 400);
}

#[tokio::test]
async fn answers_to_lines_that_may_be_better_next_time_are_not_kept() {
    let service = furnished().await;
    // Nobody understands what stands there, so the stream is halted.
    let stream = StreamName::new(Category::Platform, 1);
    let strange = Proposed {
        id: EventId(Uuid::new_v4()),
        kind: "platform.vanished".into(),
        version: 1,
        metadata: "{}".into(),
        data: "".into(),
        hash: Hash([0; 32]),
        at: Timestamp::default(),
    };
    service.app.store.append(&stream, Expected::NoStream, vec![strange]).await.unwrap();
    let body = "{\"event\":\"a\",\"data\":{}}\n".to_owned();
    for _ in 0..2 {
        let answer = lines(&service, Some("k"), body.clone()).await;
        assert_eq!(answer.status, 202);
        assert!(answer.text.contains("503"), "{answer:?}");
        assert!(!answer.head.headers.contains_key("idempotency-replayed"), "{answer:?}");
    }
}

#[tokio::test]
async fn what_could_not_be_fanned_out_is_not_taken() {
    let service = furnished().await;
    let deep = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
    for data in [r#"{"text":"\ud83d"}"#, r#"{"number":1e999}"#, &deep] {
        let body = format!(r#"{{"event":"message_created","data":{data}}}"#);
        let answer = service.call("POST", "1/events", &body).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
    }
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let service = furnished().await;
    for (body, attribute, message) in [
        ("{}", "event", "Event can't be blank"),
        (r#"{"event":null,"data":{}}"#, "event", "Event can't be blank"),
        (r#"{"event":5,"data":{}}"#, "event", "Event is no name"),
        (r#"{"event":"a"}"#, "data", "Data must be an object"),
        (r#"{"event":"a","data":null}"#, "data", "Data must be an object"),
    ] {
        let answer = service.call("POST", "1/events", body).await;
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        let told = answer.json();
        assert_eq!(told["attributes"], serde_json::json!([attribute]), "{body}");
        assert!(told["message"].as_str().unwrap().starts_with(message), "{body}: {told}");
    }
    let list = service.call("POST", "1/events", r#"["a",{}]"#).await;
    assert_eq!(list.status, 422, "{list:?}");
}

#[tokio::test]
async fn lines_that_come_when_the_token_is_revoked_are_refused() {
    let service = furnished().await;
    let token = service.token(Role::Ingest).await;
    let app = service.app.clone();
    let body = tokio_stream::iter([1, 2]).then(move |line| {
        let app = app.clone();
        async move {
            if line == 2 {
                revoke(&app, TokenId(1)).await;
            }
            Ok::<_, Infallible>("{\"event\":\"a\",\"data\":{}}\n")
        }
    });
    let request = request("POST", "1/events").header("api_access_token", token);
    let request = request.header("content-type", "application/x-ndjson");
    let answer = service.send(request.body(Body::from_stream(body)).unwrap()).await;
    let answers: Vec<Value> =
        answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(answers[0]["position"].is_u64(), "{answers:?}");
    assert_eq!((&answers[1]["line"], &answers[1]["status"]), (&2.into(), &401.into()));
}
