use std::sync::Arc;

use actors::Context;
use actors::account::Command;
use axum::body::Body;
use events::installation::Role;
use events::{AccountId, Actor, HookId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::testing::{Answer, Service, furnished, request};

async fn connect(service: &Service, hook: &Value) -> Answer {
    service.call("POST", "1/integrations/hooks", &hook.to_string()).await
}

fn openai(key: &str) -> Value {
    json!({"app_id": "openai", "settings": {"api_key": key, "label_suggestion": true}})
}

fn dialogflow(inbox: u64) -> Value {
    let settings = json!({"project_id": "p", "credentials": {"private_key": "pem-1f"}});
    json!({"app_id": "dialogflow", "inbox_id": inbox, "settings": settings})
}

async fn application(service: &Service, id: &str) -> Value {
    let answer = service.call("GET", &format!("1/integrations/apps/{id}"), "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn a_hook_is_shown_as_in_chatwoot_and_without_a_credential() {
    let service = furnished().await;
    let given = json!({"hook": {
        "app_id": "slack", "access_token": "xoxb-7f", "reference_id": "C1",
        "settings": {"channel_name": "support", "bot_secret": "hidden-3a"},
    }});
    let answer = connect(&service, &given).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut hook = answer.json();
    assert!(hook["position"].is_u64(), "{hook}");
    hook.as_object_mut().unwrap().remove("position");
    let expected = json!({
        "id": 1, "app_id": "slack", "status": true, "inbox": null, "account_id": 1,
        "hook_type": "account", "reauthorization_required": false,
        "settings": {"channel_name": "support"}, "reference_id": "C1",
    });
    assert_eq!(hook, expected);
    let slack = application(&service, "slack").await;
    assert_eq!((&slack["enabled"], &slack["hooks"]), (&json!(true), &json!([expected])));
    let timeline = service.call("GET", "1/integrations/hooks/1/timeline", "").await;
    for answer in [answer.text, slack.to_string(), timeline.text] {
        assert!(!answer.contains("xoxb-7f") && !answer.contains("hidden-3a"), "{answer}");
    }
}

#[tokio::test]
async fn case_111_a_second_slack_is_refused_and_a_second_dialogflow_is_not() {
    let service = furnished().await;
    let inbox = r#"{"name":"Sales","channel_type":"Channel::Api"}"#;
    assert_eq!(service.call("PUT", "1/inboxes/43", inbox).await.status, 201);
    let slack = json!({"app_id": "slack"});
    assert_eq!(connect(&service, &slack).await.status, 200);
    let second = connect(&service, &slack).await;
    let taken = json!({"message": "App has already been taken", "attributes": ["app_id"]});
    assert_eq!((second.status, second.json()), (422, taken));
    for inbox in [42, 43] {
        let hook = connect(&service, &dialogflow(inbox)).await;
        assert_eq!(hook.status, 200, "{hook:?}");
        assert_eq!(hook.json()["inbox"]["id"], inbox);
        assert_eq!(hook.json()["hook_type"], "inbox");
    }
    let theirs = service.call("POST", "2/integrations/hooks", &slack.to_string()).await;
    assert_eq!(theirs.status, 200, "another account has its own");
}

#[tokio::test]
async fn a_deleted_hook_is_gone_and_its_application_free_again() {
    let service = furnished().await;
    let id = connect(&service, &openai("k")).await.json()["id"].clone();
    let path = format!("1/integrations/hooks/{id}");
    assert_eq!(service.call("DELETE", &path.replace("1/", "2/"), "").await.status, 404);
    let gone = service.call("DELETE", &path, "").await;
    assert_eq!((gone.status, gone.text.as_str()), (200, ""));
    assert_eq!(service.call("DELETE", &path, "").await.status, 404);
    assert_eq!(application(&service, "openai").await["enabled"], false);
    assert_eq!(connect(&service, &openai("k")).await.json()["id"], 2);
}

#[tokio::test]
async fn of_many_who_connect_an_application_at_once_one_does() {
    let service = Arc::new(furnished().await);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { connect(&service, &json!({"app_id": "slack"})).await.status })
        })
        .collect();
    let mut statuses = vec![];
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    let connected = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(connected, 1, "{statuses:?}");
    let hooks = application(&service, "slack").await["hooks"].as_array().unwrap().len();
    assert_eq!(hooks, 1);
}

