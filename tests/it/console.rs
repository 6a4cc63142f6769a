//! The console in a browser's place: jsdom, which runs the page and the script that are served.

use serde_json::{Value, json};

use crate::receiver::{Receiver, Reply};
use crate::relink::{ADMIN, Place};
use crate::sdk::{node, script, told};
use crate::steps::{INBOX, fail, message, register_account, subscribe};

/// Works the console and tells what stood on the page each time.
const CONSOLE: &str = include_str!("../fixtures/console.cjs");

/// What somebody could call an inbox to be unkind to those who look at it.
const MARKUP: &str = "<img src=x onerror=alert(1)>";

/// What the first cells of the rows say.
fn names(table: &Value) -> Vec<&str> {
    table.as_array().unwrap().iter().map(|row| row[0].as_str().unwrap()).collect()
}

/// Nothing of an account is on the page.
fn is_empty(page: &Value) {
    assert_eq!((&page["form"], &page["console"]), (&json!(true), &json!(false)), "{page}");
    assert_eq!((&page["account"], &page["tiles"]), (&json!(""), &json!({})), "{page}");
    for table in ["subjects", "endpoints", "incidents", "nodes"] {
        assert_eq!(page[table], json!([]), "{table}: {page}");
    }
}

#[tokio::test]
async fn it_shows_what_is_in_trouble_and_nothing_to_whoever_has_no_good_token() {
    let Some(modules) = told("RELINK_TEST_NODE_MODULES") else { return };
    let (place, receiver) = (Place::new(), Receiver::start().await);
    receiver.answer("/gone", Reply::Status(410));
    let relink = place.serve().await;
    let api = relink.api();
    // Given an inbox that needs somebody, and an endpoint that is gone
    register_account(&api).await;
    let inbox = json!({ "name": MARKUP, "channel_type": "Channel::Whatsapp" });
    api.put(INBOX, inbox).await.json(201);
    subscribe(&api, &receiver.url("/gone"), &["message_created"]).await;
    fail(&api).await.json(200);
    fail(&api).await.json(200);
    message(&api, "hello").await;
    let seen = place.written("delivery.endpoint_disabled", 1).await;
    api.get(&format!("/health?consistent_to={seen}")).await.json(200);
    let agent = place.token(1, "agent").await;

    // When somebody works the console
    let mend = json!({ "path": format!("/api/v1/accounts/1{INBOX}/reauthorized"), "body": "{}" });
    let server = format!("http://{}", relink.address());
    let input = json!({ "server": server, "token": ADMIN, "agent": agent, "mend": mend });
    let seen = script(&mut node(&modules, CONSOLE), &input).await;

    // Then nothing is shown before there is a token, or with one that is not good
    is_empty(&seen["before"]);
    assert_eq!(seen["asked_by_nobody"], json!(["/readyz"]));
    is_empty(&seen["refused"]);
    assert_eq!(seen["refused"]["token"], Value::Null);
    let alarm = seen["refused"]["alarm"].as_str().unwrap();
    assert!(alarm.starts_with("The token is not good for this account."), "{alarm}");

    // An account that is not there costs no token
    is_empty(&seen["unknown"]);
    assert_eq!(seen["unknown"]["token"], ADMIN);
    let alarm = seen["unknown"]["alarm"].as_str().unwrap();
    assert!(alarm.contains("PUT /api/v1/accounts/9"), "{alarm}");

    // What is in trouble is shown, and names are no markup
    let shown = &seen["console"];
    assert_eq!(shown["account"], "in account 1");
    let subject = format!("{MARKUP} inbox/42");
    assert_eq!(names(&shown["subjects"]), [subject]);
    assert_eq!(shown["subjects"][0][1], "action needed");
    assert_eq!(shown["subjects"][0][3], "2 of 2");
    assert_eq!(shown["images"], 0);
    assert_eq!(shown["endpoints"][0][1], "disabled", "{shown}");
    assert!(names(&shown["endpoints"])[0].ends_with("webhook/1"), "{shown}");
    assert!(names(&shown["incidents"]).contains(&"inbox/42"), "{shown}");
    assert!(names(&shown["nodes"])[0].ends_with("answers you"), "{shown}");
    let tiles = &shown["tiles"];
    assert_eq!(
        (&tiles["need somebody"], &tiles["endpoints in trouble"]),
        (&json!("1"), &json!("1"))
    );

    // It follows what changes, and forgets with the token what it showed
    assert_eq!(seen["mended"]["tiles"]["need somebody"], "0");
    is_empty(&seen["out"]);
    assert_eq!(seen["out"]["token"], Value::Null);

    // An agent sees the account and not the installation
    assert_eq!(names(&seen["agent"]["endpoints"]).len(), 1);
    assert_eq!(seen["agent"]["nodes"], json!([]));
}
