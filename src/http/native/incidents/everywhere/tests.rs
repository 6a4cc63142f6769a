use axum::body::Body;
use axum::http::Request;
use events::inbox::{Event, Renamed};
use events::installation::Role;
use events::{InboxId, Subject};
use serde_json::{Value, json};

use crate::history::append_altered;
use crate::http::testing::{ADMIN, Answer, Service, furnished};

async fn ask(service: &Service, method: &str, path: &str, token: &str) -> Answer {
    let request = Request::builder().method(method).uri(format!("/api/v1/incidents{path}"));
    let request = request.header("api_access_token", token);
    service.send(request.body(Body::empty()).unwrap()).await
}

async fn post(service: &Service, path: &str) -> Answer {
    ask(service, "POST", path, ADMIN).await
}

async fn listed(service: &Service, query: &str) -> Vec<Value> {
    let answer = ask(service, "GET", query, ADMIN).await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.json()["incidents"].as_array().unwrap().clone()
}

/// Reports that the client secret of the installation's app is wrong; the position of the report.
async fn fail(service: &Service) -> Value {
    let secret = r#"{"provider":"microsoft","code":"invalid_client","subcode":"AADSTS7000222"}"#;
    let answer = service.call("POST", "1/inboxes/42/authorization_errors", secret).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["position"].clone()
}

#[tokio::test]
async fn an_incident_of_the_installation_is_muted_closed_by_hand_and_asked_of_the_past() {
    let service = furnished().await;
    let first = fail(&service).await;
    let muted = post(&service, "/app-1/mute").await;
    assert_eq!(muted.status, 200, "{muted:?}");
    let muted = muted.json();
    assert_eq!((&muted["muted"], &muted["muted_by"]), (&json!(true), &json!("admin")));
    assert_eq!(post(&service, "/app-1/mute").await.status, 200, "twice is once");
    assert_eq!(listed(&service, "?muted=false").await.len(), 0);
    assert_eq!(post(&service, "/app-1/unmute").await.json()["muted"], false);
    let closed = post(&service, "/app-1/close").await.json();
    assert_eq!((&closed["ended"], &closed["ended_by"]), (&json!("by_hand"), &json!("admin")));
    assert_eq!(post(&service, "/app-1/close").await.status, 409);
    assert_eq!(listed(&service, "?state=open").await.len(), 0);
    fail(&service).await;
    let now = listed(&service, "").await;
    assert_eq!((&now[0]["id"], &now[1]["id"]), (&json!("app-2"), &json!("app-1")));
    let page = ask(&service, "GET", "?limit=1", ADMIN).await.json();
    assert_eq!((&page["incidents"][0]["id"], &page["total"]), (&json!("app-2"), &json!(2)));
    let rest = format!("?before={}", page["next_before"].as_str().unwrap());
    let rest = ask(&service, "GET", &rest, ADMIN).await.json();
    assert_eq!(
        (&rest["incidents"][0]["id"], &rest["next_before"]),
        (&json!("app-1"), &json!(null))
    );

    let then = listed(&service, &format!("?at={first}")).await;
    assert_eq!((then.len(), &then[0]["state"]), (1, &json!("open")), "{then:?}");
    let then = listed(&service, &format!("?at={}", muted["position"])).await;
    assert_eq!(then[0]["muted"], true, "{then:?}");
    assert_eq!(listed(&service, "?at=1").await.len(), 0);
}

#[tokio::test]
async fn of_the_past_the_streams_are_named_that_cannot_be_told_to_their_ends() {
    let service = furnished().await;
    let first = fail(&service).await;
    let stream = Subject::Inbox(InboxId(42)).stream();
    let renamed = Event::from(Renamed { name: "Sales".to_owned() });
    let alter = |record: &mut events::store::Proposed| record.kind = "inbox.unheard".into();
    let bad = append_altered(&*service.app.store, &stream, renamed, 9_999_999_999, alter).await;
    let then = ask(&service, "GET", &format!("?at={first}"), ADMIN).await.json();
    assert_eq!((then.get("halted"), &then["total"]), (None, &json!(1)));
    let then = ask(&service, "GET", &format!("?at={bad}"), ADMIN).await.json();
    assert_eq!((&then["halted"], &then["total"]), (&json!(["inbox-42"]), &json!(1)));
}

#[tokio::test]
async fn each_filter_says_what_is_wanted() {
    let service = furnished().await;
    fail(&service).await;
    for (query, count) in [
        ("?class=config", 1),
        ("?class=auth", 0),
        ("?subject=inbox/42", 1),
        ("?subject=inbox/43", 0),
        ("?state=closed", 0),
        ("?muted=true", 0),
        ("?limit=1", 1),
    ] {
        assert_eq!(listed(&service, query).await.len(), count, "{query}");
    }
    for query in ["?state=x", "?class=x", "?muted=x", "?subject=x", "?limit=0", "?at=x"] {
        assert_eq!(ask(&service, "GET", query, ADMIN).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn only_the_installations_administrator_changes_what_there_is() {
    let service = furnished().await;
    fail(&service).await;
    let token = service.token(Role::Administrator).await;
    for word in ["mute", "unmute", "close"] {
        for token in [token.as_str(), "nobody"] {
            let answer = ask(&service, "POST", &format!("/app-1/{word}"), token).await;
            assert_eq!(answer.status, 401, "{word}: {answer:?}");
        }
        for unknown in ["app-2", "app-x", "inbox-42-1"] {
            let answer = post(&service, &format!("/{unknown}/{word}")).await;
            assert_eq!(answer.status, 404, "{unknown} {word}: {answer:?}");
        }
    }
    assert_eq!(listed(&service, "?state=open&muted=false").await.len(), 1);
}

async fn keyed(service: &Service, path: &str, key: &str, body: &str) -> Answer {
    let request = Request::post(format!("/api/v1/incidents{path}"));
    let request = request.header("api_access_token", ADMIN).header("idempotency-key", key);
    service.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn with_a_key_an_incident_is_closed_once_and_told_twice() {
    let service = furnished().await;
    fail(&service).await;
    let first = keyed(&service, "/app-1/close", "k", "").await;
    assert_eq!(first.status, 200, "{first:?}");
    let head = service.app.store.head().await.unwrap();
    let again = keyed(&service, "/app-1/close", "k", "").await;
    assert_eq!((again.status, &again.text), (200, &first.text));
    assert_eq!(again.head.headers["idempotency-replayed"], "true");
    assert_eq!(service.app.store.head().await.unwrap(), head);
    let other = keyed(&service, "/app-1/close", "k", "{}").await;
    assert_eq!((other.status, &other.json()["code"]), (422, &json!("key_reused")));
    assert_eq!(keyed(&service, "/app-1/mute", "k", "").await.status, 409, "it is over");
    assert_eq!(keyed(&service, "/app-1/mute", "", "").await.status, 400);
    assert_eq!(post(&service, "/app-1/close").await.status, 409, "nor is it without the key");
}
