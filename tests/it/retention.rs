//! What was kept for long enough is removed, also across crashes; counts and outcomes stay.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::api::Api;
use crate::receiver::{Arrival, Receiver};
use crate::relink::{Place, Relink};
use crate::steps::{message, register_account, subscribe};

const HOOK: &str = "/hook";

/// A service that keeps things for a second, with a webhook.
async fn brief() -> (Place, Relink, Receiver, Value) {
    let place = Place::new().set("RELINK_RETENTION", "1s");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    let webhook = subscribe(&api, &receiver.url(HOOK), &["message_created"]).await;
    (place, relink, receiver, webhook)
}

async fn deliveries(api: &Api, seen: u64) -> Vec<Value> {
    let path = format!("/webhooks/1/deliveries?consistent_to={seen}");
    api.get(&path).await.json(200)["deliveries"].as_array().unwrap().clone()
}

/// What the webhook's deliveries have come to, as its health tells it.
async fn told(api: &Api, seen: u64) -> Value {
    let health = api.get(&format!("/health?consistent_to={seen}")).await.json(200);
    let webhook = &health["webhooks"][0];
    ["state", "since", "pending", "delivered", "abandoned", "last_delivered_at"]
        .iter()
        .map(|key| ((*key).to_owned(), webhook[*key].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Waits until a ledger was truncated; up to where the log reached when that was told.
async fn removed(place: &Place, relink: &Relink) -> u64 {
    let position = place.written("delivery.trimmed", 1).await;
    relink.says(|said| said.contains("records of ledger-1 were kept long enough")).await;
    position
}

#[tokio::test]
async fn bodies_and_attempts_are_removed_and_outcomes_stay() {
    let (place, relink, receiver, _) = brief().await;
    let api = relink.api();
    message(&api, "one").await;
    receiver.expect(1).await;
    let position = removed(&place, &relink).await;

    let listed = deliveries(&api, position).await;
    assert_eq!(listed.len(), 1);
    let delivery = &listed[0];
    assert_eq!((&delivery["status"], &delivery["attempts"]), (&json!("delivered"), &json!(1)));
    assert!(delivery["removed_at"].is_string(), "{delivery}");
    let id = delivery["id"].as_str().unwrap();
    let one = api.get(&format!("/deliveries/{id}")).await.json(200);
    assert_eq!((&one["status"], &one["body"]), (&json!("delivered"), &Value::Null));
    assert!(one["removed"].as_str().unwrap().contains("retention"), "{one}");
    let one = ["retry", "skip", "park"].map(|verb| format!("/deliveries/{id}/{verb}"));
    for path in one.into_iter().chain(["/webhooks/1/recover".to_owned()]) {
        let refused = api.post(&path, json!({ "since": "2020-01-01T00:00:00Z" })).await;
        let problem = refused.problem(410);
        assert_eq!(problem["code"], "removed");
        assert!(problem["detail"].as_str().unwrap().contains("retention"), "{problem}");
    }
    let explained = api.get(&format!("/deliveries/{id}/explain")).await.problem(410);
    assert_eq!(explained["code"], "removed");
    assert!(place.log_of("delivery.queued").await.is_empty());
    relink.terminate().await;

    place.run_well(&["verify"]).await;
    let moment = place.run(&["at", "webhook/1", "3"]).await;
    assert!(moment.refused(1).said().contains("retention"), "{moment:?}");
}

#[tokio::test]
async fn views_that_are_rebuilt_from_what_is_left_show_the_same() {
    let (place, relink, receiver, _) = brief().await;
    let api = relink.api();
    message(&api, "one").await;
    receiver.expect(1).await;
    let position = removed(&place, &relink).await;
    let (before, listed) = (told(&api, position).await, deliveries(&api, position).await);
    assert_eq!((&before["delivered"], &before["pending"]), (&json!(1), &json!(0)));
    relink.terminate().await;
    place.run_well(&["rebuild"]).await;
    let relink = place.serve().await;
    let api = relink.api();
    assert_eq!(told(&api, position).await, before);
    assert_eq!(deliveries(&api, position).await, listed);
    relink.terminate().await;
}

#[tokio::test]
async fn what_is_held_for_longer_than_its_cause_is_kept_says_so() {
    let (_place, relink, _receiver, _) = brief().await;
    let api = relink.api();
    api.post("/webhooks/1/pause", json!({})).await.json(200);
    // The last record of a stream stays.
    message(&api, "one").await;
    message(&api, "two").await;
    relink.says(|said| said.contains("records of platform-1 were kept long enough")).await;
    let held = api.get("/webhooks/1/deliveries").await.json(200)["deliveries"].clone();
    let explained = async |place: usize| {
        let id = held[place]["id"].as_str().unwrap();
        api.get(&format!("/deliveries/{id}/explain")).await.json(200)
    };
    let (two, one) = (explained(0).await, explained(1).await);
    assert_eq!(two["cause"]["data"]["event"], "message_created");
    assert!(two.get("cause_removed").is_none(), "{two}");
    assert_eq!(one["cause"], Value::Null);
    assert!(one["cause_removed"].as_str().unwrap().contains("retention"), "{one}");
    assert!(one["body"].as_str().unwrap().contains("one"), "what is owed is kept");
}

#[tokio::test]
async fn kills_in_between_lose_nothing() {
    let (place, mut relink, receiver, _) = brief().await;
    let mut sent = 0;
    for round in 1..=4 {
        let api = relink.api();
        let before = place.log().await.pop().unwrap()["position"].as_u64().unwrap();
        for number in 0..5 {
            message(&api, &format!("{round} {number}")).await;
            sent += 1;
        }
        receiver.until(|all| arrived(all).len() == sent).await;
        // Somewhere around a summary, a trim or a truncation, each time elsewhere.
        let kind = if round % 2 == 0 { "delivery.trimmed" } else { "delivery.summed_up" };
        place.written_behind(before, kind, 1).await;
        relink.kill().await;
        place.run_well(&["verify"]).await;
        relink = place.serve().await;
    }
    message(&relink.api(), "the last").await;
    receiver.until(|all| arrived(all).len() == sent + 1).await;
    relink.terminate().await;
    let relink = place.serve().await;
    let last = place.log().await.pop().unwrap()["position"].as_u64().unwrap();
    let told = told(&relink.api(), last).await;
    assert_eq!((&told["delivered"], &told["pending"]), (&json!(sent + 1), &json!(0)));
    let listed: BTreeSet<_> = deliveries(&relink.api(), last)
        .await
        .iter()
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(listed.len(), sent + 1);
    relink.terminate().await;
}

fn arrived(all: &[Arrival]) -> BTreeSet<String> {
    all.iter().map(Arrival::delivery).collect()
}
