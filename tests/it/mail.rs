//! Mail to administrators, taken by a real server: aiosmtpd from PyPI, where `.ci/run` put it.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::receiver::{Receiver, Reply};
use crate::relink::{DEADLINE, Place};
use crate::sdk::told;
use crate::steps::{
    INBOX, fail, invalidated, message, reauthorize, register, register_account, subscribe,
};

const SMTP_SERVER: &str = include_str!("../fixtures/smtp_server.py");

const PASSWORD: &str = "s3cr3t-of-smtp";

/// A mail server in a process of its own.
struct Server {
    _process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u64,
}

impl Server {
    /// None, said aloud, where there is no Python with aiosmtpd.
    async fn start(port: u64) -> Option<Self> {
        let python = told("RELINK_TEST_PYTHON")?;
        let mut process = Command::new(python)
            .args(["-c", SMTP_SERVER, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut server = Self { _process: process, lines, port };
        server.port = server.next().await["port"].as_u64().unwrap();
        Some(server)
    }

    async fn next(&mut self) -> Value {
        let line = timeout(DEADLINE, self.lines.next_line()).await.expect("a mail comes");
        serde_json::from_str(&line.unwrap().expect("the server lives")).unwrap()
    }

    fn place(&self) -> Place {
        Place::new()
            .set("RELINK_SMTP_URL", &format!("smtp://relink:{PASSWORD}@127.0.0.1:{}", self.port))
            .set("RELINK_MAIL_FROM", "Relink <relink@example.com>")
            .set("RELINK_FRONTEND_URL", "https://chat.example.com")
            .set("RELINK_RETRY_SCHEDULE", "100ms,100ms,100ms,100ms,1s,1s,1s,1s,1s,1s")
    }
}

#[tokio::test]
async fn each_transition_is_one_mail_to_all_administrators() {
    let Some(mut server) = Server::start(0).await else { return };
    let place = server.place();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let both = json!({ "administrator_emails": ["a@acme.example", "b@acme.example"] });
    api.put("", both).await.json(200);
    for _ in 0..3 {
        fail(&api).await.json(200);
    }
    let mail = server.next().await;
    assert_eq!(mail["recipients"], json!(["a@acme.example", "b@acme.example"]));
    assert_eq!(mail["sender"], "relink@example.com");
    assert_eq!(mail["headers"]["subject"], "Your Whatsapp connection has expired");
    assert_eq!(mail["headers"]["auto-submitted"], "auto-generated");
    let text = mail["text"].as_str().unwrap();
    let link = "https://chat.example.com/app/accounts/1/settings/inboxes/42";
    for part in ["Support on WhatsApp", "Acme", "meta 190", "Since: 20", "counted: 2", link] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let said = invalidated()["message"].as_str().unwrap().to_owned();
    assert!(text.contains(&said), "{text}");
    assert!(mail["html"].as_str().unwrap().contains(link));

    api.put("", json!({ "locale": "pt_BR" })).await.json(200);
    reauthorize(&api).await.json(200);
    let mail = server.next().await;
    assert_eq!(mail["headers"]["subject"], "A sua conexão com Whatsapp voltou a funcionar");

    let position = place.written("delivery.delivered", 2).await;
    let path = format!("/mail/deliveries?consistent_to={position}");
    let listed = api.get(&path).await.json(200);
    let listed = listed["deliveries"].as_array().unwrap();
    let names: Vec<_> = listed.iter().map(|it| it["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["inbox_reconnected", "inbox_disconnected"]);
    let id = listed[1]["id"].as_str().unwrap();
    let delivery = api.get(&format!("/deliveries/{id}")).await.json(200);
    assert_eq!(delivery["status"], "delivered", "{delivery}");
    assert_eq!(delivery["attempts"][0]["response"]["status"], 250, "{delivery}");
    assert_eq!(api.of_account(2).get(&format!("/deliveries/{id}")).await.status, 404);
    let health = api.get("/health").await.json(200);
    assert_eq!(health["mail"], json!({ "configured": true, "detail": null }));
    let said = relink.kill().await;
    assert!(!said.contains(PASSWORD), "{said}");
}

#[tokio::test]
async fn hooks_and_rules_are_written_about_too() {
    let Some(mut server) = Server::start(0).await else { return };
    let place = server.place();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let (hook, rule) = ("/integrations/hooks/1", "/automation_rules/1");
    let slack = json!({ "app_id": "slack", "access_token": "xoxb-never-shown" });
    api.post("/integrations/hooks", slack).await.json(200);
    let made = json!({
        "name": "Label them", "event_name": "conversation_created",
        "actions": [{ "action_name": "add_label", "action_params": ["vip"] }],
    });
    api.post("/automation_rules", made).await.json(200);
    let revoked = json!({ "provider": "slack", "status": 200, "code": "account_inactive" });
    for _ in 0..3 {
        api.post(&format!("{hook}/authorization_errors"), revoked.clone()).await.json(200);
    }
    let mail = server.next().await;
    assert_eq!(mail["headers"]["subject"], "Your Slack integration has expired");
    let text = mail["text"].as_str().unwrap();
    let link = "https://chat.example.com/app/accounts/1/settings/integrations/slack";
    for part in ["Integration: Slack", "Acme", "slack account_inactive", "counted: 2", link] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(mail["html"].as_str().unwrap().contains(link));
    api.put("", json!({ "locale": "pt_BR" })).await.json(200);
    api.post(&format!("{hook}/reauthorized"), json!({})).await.json(200);
    let mail = server.next().await;
    assert_eq!(mail["headers"]["subject"], "A sua integração com Slack voltou a funcionar");

    api.put("", json!({ "locale": "en" })).await.json(200);
    let reason = json!({ "reason": "attribute plan is gone" });
    api.post(&format!("{rule}/prompt_reauthorization"), reason).await.json(200);
    let mail = server.next().await;
    let subject = "Automation rule disabled due to validation errors.";
    assert_eq!(mail["headers"]["subject"], subject);
    let text = mail["text"].as_str().unwrap();
    for part in ["Automation rule: Label them", "attribute plan is gone", "/automation/list"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let conditions = json!({ "conditions": [{ "attribute_key": "status", "values": ["open"] }] });
    api.patch(rule, conditions).await.json(200);
    assert_eq!(server.next().await["headers"]["subject"], "Automation rule corrected.");
    let position = place.written("delivery.delivered", 4).await;
    let listed = api.get(&format!("/mail/deliveries?consistent_to={position}")).await.json(200);
    let names: Vec<_> = listed["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    let all = ["rule_corrected", "rule_disabled", "hook_reconnected", "hook_disconnected"];
    assert_eq!(names, all);
}

#[tokio::test]
async fn a_server_that_was_away_gets_the_mail_when_it_is_back() {
    let Some(server) = Server::start(0).await else { return };
    let (place, port) = (server.place(), server.port);
    drop(server);
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    api.post(&format!("{INBOX}/prompt_reauthorization"), json!({})).await.json(200);
    place.written("delivery.attempt_failed", 1).await;
    let mut server = Server::start(port).await.unwrap();
    let mail = server.next().await;
    assert_eq!(mail["recipients"], json!(["ops@acme.example"]));
    place.written("delivery.delivered", 1).await;
    let failed = place.log_of("delivery.attempt_failed").await;
    assert_eq!(failed[0]["data"]["class"], "connect");
}

#[tokio::test]
async fn an_address_that_is_gone_keeps_nobody_else_from_being_told() {
    let Some(mut server) = Server::start(0).await else { return };
    let place = server.place();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let some = json!({ "administrator_emails": ["gone@acme.example", "b@acme.example"] });
    api.put("", some).await.json(200);
    api.post(&format!("{INBOX}/prompt_reauthorization"), json!({})).await.json(200);
    assert_eq!(server.next().await["recipients"], json!(["b@acme.example"]));
    place.written("delivery.delivered", 1).await;
    let taken = place.log_of("delivery.delivered").await.remove(0);
    let body = taken["data"]["response"]["body"].as_str().unwrap();
    assert!(body.contains("gone@acme.example") && body.contains("nobody of that name"), "{body}");
}

#[tokio::test]
async fn administrators_are_written_to_when_a_rule_disables_a_webhook() {
    let Some(mut server) = Server::start(0).await else { return };
    let place = server.place();
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    register_account(&api).await;
    receiver.answer("/crm", Reply::Status(410));
    let webhook = subscribe(&api, &receiver.url("/crm"), &["message_created"]).await;
    message(&api, "hello").await;
    let mail = server.next().await;
    assert_eq!(mail["recipients"], json!(["ops@acme.example"]));
    let subject = mail["headers"]["subject"].as_str().unwrap();
    assert!(subject.contains(&receiver.url("/crm")) && subject.contains("disabled"), "{subject}");
    let text = mail["text"].as_str().unwrap();
    let route = format!("POST /api/v1/accounts/1/webhooks/{}/enable", webhook["id"]);
    for part in ["Acme", "gone for good", "it answered 410", "Deliveries held: 1", &route] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(mail["html"].as_str().unwrap().contains("/settings/integrations/webhook"), "{mail}");

    let seen = place.written("delivery.delivered", 1).await;
    let listed = api.get(&format!("/mail/deliveries?consistent_to={seen}")).await.json(200);
    let id = listed["deliveries"][0]["id"].as_str().unwrap();
    let told = api.get(&format!("/deliveries/{id}/explain")).await.json(200);
    assert_eq!((&told["endpoint"], &told["event"]), (&json!("mail.1"), &json!("webhook_disabled")));
    assert_eq!(told["cause"]["type"], "delivery.endpoint_disabled");
    assert_eq!(told["attempts"][0]["status"], 250, "{told}");
}

#[tokio::test]
async fn of_a_muted_incident_no_mail_is_written() {
    let Some(mut server) = Server::start(0).await else { return };
    let place = server.place();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    fail(&api).await.json(200);
    api.post("/incidents/inbox-42-1/mute", json!({})).await.json(200);
    fail(&api).await.json(200);
    reauthorize(&api).await.json(200);
    api.post(&format!("{INBOX}/prompt_reauthorization"), json!({ "reason": "again" })).await;
    let mail = server.next().await;
    assert!(mail["text"].as_str().unwrap().contains("Reason: again"), "the first is of the second");
}

#[tokio::test]
async fn case_121_without_a_server_there_is_no_mail_and_the_health_says_so() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    for _ in 0..2 {
        fail(&api).await.json(200);
    }
    reauthorize(&api).await.json(200);
    let health = api.get("/health").await.json(200);
    assert_eq!(health["mail"]["configured"], false);
    assert!(health["mail"]["detail"].as_str().unwrap().contains("RELINK_SMTP_URL"), "{health}");
    assert_eq!(api.get("/mail/deliveries").await.json(200)["deliveries"], json!([]));
    assert!(place.log_of("delivery.queued").await.is_empty());
}
