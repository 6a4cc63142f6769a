//! Secrets are sealed before the first append, and nobody sees a credential again.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::receiver::{Receiver, Reply};
use crate::relink::{ADMIN, Place};
use crate::steps::{CREDENTIALS, INBOX, fail, register, register_account, secret, subscribe};

fn holds(folder: &Path, needle: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, needle);
        }
        let bytes = fs::read(&path).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
}

#[tokio::test]
async fn credentials_are_nowhere_to_be_seen() {
    let place = Place::new().set("ENABLE_INBOX_EVENTS", "true");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register(&api).await;
    let webhook = subscribe(&api, &receiver.url("/hook"), &["inbox_updated"]).await;
    fail(&api).await.json(200);
    let position = fail(&api).await.position();
    let arrival = receiver.expect(1).await.remove(0);

    let query = format!("?consistent_to={position}");
    let mut seen = vec![
        ("the delivery", String::from_utf8(arrival.body.to_vec()).unwrap()),
        ("the log", place.run_well(&["log", "--json"]).await),
        ("the log as text", place.run_well(&["log"]).await),
        ("at", place.run_well(&["at", "inbox/42", &position.to_string()]).await),
    ];
    for (name, path) in [
        ("the inbox", INBOX.to_owned()),
        ("all inboxes", "/inboxes".to_owned()),
        ("health", "/health".to_owned()),
        ("the timeline", format!("{INBOX}/timeline")),
    ] {
        seen.push((name, api.get(&format!("{path}{query}")).await.body));
    }
    seen.push(("the output", relink.kill().await));
    for (name, text) in &seen {
        for credential in CREDENTIALS {
            assert!(!text.contains(credential), "{name} shows {credential}:\n{text}");
        }
    }
    for credential in CREDENTIALS.into_iter().chain([secret(&webhook), ADMIN]) {
        assert!(!holds(&place.data(), credential), "{credential} is in the clear on disk");
    }
}

#[tokio::test]
async fn a_receiver_that_sends_back_what_it_got_betrays_no_secret() {
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", "1h");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    receiver.answer("/hook", Reply::Status(500));
    let webhook = subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    crate::steps::message(&api, "refused").await;
    place.written("delivery.attempt_failed", 1).await;
    let said = relink.kill().await;
    assert!(!said.contains(secret(&webhook)), "{said}");
}

/// Two keys that differ.
fn key(byte: u8) -> String {
    BASE64.encode([byte; 32])
}

#[tokio::test]
async fn a_log_without_its_key_is_not_served() {
    let place = Place::new().set("RELINK_SECRET_KEY", &key(1));
    let relink = place.serve().await;
    register(&relink.api()).await;
    assert!(relink.terminate().await.success());
    let before = place.log().await.len();

    let place = place.set("RELINK_SECRET_KEY", &key(2));
    let other = place.run(&["serve"]).await;
    let place = place.unset("RELINK_SECRET_KEY");
    let none = place.run(&["serve"]).await;
    for done in [other, none] {
        done.refused(2);
        assert!(done.stderr.contains("RELINK_SECRET_KEY"), "{}", done.stderr);
    }
    assert_eq!(place.log().await.len(), before, "reading needs no key, and nothing was written");

    let place = place.set("RELINK_SECRET_KEY", &key(1));
    place.serve().await;
}

#[tokio::test]
async fn a_key_may_come_from_a_file() {
    let place = Place::new();
    let file = place.data().with_file_name("key");
    fs::write(&file, format!("{}\n", key(1))).unwrap();
    let place = place.set("RELINK_SECRET_KEY", &format!("file:{}", file.display()));
    let relink = place.serve().await;
    register(&relink.api()).await;
    relink.kill().await;
    place.set("RELINK_SECRET_KEY", &key(1)).serve().await;
}

#[tokio::test]
async fn a_generated_key_is_warned_of_and_found_again() {
    let place = Place::new();
    let relink = place.serve().await;
    relink.says(|said| said.contains("RELINK_SECRET_KEY")).await;
    let receiver = Receiver::start().await;
    register_account(&relink.api()).await;
    let webhook = subscribe(&relink.api(), &receiver.url("/hook"), &["message_created"]).await;
    relink.kill().await;

    let relink = place.serve().await;
    crate::steps::message(&relink.api(), "signed behind the restart").await;
    receiver.expect(1).await[0].check_signatures(secret(&webhook));
}

/// The words of a text that may be a token.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let part = |c: char| c.is_ascii_alphanumeric() || "-_+/=".contains(c);
    text.split(move |c: char| !part(c)).filter(|word| word.len() >= 16)
}

#[tokio::test]
async fn an_administrators_token_is_generated_and_printed_once() {
    let place = Place::new().unset("RELINK_ADMIN_TOKEN");
    let said = place.serve().await.kill().await;

    let relink = place.serve().await;
    let mut tokens = Vec::new();
    for word in words(&said) {
        if relink.api().by(word).get("/webhooks").await.status != 401 {
            tokens.push(word);
        }
    }
    let [token] = tokens[..] else { panic!("{tokens:?} of what was printed are tokens:\n{said}") };
    register_account(&relink.api().by(token)).await;
    assert!(!holds(&place.data(), token), "it is kept as a hash");
    let said = relink.kill().await;
    assert!(!said.contains(token), "it is printed once:\n{said}");
}
