use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::OPENAPI;
use crate::http::problem::Problem;
use crate::http::testing::{ADMIN, Answer, Service};

/// What every route of an account begins with.
const ACCOUNT: &str = "/api/v1/accounts/{account}";

async fn get(service: &Service, path: &str) -> Answer {
    service.send(Request::get(path).body(Body::empty()).unwrap()).await
}

fn document() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

#[tokio::test]
async fn it_says_that_it_lives() {
    let service = Service::start().await;
    let answer = get(&service, "/healthz").await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "status": "ok" })));
}

#[tokio::test]
async fn it_is_ready_once_the_views_have_caught_up() {
    let service = Service::start().await;
    service.caught_up().await;
    let answer = get(&service, "/readyz").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["status"], "ready");
}

#[tokio::test]
async fn it_is_not_ready_before() {
    let service = Service::start_unread().await;
    // The views are folded by a task that has not run yet in this thread.
    let answer = get(&service, "/readyz").await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(answer.json()["views"]["failing"], "the views have not caught up yet");
    assert_eq!(answer.json()["fanout"]["failing"], "the fan-out has not caught up yet");
}

#[tokio::test]
async fn a_halted_stream_is_listed_and_makes_nothing_unready() {
    let service = Service::start().await;
    service.caught_up().await;
    let since = service.app.clock.now();
    let halt = actors::registry::Halt { reason: "damaged".to_owned(), since };
    service.app.halted.insert(events::StreamName::from_log("inbox-42"), halt);
    let answer = get(&service, "/readyz").await;
    assert_eq!((answer.status, &answer.json()["halted"]), (200, &json!(["inbox-42"])));
}

#[tokio::test]
async fn requests_are_counted_by_route_and_status() {
    let service = Service::start().await;
    service.call("PUT", "1", r#"{"name": "Acme"}"#).await;
    service.call("GET", "1/health", "").await;
    get(&service, "/no/such/path").await;
    let answer = get(&service, "/metrics").await;
    let kind = answer.head.headers["content-type"].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let health = format!("route=\"{ACCOUNT}/health\"");
    for line in [
        format!("relink_http_requests_total{{method=\"GET\",{health},status=\"200\"}} 1"),
        "relink_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1".to_owned(),
        format!("relink_http_request_duration_seconds_count{{{health}}} 1"),
        "relink_actors_awake{kind=\"account\"} 1".to_owned(),
        "relink_inboxes{state=\"healthy\"} 0".to_owned(),
        "relink_deliveries_pending 0".to_owned(),
        "relink_deliveries_held 0".to_owned(),
        "relink_endpoints{kind=\"mail\",state=\"action_needed\"} 0".to_owned(),
        "relink_streams_halted 0".to_owned(),
    ] {
        assert!(answer.text.lines().any(|it| it == line), "{line} is not in\n{}", answer.text);
    }
    for line in answer.text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("relink_"), "{line}");
        value.parse::<f64>().unwrap();
    }
}

#[tokio::test]
async fn the_page_links_what_there_is() {
    let service = Service::start().await;
    let page = get(&service, "/").await;
    assert_eq!(page.status, 200);
    for link in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert!(page.text.contains(&format!("href=\"{link}\"")), "{link}");
        assert_ne!(get(&service, link).await.status, 404, "{link}");
    }
}

#[tokio::test]
async fn every_route_that_is_described_is_there() {
    let service = Service::start().await;
    let document = document();
    // What would go on for ever ends at once.
    service.app.stopping.send_replace(true);
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            let filled: Vec<_> = path
                .split('/')
                .map(|part| if part.starts_with('{') { "1" } else { part })
                .collect();
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(filled.join("/"))
                .header("api_access_token", ADMIN);
            let answer = service.send(request.body(Body::from("{}")).unwrap()).await;
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(!answer.text.contains("nothing at this path"), "{method} {path}");
        }
    }
}

#[test]
fn whatever_the_document_refers_to_is_in_it() {
    let document = document();
    let mut unseen = vec![&document];
    while let Some(value) = unseen.pop() {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                unseen.extend(object.values());
            }
            Value::Array(values) => unseen.extend(values),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

#[test]
fn every_operation_says_how_it_fails() {
    let document = document();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if method == "parameters" || !path.starts_with("/api/") {
                continue;
            }
            let responses = operation["responses"].as_object().unwrap();
            for status in ["401", "503"] {
                assert!(responses.contains_key(status), "{method} {path} has no {status}");
            }
        }
    }
}

#[test]
fn every_post_is_described_with_its_key() {
    let document = document();
    let key = json!({ "$ref": "#/components/parameters/idempotency_key" });
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(post) = operations.get("post") else { continue };
        assert!(post["parameters"].as_array().unwrap().contains(&key), "{path}");
        for status in ["400", "408", "409", "413", "422"] {
            assert!(post["responses"][status].is_object(), "{path} never says {status}");
        }
    }
}

#[test]
fn every_word_for_a_problem_is_described() {
    let text = String::new;
    let problems = [
        Problem::SignedOut,
        Problem::BadToken,
        Problem::OtherAccount,
        Problem::Forbidden,
        Problem::NoResource,
        Problem::NoRoute,
        Problem::WrongMethod,
        Problem::Malformed(text()),
        Problem::Missing(""),
        Problem::invalid("", ""),
        Problem::Removed(text()),
        Problem::Conflict(text()),
        Problem::Changed(text()),
        Problem::TooLarge { what: "", limit: 0 },
        Problem::Slow,
        Problem::KeyReused,
        Problem::UnderWay,
        Problem::Busy,
        Problem::Unavailable(text()),
        Problem::Halted { stream: text(), reason: text() },
        Problem::Bug,
    ];
    let words: BTreeSet<_> =
        problems.iter().map(|problem| json!(problem.code()).to_string()).collect();
    let described = document()["components"]["schemas"]["Problem"]["properties"]["code"].clone();
    let described: BTreeSet<_> =
        described["enum"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert_eq!(words, described);
}
