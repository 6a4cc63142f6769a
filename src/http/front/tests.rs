use axum::body::Body;

use super::*;
use crate::http::testing::{ADMIN, furnished, request};

fn report(method: &str, path: &str) -> Option<Report> {
    Report::of(&request(method, path).body(Body::empty()).unwrap())
}

#[test]
fn the_four_calls_are_known_by_their_paths() {
    for (word, call) in [
        ("authorization_errors", Call::Error),
        ("authorization_successes", Call::Success),
        ("prompt_reauthorization", Call::Prompt),
        ("reauthorized", Call::Reauthorized),
    ] {
        let (account, inbox) = (AccountId(7), InboxId(42));
        let path = format!("7/inboxes/42/{word}");
        assert_eq!(report("POST", &path), Some(Report { account, inbox, call }));
    }
}

#[test]
fn all_else_is_left_to_its_route() {
    assert_eq!(report("GET", "7/inboxes/42/reauthorized"), None);
    for path in [
        "7/inboxes/42",
        "7/inboxes/42/",
        "7/inboxes/42/authorized",
        "7/inboxes/42/reauthorized/",
        "7/inboxes/+42/reauthorized",
        "7/inboxes//reauthorized",
        "seven/inboxes/42/reauthorized",
        "7/automation_rules/42/reauthorized",
    ] {
        assert_eq!(report("POST", path), None, "{path}");
    }
}

#[test]
fn a_key_is_for_the_route_to_look_at() {
    let keyed = request("POST", "7/inboxes/42/reauthorized").header("idempotency-key", "1");
    assert_eq!(Report::of(&keyed.body(Body::empty()).unwrap()), None);
}

#[tokio::test]
async fn both_ways_give_the_same_answers() {
    let service = furnished().await;
    let paths =
        ["1/inboxes/42/reauthorized", "1/inboxes/43/reauthorized", "3/inboxes/42/reauthorized"];
    for path in paths {
        for token in [ADMIN, "nobody", ""] {
            let call = || request("POST", path).header("api_access_token", token);
            let direct = service.send(call().body(Body::empty()).unwrap()).await;
            let keyed = call().header("idempotency-key", format!("{path}{token}"));
            let routed = service.send(keyed.body(Body::empty()).unwrap()).await;
            let position = |text: &str| text.split("\"position\"").next().map(str::to_owned);
            assert_eq!(direct.status, routed.status, "{path} {token}");
            assert_eq!(position(&direct.text), position(&routed.text), "{path} {token}");
            let kind =
                |answer: &crate::http::testing::Answer| answer.head.headers["content-type"].clone();
            assert_eq!(kind(&direct), kind(&routed));
            assert!(direct.head.headers.contains_key("x-request-id"));
        }
    }
}

#[tokio::test]
async fn both_ways_are_measured_as_the_same_route() {
    let service = furnished().await;
    service.call("POST", "1/inboxes/42/authorization_errors", "{}").await;
    let keyed = request("POST", "1/inboxes/42/authorization_errors")
        .header("api_access_token", ADMIN)
        .header("idempotency-key", "1");
    service.send(keyed.body(Body::from("{}")).unwrap()).await;
    let metrics = request("GET", "").uri("/metrics").body(Body::empty()).unwrap();
    let text = service.send(metrics).await.text;
    let line = text.lines().find(|line| {
        line.starts_with("relink_http_requests_total") && line.contains("authorization_errors")
    });
    assert!(line.is_some_and(|line| line.ends_with(" 2")), "{text}");
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_means_nothing() {
    let service = furnished().await;
    for (method, path, body) in [
        ("PUT", "1/", r#"{"name":"Acme"}"#),
        ("GET", "1/inboxes/", ""),
        ("GET", "1/inboxes/42/?consistent_to=1", ""),
        ("POST", "1/inboxes/42/authorization_errors/", "{}"),
    ] {
        let answer = service.call(method, path, body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {answer:?}");
    }
    let nobody = service.send(request("GET", "1/inboxes/").body(Body::empty()).unwrap()).await;
    assert_eq!(nobody.status, 401, "{nobody:?}");
    assert_eq!(service.call("GET", "1/nowhere/", "").await.status, 404);
}

#[test]
fn without_its_slash_a_request_is_the_same() {
    for (path, expected) in [
        ("/", "/"),
        ("/a", "/a"),
        ("/a/?b=/", "/a?b=/"),
        ("/a?b=/", "/a?b=/"),
        ("http://relink.example/a/", "http://relink.example/a"),
    ] {
        let asked = Request::get(path).header("x", "y").body(Body::empty()).unwrap();
        let found = unslashed(asked);
        assert_eq!(found.uri().to_string(), expected, "{path}");
        assert_eq!(found.headers()["x"], "y");
    }
}