#[tokio::test]
async fn settings_and_token_that_stay_are_no_change() {
    let service = furnished().await;
    let path = "1/integrations/hooks/1";
    let last = connect(&service, &openai("k")).await.json()["position"].clone();
    let same = service.call("PATCH", path, &openai("k").to_string()).await.json();
    assert_eq!(same["position"], last);
    let changed = service.call("PATCH", path, &openai("other").to_string()).await.json();
    assert_ne!(changed["position"], last);
    let wrong = service.call("PATCH", path, r#"{"settings":{"key":1}}"#).await;
    let invalid =
        json!({"message": "Settings : Invalid settings data", "attributes": ["settings"]});
    assert_eq!((wrong.status, wrong.json()), (422, invalid));
    let off = service.call("PUT", path, r#"{"hook":{"status":"disabled"}}"#).await.json();
    assert_eq!(off["status"], false);
}

#[tokio::test]
async fn an_inbox_of_nobody_cannot_be_connected() {
    let service = furnished().await;
    let answer = connect(&service, &dialogflow(7)).await;
    let wrong = json!({"message": "Inbox must exist", "attributes": ["inbox_id"]});
    assert_eq!((answer.status, answer.json()), (422, wrong));
    let nobody = service.call("POST", "3/integrations/hooks", r#"{"app_id":"slack"}"#).await;
    assert_eq!(nobody.status, 404);
    assert_eq!(service.call("GET", "1/integrations/apps/telegraph", "").await.status, 404);
    assert_eq!(service.call("GET", "1/integrations/hooks/1", "").await.status, 404);
}

#[tokio::test]
async fn case_112_agents_see_applications_and_change_nothing() {
    let service = furnished().await;
    connect(&service, &openai("k")).await;
    let token = service.token(Role::Agent).await;
    let as_agent = async |method: &str, path: &str, body: &str| {
        let request = request(method, path).header("api_access_token", &token);
        service.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let apps = as_agent("GET", "1/integrations/apps", "").await;
    let apps = apps.json()["payload"].as_array().unwrap().clone();
    let openai = apps.iter().find(|app| app["id"] == "openai").unwrap();
    assert_eq!(openai["hooks"][0]["status"], true);
    assert!(openai["hooks"][0].get("settings").is_none() && openai.get("action").is_none());
    for (method, path) in [
        ("POST", "1/integrations/hooks"),
        ("PATCH", "1/integrations/hooks/1"),
        ("DELETE", "1/integrations/hooks/1"),
    ] {
        let refused = as_agent(method, path, "{}").await;
        let error = json!({"error": "You are not authorized to do this action"});
        assert_eq!((refused.status, refused.json()), (401, error), "{method}");
    }
}

#[tokio::test]
async fn case_116_no_hook_processes_an_event() {
    let service = furnished().await;
    connect(&service, &openai("k")).await;
    let answer = service.call("POST", "1/integrations/hooks/1/process_event", "{}").await;
    assert_eq!((answer.status, answer.json()), (422, json!({"error": "No processor found"})));
    let unknown = service.call("POST", "1/integrations/hooks/9/process_event", "{}").await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_claim_that_no_hook_came_of_is_stepped_over() {
    let service = furnished().await;
    let id = Uuid::new_v4();
    let (actor, account, now) = (Actor::ADMIN, AccountId(1), service.app.clock.now());
    let context = Context { id, correlation: id, actor, account: Some(account), now };
    let (hook, app) = (HookId(99), "slack".to_owned());
    let broken = Command::ClaimIntegration { hook, app, instead_of: None };
    service.app.actors.accounts.ask(account, context, broken).await.unwrap();
    let slack = json!({"app_id": "slack"});
    assert_eq!(connect(&service, &slack).await.status, 200);
    assert_eq!(connect(&service, &slack).await.status, 422, "this claim has a hook");
}
