//! Software of others against ours: a Chatwoot client, and receivers of Standard Webhooks.
//!
//! `.ci/run` fetches it and says where it is; without it these tests say that they are passed over.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::receiver::{Arrival, Receiver};
use crate::relink::{ADMIN, DEADLINE, Place};
use crate::steps::{message, register_account, subscribe};

/// Programs are given to their interpreters as text, so that these tests run without the tree.
const CHATWOOT_SDK: &str = include_str!("../fixtures/chatwoot_sdk.cjs");
const STANDARD_WEBHOOKS_OF_NPM: &str = include_str!("../fixtures/standard_webhooks.cjs");
const STANDARD_WEBHOOKS_OF_PYPI: &str = include_str!("../fixtures/standard_webhooks.py");

/// What a variable of the environment names; says aloud when it is not set.
pub(crate) fn told(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        passed_over(&format!("{variable} is not set; .ci/run sets it"));
    }
    value
}

/// Says aloud that a test is not run; with `RELINK_TEST_STRICT` that is a failure.
pub(crate) fn passed_over(why: &str) {
    assert!(std::env::var_os("RELINK_TEST_STRICT").is_none(), "passed over: {why}");
    eprintln!("passed over: {why}");
}

/// Runs a script with JSON on its standard input; what it prints, as JSON.
pub(crate) async fn script(command: &mut Command, input: &Value) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let output = timeout(DEADLINE, child.wait_with_output()).await.unwrap().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{stderr}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

pub(crate) fn node(modules: &str, program: &str) -> Command {
    let mut command = Command::new("node");
    command.args(["-e", program]).env("NODE_PATH", modules);
    command
}

#[tokio::test]
async fn case_57_the_chatwoot_sdk_lists_creates_updates_and_deletes() {
    let Some(modules) = told("RELINK_TEST_NODE_MODULES") else { return };
    let place = Place::new();
    let relink = place.serve().await;
    register_account(&relink.api()).await;

    let server = format!("http://{}", relink.address());
    let input = json!({ "server": server, "token": ADMIN, "account": 1 });
    let seen = script(&mut node(&modules, CHATWOOT_SDK), &input).await;
    assert_eq!(seen["before"], json!({ "payload": { "webhooks": [] } }));
    let created = &seen["created"]["payload"]["webhook"];
    assert_eq!(created["url"], "https://example.com/sdk");
    assert_eq!(created["subscriptions"], json!(["message_created"]));
    assert_eq!(seen["listed"]["payload"]["webhooks"][0], *created);
    let updated = &seen["updated"]["payload"]["webhook"];
    assert_eq!(updated["url"], "https://example.com/sdk/2");
    assert_eq!(updated["secret"], created["secret"]);
    assert_eq!(seen["after"], json!({ "payload": { "webhooks": [] } }));
    assert_eq!(seen["refused"]["status"], 422, "{seen}");
    assert_eq!(seen["unknown"]["status"], 404, "{seen}");
}

/// One delivery under a secret that was rotated and a key pair beside it, and what receivers need
/// to check it: one that has the old secret, and one that has the new.
async fn delivered(place: &Place) -> [Value; 2] {
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    let webhook = subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    let rotate = format!("/webhooks/{}/rotate_secret", webhook["id"]);
    let rotated = api.post(&rotate, json!({})).await.json(200);
    api.post(&rotate, json!({ "algorithm": "ed25519" })).await.json(200);
    message(&api, "Grüße, signed").await;
    let arrival: Arrival = receiver.expect(1).await.remove(0);
    let mut headers = serde_json::Map::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name.to_owned(), arrival.header(name).into());
    }
    [&webhook, &rotated].map(|of| {
        json!({
            "secret": of["signing_secret"],
            "headers": headers,
            "body": std::str::from_utf8(&arrival.body).unwrap(),
        })
    })
}

fn check(verdict: &Value) {
    assert_eq!(verdict["event"], "message_created", "{verdict}");
    assert_eq!(verdict["altered_is_refused"], true, "{verdict}");
}

#[tokio::test]
async fn standardwebhooks_of_pypi_takes_our_signature() {
    let Some(python) = told("RELINK_TEST_PYTHON") else { return };
    for delivery in delivered(&Place::new()).await {
        let mut command = Command::new(&python);
        check(&script(command.args(["-c", STANDARD_WEBHOOKS_OF_PYPI]), &delivery).await);
    }
}

#[tokio::test]
async fn standardwebhooks_of_npm_takes_our_signature() {
    let Some(modules) = told("RELINK_TEST_NODE_MODULES") else { return };
    for delivery in delivered(&Place::new()).await {
        check(&script(&mut node(&modules, STANDARD_WEBHOOKS_OF_NPM), &delivery).await);
    }
}
