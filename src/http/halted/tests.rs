use std::sync::Arc;

use events::inbox::{Event, Renamed};
use events::store::Proposed;
use serde_json::{Value, json};

use super::*;
use crate::history::{Staged, append_altered};
use crate::http::testing::{Service, furnished};

const FORGED: fn(&mut Proposed) = |record| {
    let renamed = Event::from(Renamed { name: "forged".to_owned() }).into();
    record.data = events::codec::encode(&renamed).data.into();
};

const MEANINGLESS: fn(&mut Proposed) = |record| record.kind = "inbox.from_the_future".into();

/// Inbox 42 of account 1 is renamed by a record that is changed; the record's position.
async fn damaged(service: &Service, alter: fn(&mut Proposed)) -> u64 {
    let stream = Subject::Inbox(InboxId(42)).stream();
    let renamed = Event::from(Renamed { name: "Sales".to_owned() });
    let at = append_altered(&*service.app.store, &stream, renamed, 9_999_999_999, alter).await;
    service.app.acknowledge(at);
    at.0
}

async fn refuses(service: &Service, path: &str, position: u64) {
    let answer = service.call("GET", path, "").await;
    assert_eq!(answer.status, 503, "{path}: {}", answer.text);
    let told = answer.json();
    let text = told["detail"].as_str().or(told["error"].as_str()).unwrap();
    assert!(text.contains("inbox-42"), "{path}: {text}");
    assert!(text.contains(&format!("position {position}")), "{path}: {text}");
}

#[tokio::test]
async fn a_subject_that_the_views_left_out_is_not_told_of() {
    let service = furnished().await;
    let position = damaged(&service, MEANINGLESS).await;
    for path in ["", "/why", "/policy", "/timeline", "/timeline?before=1"] {
        refuses(&service, &format!("1/inboxes/42{path}"), position).await;
    }
    refuses(&service, "1/incidents?subject=inbox/42", position).await;
    assert_eq!(service.call("GET", "1/inboxes", "").await.status, 200);
    assert_eq!(service.call("GET", "1/incidents", "").await.status, 200);
}

#[tokio::test]
async fn an_inbox_is_told_of_without_the_deliveries_that_cannot_be() {
    let service = furnished().await;
    let ledger = StreamName::new(Category::Ledger, EndpointId::Inbox(InboxId(42)));
    let other = Event::from(Renamed { name: "Sales".to_owned() });
    let at = append_altered(&*service.app.store, &ledger, other, 10, MEANINGLESS).await;
    service.app.acknowledge(at);
    let deliveries = service.call("GET", "1/inboxes/42/deliveries", "").await;
    assert_eq!(deliveries.status, 503, "{}", deliveries.text);
    assert!(deliveries.text.contains("ledger-inbox.42"), "{}", deliveries.text);
    assert_eq!(service.call("GET", "1/inboxes/42", "").await.status, 200);
    assert_eq!(service.call("GET", "1/mail/deliveries", "").await.status, 200);
}

#[tokio::test]
async fn it_is_no_other_accounts_affair() {
    let service = furnished().await;
    damaged(&service, MEANINGLESS).await;
    for path in ["2/inboxes/42", "2/inboxes/42/why", "2/inboxes/42/timeline"] {
        assert_eq!(service.call("GET", path, "").await.status, 404, "{path}");
    }
    let incidents = service.call("GET", "2/incidents?subject=inbox/42", "").await;
    assert_eq!((incidents.status, &incidents.json()["incidents"]), (200, &json!([])));
}

#[tokio::test]
async fn a_subject_whose_actor_found_the_damage_is_not_told_of_either() {
    let service = furnished().await;
    damaged(&service, FORGED).await;
    let report = service.call("POST", "1/inboxes/42/authorization_errors", "").await;
    assert_eq!(report.status, 503, "{report:?}");
    let answer = service.call("GET", "1/inboxes/42", "").await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.text.contains("inbox-42"), "{}", answer.text);
}

