//! A stream that cannot be folded stops alone: it is named, and everything else goes on.

use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::api::Api;
use crate::receiver::Receiver;
use crate::relink::{Place, Relink};
use crate::steps::{
    INBOX, fail, invalidated, message, ready, register, register_account, subscribe,
};

/// The stream of [`INBOX`].
const STREAM: &str = "inbox-42";
const OTHER: &str = "/inboxes/43";

/// A place whose service has ended well, with two inboxes of account 1 and one error of each.
async fn written() -> Place {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    register_account(&api.of_account(2)).await;
    let other = json!({ "name": "Another", "channel_type": "Channel::Email" });
    assert_eq!(api.put(OTHER, other).await.status, 201);
    fail(&api).await.json(200);
    fail_other(&api).await;
    assert!(relink.terminate().await.success());
    place
}

async fn fail_other(api: &Api) -> Value {
    api.post(&format!("{OTHER}/authorization_errors"), invalidated()).await.json(200)
}

/// Changes the payload of a record of the stream behind everybody's back; its position.
fn alter(place: &Place, revision: i64, change: impl FnOnce(&mut Vec<u8>)) -> i64 {
    let log = Connection::open(place.data().join("relink.db")).unwrap();
    let record = "SELECT position, data FROM log WHERE stream = ?1 AND revision = ?2";
    let (position, mut data): (i64, Vec<u8>) =
        log.query_row(record, (STREAM, revision), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    change(&mut data);
    let update = "UPDATE events SET data = ?1 WHERE position = ?2";
    assert_eq!(log.execute(update, (data, position)).unwrap(), 1);
    position
}

fn flip_a_byte(data: &mut [u8]) {
    let middle = data.len() / 2;
    data[middle] ^= 0x20;
}

/// What postcard can make nothing of.
fn replace(data: &mut Vec<u8>) {
    *data = vec![0xff; 20];
}

/// The altered inbox is refused by its name and shown as halted; the other one counts on.
async fn stops_alone(relink: &Relink, position: i64) {
    let api = relink.api();
    for call in ["authorization_errors", "authorization_successes", "reauthorized"] {
        let problem = api.post(&format!("{INBOX}/{call}"), json!({})).await.problem(503);
        assert_eq!(problem["code"], "halted", "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(STREAM), "{STREAM} is not named: {detail}");
        let place = format!("position {position} on");
        assert!(detail.contains(&place), "its place is not told: {detail}");
    }
    for path in ["", "/why", "/policy"] {
        let refused = api.get(&format!("{INBOX}{path}")).await;
        assert_eq!(refused.status, 503, "{path}: {}", refused.body);
        assert!(refused.body.contains(STREAM), "{path}: {}", refused.body);
    }
    let counted = fail_other(&api).await;
    assert_eq!(counted["authorization_error_count"], 2, "{counted}");

    let seen = format!("/health?consistent_to={}", counted["position"]);
    let health = api.get(&seen).await.json(200);
    let halted = health["halted"].as_array().unwrap();
    assert!(!halted.is_empty() && halted.iter().all(|it| it["stream"] == STREAM), "{health}");
    assert!(halted.iter().all(|it| it["reason"].is_string()), "{health}");
    let advised = |it: &Value| it["next_action"].as_str().is_some_and(|it| it.contains("verify"));
    assert!(halted.iter().all(advised), "{health}");
    let inboxes = health["inboxes"].as_array().unwrap();
    let unmarked = |it: &Value| it["id"] == 42 && !(it["halted"] == true && advised(it));
    assert!(!inboxes.iter().any(unmarked), "it is not marked: {health}");
    assert!(inboxes.iter().any(|it| it["id"] == 43 && it["state"] == "degraded"), "{health}");
    let stranger = api.of_account(2).get("/health").await.json(200);
    assert_eq!(stranger["halted"], json!([]), "it is no other account's affair");

    let ready = ready(&api.by_nobody()).await;
    assert_eq!(ready["halted"], json!([STREAM]), "{ready}");
}

/// Whoever reads the stream from its beginning comes upon the place and names it.
async fn is_found(place: &Place, position: i64) {
    let named = format!("position {position}");
    for command in [&["verify"][..], &["at", "inbox/42", "99999"]] {
        let done = place.run(command).await;
        done.refused(1);
        assert!(done.said().contains(&named), "not {named}: {done:?}");
        assert!(done.said().contains(STREAM) || command.len() == 1, "not {STREAM}: {done:?}");
    }
    place.run_well(&["at", "inbox/43", "99999"]).await;
}

#[tokio::test]
async fn a_stream_with_a_changed_record_stops_alone() {
    let place = written().await;
    let position = alter(&place, 1, |data| flip_a_byte(data));
    let relink = place.serve().await;
    stops_alone(&relink, position).await;
    is_found(&place, position).await;
}

#[tokio::test]
async fn a_record_without_a_meaning_stops_neither_the_views_nor_the_fan_out() {
    let place = written().await;
    let position = alter(&place, 1, replace);
    // Without snapshots the views must pass by the record too.
    fs::remove_dir_all(place.data().join("snapshots")).unwrap();
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    stops_alone(&relink, position).await;
    let api = relink.api();
    let ready = ready(&api.by_nobody()).await;
    assert_eq!(ready["quarantined"], json!([STREAM]), "{ready}");

    subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    message(&api, "all the same").await;
    receiver.expect(1).await;
    is_found(&place, position).await;

    assert!(relink.terminate().await.success());
    let done = place.run(&["rebuild"]).await;
    let told = format!("{STREAM}: it cannot be told from position {position} on: ");
    assert!(done.code == Some(0) && done.stderr.contains(&told), "not {told}: {done:?}");
}

#[tokio::test]
async fn an_inbox_whose_registration_is_damaged_is_still_shown_to_its_account() {
    let place = written().await;
    let position = alter(&place, 0, replace);
    fs::remove_dir_all(place.data().join("snapshots")).unwrap();
    let relink = place.serve().await;
    stops_alone(&relink, position).await;
    is_found(&place, position).await;
}
