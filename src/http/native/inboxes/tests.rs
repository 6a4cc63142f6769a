use std::sync::Arc;

use actors::Context;
use actors::inbox::{Action, Profile};
use axum::body::Body;
use events::installation::Role;
use events::{AccountId, Actor, InboxId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::testing::{ADMIN, Answer, Service, furnished, request};

async fn profile(service: &Service) -> Profile {
    let id = Uuid::new_v4();
    let (actor, account) = (Actor::ADMIN, AccountId(1));
    let now = service.app.clock.now();
    let context = Context { id, correlation: id, actor, account: Some(account), now };
    let look = service.app.command(account, Action::Look);
    let done = service.app.actors.inboxes.ask(InboxId(42), context, look).await.unwrap();
    (*done.answer.profile.unwrap()).clone()
}

fn credentials(service: &Service, profile: &Profile) -> Value {
    let sealed = profile.credentials.as_ref().unwrap();
    let plain = service.app.vault.unseal("inbox/42/credentials", sealed).unwrap();
    serde_json::from_slice(&plain).unwrap()
}

#[tokio::test]
async fn credentials_are_sealed_and_everything_else_is_kept_open() {
    let service = furnished().await;
    let given = json!({
        "phone_number": "+1", "provider_config": {"api_key": "k"}, "websiteToken": "w",
        "channel": {"imap_password": "p", "imap_login": "l"},
        "pages": [{"name": "n", "access_token": "t"}],
    });
    let answer = service.call("PUT", "1/inboxes/42", &given.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!answer.text.contains("api_key"));
    let first = profile(&service).await;
    let attributes: Value = serde_json::from_str(&first.attributes).unwrap();
    assert_eq!(attributes, json!({"phone_number": "+1", "channel": {"imap_login": "l"}}));
    let expected = json!({
        "provider_config": {"api_key": "k"}, "websiteToken": "w",
        "channel": {"imap_password": "p"}, "pages": [{"name": "n", "access_token": "t"}],
    });
    assert_eq!(credentials(&service, &first), expected);

    assert_eq!(service.call("PUT", "1/inboxes/42", &given.to_string()).await.status, 200);
    assert_eq!(profile(&service).await, first, "nothing changed, so nothing is sealed anew");

    let patch = json!({"provider_config": {"b": 1}, "websiteToken": null, "phone_number": null});
    assert_eq!(service.call("PUT", "1/inboxes/42", &patch.to_string()).await.status, 200);
    let patched = profile(&service).await;
    assert_eq!(credentials(&service, &patched)["provider_config"], json!({"b": 1}));
    assert_eq!(credentials(&service, &patched)["websiteToken"], Value::Null);
    assert_eq!(patched.attributes, r#"{"channel":{"imap_login":"l"}}"#);
}

#[tokio::test]
async fn of_two_registrations_at_once_neither_is_lost() {
    let service = furnished().await;
    let put = async |given: Value| {
        let answer = service.call("PUT", "1/inboxes/42", &given.to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    tokio::join!(
        put(json!({"api_key": "one", "a": 1})),
        put(json!({"access_token": "two", "b": 2})),
        put(json!({"auth_token": "three", "c": 3})),
    );
    let profile = profile(&service).await;
    let expected = json!({"api_key": "one", "access_token": "two", "auth_token": "three"});
    assert_eq!(credentials(&service, &profile), expected);
    let attributes: Value = serde_json::from_str(&profile.attributes).unwrap();
    assert_eq!(attributes, json!({"a": 1, "b": 2, "c": 3}));
}

#[tokio::test]
async fn of_many_registrations_at_once_none_is_refused() {
    let service = Arc::new(furnished().await);
    let tasks: Vec<_> = (0..40)
        .map(|number| {
            let service = service.clone();
            let given = json!({format!("a{number}"): number}).to_string();
            tokio::spawn(async move { service.call("PUT", "1/inboxes/42", &given).await.status })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 200);
    }
    let attributes: Value = serde_json::from_str(&profile(&service).await.attributes).unwrap();
    assert_eq!(attributes.as_object().unwrap().len(), 40);
}

#[tokio::test]
async fn an_inbox_is_deleted_once() {
    let service = furnished().await;
    assert_eq!(service.call("DELETE", "2/inboxes/42", "").await.status, 404);
    assert_eq!(service.call("DELETE", "1/inboxes/42", "").await.status, 200);
    assert_eq!(service.call("DELETE", "1/inboxes/42", "").await.status, 404);
    let gone = service.call("GET", "1/inboxes/42", "").await;
    assert_eq!((gone.status, gone.json()), (404, json!({"error": "Resource could not be found"})));
    assert_eq!(service.call("GET", "1/inboxes", "").await.json(), json!({"payload": []}));
}

#[tokio::test]
async fn what_cannot_be_an_inbox_is_refused() {
    let service = furnished().await;
    let new = r#"{"name":"n","channel_type":"Channel::Api"}"#;
    for (path, body, status) in [
        ("1/inboxes/43", r#"{"name":"n"}"#, 422),
        ("1/inboxes/43", r#"{"channel_type":"Channel::Api"}"#, 422),
        ("1/inboxes/43", r#"{"name":"n","channel_type":"Api"}"#, 422),
        ("1/inboxes/43", r#"{"name":"n","channel_type":"Channel::"}"#, 422),
        ("1/inboxes/42", r#"{"threshold":0}"#, 422),
        ("1/inboxes/42", r#"{"threshold":1001}"#, 422),
        ("1/inboxes/42", r#"{"threshold":"2"}"#, 422),
        ("2/inboxes/42", new, 404),
        ("3/inboxes/43", new, 404),
        ("1/inboxes/-1", new, 404),
    ] {
        let answer = service.call("PUT", path, body).await;
        assert_eq!(answer.status, status, "{path} {body}: {answer:?}");
    }
    let own = service.call("PUT", "1/inboxes/42", r#"{"threshold":7}"#).await.json();
    assert_eq!(own["threshold"], 7);
    let own = service.call("PUT", "1/inboxes/42", r#"{"threshold":null}"#).await.json();
    assert_eq!(own["threshold"], 2);
}

#[tokio::test]
async fn cases_31_and_32_whoever_sees_an_inbox_sees_whether_it_needs_reauthorization() {
    let service = furnished().await;
    let mailbox = r#"{"name":"Mail","channel_type":"Channel::Email"}"#;
    assert_eq!(service.call("PUT", "1/inboxes/43", mailbox).await.status, 201);
    let agent = service.token(Role::Agent).await;
    for id in [42, 43] {
        let path = format!("1/inboxes/{id}");
        let prompt = format!("{path}/prompt_reauthorization");
        assert_eq!(service.call("POST", &prompt, "").await.status, 200);
        let request = request("GET", &path).header("api_access_token", &agent);
        let shown = service.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(shown.json()["reauthorization_required"], true, "{shown:?}");
    }
}

async fn put(service: &Service, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = request("PUT", path).header("api_access_token", ADMIN);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    service.send(request.body(body.to_owned().into()).unwrap()).await
}

fn tag(answer: &Answer) -> String {
    answer.head.headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_was_changed_in_the_meantime_is_not_overwritten_unseen() {
    let service = furnished().await;
    let seen = tag(&service.call("GET", "1/inboxes/42", "").await);
    let first = put(&service, "1/inboxes/42", &[("if-match", &seen)], r#"{"name":"A"}"#).await;
    assert_eq!(first.status, 200, "{first:?}");
    let second = put(&service, "1/inboxes/42", &[("if-match", &seen)], r#"{"name":"B"}"#).await;
    assert_eq!((second.status, &second.json()["code"]), (412, &json!("changed")), "{second:?}");
    assert_eq!(profile(&service).await.name, "A");
    assert_eq!(tag(&service.call("GET", "1/inboxes/42", "").await), tag(&first));
    let report = service.call("POST", "1/inboxes/42/authorization_errors", "").await;
    assert_eq!(report.status, 200);
    let again = [("if-match", tag(&first))];
    let again = [(again[0].0, again[0].1.as_str())];
    let third = put(&service, "1/inboxes/42", &again, r#"{"name":"C"}"#).await;
    assert_eq!(third.status, 200, "evidence is no other version: {third:?}");
}

#[tokio::test]
async fn who_asks_only_that_it_is_there_loses_to_nobody() {
    let service = furnished().await;
    let register = async |given: Value| {
        let there = [("if-match", "*")];
        let answer = put(&service, "1/inboxes/42", &there, &given.to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    tokio::join!(register(json!({"a": 1})), register(json!({"b": 2})), register(json!({"c": 3})),);
    let attributes: Value = serde_json::from_str(&profile(&service).await.attributes).unwrap();
    assert_eq!(attributes, json!({"a": 1, "b": 2, "c": 3}));
}

#[tokio::test]
async fn a_put_can_ask_for_one_that_is_there_or_for_none() {
    let service = furnished().await;
    let new = r#"{"name":"New","channel_type":"Channel::Line"}"#;
    for (path, header, status) in [
        ("1/inboxes/7", ("if-match", "*"), 412),
        ("1/inboxes/7", ("if-match", "\"1\""), 412),
        ("1/inboxes/7", ("if-none-match", "*"), 201),
        ("1/inboxes/7", ("if-none-match", "*"), 412),
        ("1/inboxes/7", ("if-match", "*"), 200),
        ("1/inboxes/7", ("if-match", "1"), 400),
        ("2/inboxes/7", ("if-match", "*"), 404),
        ("2/inboxes/7", ("if-none-match", "*"), 404),
    ] {
        let answer = put(&service, path, &[header], new).await;
        assert_eq!(answer.status, status, "{path} {header:?}: {answer:?}");
    }
}

#[tokio::test]
async fn whoever_changes_an_inbox_is_told_what_whoever_reads_it_is() {
    let service = furnished().await;
    service.call("POST", "1/inboxes/42/prompt_reauthorization", "").await;
    let change = r#"{"name":"New","expires_at":1}"#;
    let mut told = service.call("PUT", "1/inboxes/42", change).await.json();
    let position = told.as_object_mut().unwrap().remove("position");
    assert!(position.is_some_and(|it| it.is_u64()));
    let shown = service.call("GET", "1/inboxes/42", "").await.json();
    assert_eq!(told, shown);
    assert_eq!((&shown["state"], &shown["name"]), (&json!("action_needed"), &json!("New")));
    assert_eq!(shown["expires_at"], "1970-01-01T00:00:01.000000Z");
    assert!(shown["since"].is_string());
}

#[tokio::test]
async fn a_list_is_no_inbox() {
    let service = furnished().await;
    let body = r#"["Evil","Channel::Api"]"#;
    for path in ["1", "1/inboxes/42", "1/inboxes/42/policy"] {
        let answer = service.call("PUT", path, body).await;
        assert_eq!(answer.status, 422, "{path}: {answer:?}");
        assert_eq!(answer.json()["message"], "the body must be a JSON object", "{path}");
    }
}

#[tokio::test]
async fn a_channel_that_only_a_fork_has_is_taken_and_two_errors_are_too_many() {
    let service = furnished().await;
    let fork = r#"{"name":"n","channel_type":"Channel::NotificaMe"}"#;
    let made = service.call("PUT", "1/inboxes/44", fork).await;
    assert_eq!((made.status, &made.json()["threshold"]), (201, &json!(2)));
    let wrong = r#"{"name":"n","channel_type":"Whatsapp"}"#;
    let refused = service.call("PUT", "1/inboxes/45", wrong).await;
    assert!(refused.text.contains("Channel:: and a name"), "{refused:?}");
}