#[tokio::test]
async fn a_forged_record_is_found_by_whoever_asks_for_the_past() {
    let service = furnished().await;
    let position = damaged(&service, FORGED).await;
    refuses(&service, "1/inboxes/42/timeline", position).await;
    refuses(&service, &format!("1/incidents?subject=inbox/42&at={position}"), position).await;
    let then = |at: u64| format!("1/health?at={at}");
    let told = service.call("GET", &then(position), "").await.json();
    assert_eq!(told["inboxes"][0]["name"], "Support", "{told}");
    assert_eq!(told["inboxes"][0]["halted"], true, "{told}");
    let halted = &told["halted"][0];
    assert_eq!((&halted["stream"], &halted["position"]), (&json!("inbox-42"), &json!(position)));
    let incidents = service.call("GET", &format!("1/incidents?at={position}"), "").await.json();
    assert_eq!(incidents["halted"], json!(["inbox-42"]), "{incidents}");

    let before = service.call("GET", &then(position - 1), "").await.json();
    assert_eq!((&before["inboxes"][0]["halted"], &before["halted"]), (&Value::Null, &json!([])));
}

#[tokio::test]
async fn health_marks_whom_it_cannot_tell_of() {
    let service = furnished().await;
    let other = r#"{"name":"Other","channel_type":"Channel::Email"}"#;
    assert_eq!(service.call("PUT", "1/inboxes/43", other).await.status, 201);
    damaged(&service, MEANINGLESS).await;
    let inboxes = service.call("GET", "1/health", "").await.json()["inboxes"].clone();
    let marks: Vec<_> = inboxes.as_array().unwrap().iter().map(|it| &it["halted"]).collect();
    assert_eq!(marks, [&json!(true), &Value::Null]);
}

#[test]
fn a_path_names_the_streams_that_it_tells_of() {
    let names = |matched: &str, name: &str, text: &str| {
        let streams = streams(matched, name, text);
        streams.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("/inboxes/{inbox}", "inbox", "42"), "inbox-42");
    assert_eq!(names("/inboxes/{inbox}/deliveries", "inbox", "42"), "inbox-42 ledger-inbox.42");
    assert_eq!(names("/inboxes/{inbox}/webhook/why", "inbox", "42"), "inbox-42 ledger-inbox.42");
    assert_eq!(names("/webhooks/{webhook}/why", "webhook", "7"), "webhook-7 ledger-7");
    assert_eq!(names("/integrations/hooks/{hook}/why", "hook", "3"), "hook-3");
    assert_eq!(names("/automation_rules/{rule}", "rule", "5"), "rule-5");
    assert_eq!(names("/accounts/{account}/mail/why", "account", "1"), "ledger-mail.1");
    assert_eq!(names("/accounts/{account}/health", "account", "1"), "");
    assert_eq!(names("/inboxes/{inbox}", "inbox", "nonsense"), "");
}

#[tokio::test]
async fn who_asks_for_the_head_alone_is_refused_too() {
    let service = furnished().await;
    damaged(&service, MEANINGLESS).await;
    for (path, status) in [("1/inboxes/42", 503), ("1/inboxes", 200)] {
        assert_eq!(service.call("HEAD", path, "").await.status, status, "{path}");
    }
}

#[tokio::test]
async fn incidents_of_a_subject_are_refused_that_stops_being_told_while_they_are_asked_for() {
    let store = Arc::new(Staged::default());
    let service = Arc::new(Service::over(store.clone()).await);
    service.caught_up().await;
    assert_eq!(service.call("PUT", "1", r#"{"name":"Acme"}"#).await.status, 201);
    let inbox = r#"{"name":"Support","channel_type":"Channel::Whatsapp"}"#;
    assert_eq!(service.call("PUT", "1/inboxes/42", inbox).await.status, 201);
    let of_now = "1/incidents?subject=inbox/42&at=2999-01-01T00:00:00Z";
    assert_eq!(service.call("GET", of_now, "").await.status, 200);
    let other = service.clone();
    store.before_head(async move {
        damaged(&other, MEANINGLESS).await;
        other.app.own_writes().await;
    });
    // A position behind the end is that of now, and the end is asked for.
    let answer = service.call("GET", "1/incidents?subject=inbox/42&at=99999", "").await;
    assert_eq!(answer.status, 503, "{answer:?}");
}
