use events::inbox::{Event, Registered};
use events::reauthorization::{Cause, Event as Reauthorization, ReauthorizationRequired};
use events::{InboxId, Subject};
use serde_json::json;

use super::*;

mod endpoints;
use crate::history::{append, append_altered, second};
use crate::http::testing::Service;

/// An inbox that is heard of at second 10 and needs somebody from second 20 on, and a webhook.
async fn service() -> (Service, Position) {
    let service = Service::start().await;
    service.call("PUT", "1", r#"{"name": "Acme"}"#).await;
    let body = r#"{"url": "https://example.com/secret-path"}"#;
    assert_eq!(service.call("POST", "1/webhooks", body).await.status, 200);
    let stream = Subject::Inbox(InboxId(42)).stream();
    let registered = Registered {
        account: events::AccountId(1),
        name: "Support".to_owned(),
        channel_type: "Channel::Whatsapp".to_owned(),
        attributes: "{}".to_owned(),
        credentials: None,
        threshold: None,
    };
    let store = &*service.app.store;
    let first = append(store, &stream, Event::from(registered), 10).await;
    let required = ReauthorizationRequired::from(Cause::Prompted { reason: None });
    let required = Event::from(Reauthorization::ReauthorizationRequired(required));
    let last = append(store, &stream, required, 20).await;
    service.app.acknowledge(last);
    (service, first)
}

async fn health(service: &Service, query: &str) -> Value {
    let answer = service.call("GET", &format!("1/health?{query}"), "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn health_tells_state_since_and_what_to_do() {
    let (service, first) = service().await;
    let health = health(&service, "").await;
    let inbox = &health["inboxes"][0];
    assert_eq!((&inbox["id"], &inbox["state"]), (&json!(42), &json!("action_needed")));
    assert_eq!(inbox["since"], json!(second(20)));
    assert_eq!(inbox["next_action"], "reauthorize the inbox");
    let webhook = &health["webhooks"][0];
    assert_eq!((&webhook["id"], &webhook["state"]), (&json!(1), &json!("healthy")));
    assert_eq!(webhook["url"], "https://example.com");
    assert!(health["position"].as_u64().unwrap() > first.0);
    assert_eq!(health["halted"], json!([]));
}

#[tokio::test]
async fn several_states_are_asked_for_at_once() {
    let (service, _) = service().await;
    let both = health(&service, "state=action_needed,healthy").await;
    assert_eq!((&both["inboxes"][0]["id"], &both["webhooks"][0]["id"]), (&json!(42), &json!(1)));
    let one = health(&service, "state=blocked,healthy").await;
    assert_eq!((&one["inboxes"], &one["webhooks"][0]["id"]), (&json!([]), &json!(1)));
    let answer = service.call("GET", "1/health?state=healthy,well", "").await;
    assert_eq!(answer.status, 400, "{}", answer.text);
}

#[tokio::test]
async fn the_past_is_told_by_position_and_by_time() {
    let (service, first) = service().await;
    let then = health(&service, &format!("at={first}")).await;
    assert_eq!(then["inboxes"][0]["state"], "unknown");
    assert_eq!((&then["position"], &then["as_of"]), (&json!(first), &json!(second(10))));
    let then = health(&service, "at=1970-01-01T00:00:19Z").await;
    assert_eq!(then["inboxes"][0]["state"], "unknown");
    assert_eq!(then["as_of"], json!(second(19)));
    // The webhook was made by the clock of the machine, long after.
    assert_eq!(then["webhooks"], json!([]));
    let before = health(&service, "at=1970-01-01T00:00:09Z").await;
    assert_eq!((&before["inboxes"], &before["position"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn the_future_is_now() {
    let (service, _) = service().await;
    let shown = async |query: &str| {
        let mut shown = health(&service, query).await;
        shown.as_object_mut().unwrap().remove("as_of");
        shown
    };
    let now = shown("").await;
    for at in ["1000000", "2999-01-01T00:00:00Z"] {
        assert_eq!(shown(&format!("at={at}")).await, now, "{at}");
    }
}

#[tokio::test]
async fn a_deleted_webhook_was_there_before() {
    let (service, _) = service().await;
    let before = health(&service, "").await["position"].clone();
    service.call("DELETE", "1/webhooks/1", "").await;
    assert_eq!(health(&service, "").await["webhooks"], json!([]));
    let then = health(&service, &format!("at={before}")).await;
    assert_eq!(then["webhooks"][0]["id"], 1);
}

#[tokio::test]
async fn health_is_filtered_by_state() {
    let (service, _) = service().await;
    let healthy = health(&service, "state=healthy").await;
    assert_eq!(healthy["inboxes"], json!([]));
    assert_eq!(healthy["webhooks"].as_array().unwrap().len(), 1);
    let needed = health(&service, "state=action_needed").await;
    assert_eq!(needed["inboxes"].as_array().unwrap().len(), 1);
    assert_eq!(needed["webhooks"], json!([]));
}

#[tokio::test]
async fn parameters_that_mean_nothing_are_named() {
    let (service, _) = service().await;
    let answer = service.call("GET", "1/health?state=cheerful", "").await;
    assert_eq!(answer.status, 400);
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("state: \"cheerful\""), "{detail}");
    assert!(detail.contains("action_needed") && detail.contains("failing"), "{detail}");
    let answer = service.call("GET", "1/health?at=yesterday", "").await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["detail"].as_str().unwrap().starts_with("at: \"yesterday\""));
}

#[tokio::test]
async fn the_third_question_of_an_account_about_the_past_waits_for_the_first_two() {
    let (service, at) = service().await;
    let path = format!("1/health?at={at}");
    let one = || service.call("GET", &path, "");
    let answers = <[_; 3]>::from(tokio::join!(one(), one(), one()));
    assert_eq!(answers.map(|answer| answer.status), [200, 200, 200]);
}

#[test]
fn the_row_of_an_endpoint_whose_ledger_is_halted_is_marked() {
    let mut rows = vec![json!({ "kind": "inbox", "id": 5 }), json!({ "kind": "mail", "id": 5 })];
    shown::mark_endpoints(&mut rows, &["ledger-inbox.5".to_owned()]);
    assert_eq!(rows[0]["halted"], true);
    assert!(rows[0]["next_action"].as_str().unwrap().contains("relink verify"), "{rows:?}");
    assert_eq!((rows[1].get("halted"), rows[1].get("next_action")), (None, None));
}

#[test]
fn what_is_always_told_of_a_stream_that_cannot_be_told_is_promised() {
    let document = include_str!("../../openapi.json");
    let document: Value = serde_json::from_str(document).unwrap();
    let described = &document["components"]["schemas"]["Health"]["properties"]["halted"]["items"];
    let stream = Subject::Inbox(InboxId(42)).stream();
    let damage = Damage { stream, position: Position(7), reason: "it is torn".to_owned() };
    let mut halted = vec![];
    shown::add(&mut halted, &[damage]);
    let mut told: Vec<_> = halted[0].as_object().unwrap().keys().cloned().collect();
    // Of one that halted only just now nobody knows where.
    told.retain(|key| key != "position");
    let required = described["required"].as_array().unwrap().iter();
    let mut required: Vec<_> = required.map(|key| key.as_str().unwrap().to_owned()).collect();
    told.sort();
    required.sort();
    assert_eq!(told, required);
}
