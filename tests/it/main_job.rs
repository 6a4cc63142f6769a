//! The main job: a failing inbox becomes one signed webhook, and so does its way back.

use std::collections::BTreeSet;

use serde_json::json;

use crate::receiver::Receiver;
use crate::relink::Place;
use crate::steps::{self, INBOX, changed, fail, reauthorize, register, secret, subscribe};

fn with_inbox_events() -> Place {
    Place::new().set("ENABLE_INBOX_EVENTS", "true")
}

#[tokio::test]
async fn the_second_error_that_meta_reports_makes_the_inbox_need_action() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;

    let first = fail(&api).await.json(200);
    assert_eq!(first["authorization_error_count"], 1);
    assert_eq!(first["threshold"], 2);
    assert_eq!(first["reauthorization_required"], false);
    assert_eq!(first["class"], "auth");

    let second = fail(&api).await;
    let position = second.position();
    let second = second.json(200);
    assert_eq!(second["authorization_error_count"], 2);
    assert_eq!(second["reauthorization_required"], true);

    let inbox = api.get(&format!("{INBOX}?consistent_to={position}")).await.json(200);
    assert_eq!(inbox["id"], 42);
    assert_eq!(inbox["name"], "Support on WhatsApp");
    assert_eq!(inbox["channel_type"], "Channel::Whatsapp");
    assert_eq!(inbox["reauthorization_required"], true);
    assert_eq!(inbox["authorization_error_count"], 2);

    let health = api.get(&format!("/health?consistent_to={position}")).await.json(200);
    assert!(health["position"].as_u64().unwrap() >= position, "{health}");
    assert_eq!(health["inboxes"][0]["id"], 42, "{health}");
    assert_eq!(health["inboxes"][0]["state"], "action_needed", "{health}");
    assert!(health["inboxes"][0]["since"].is_string(), "{health}");
}

#[tokio::test]
async fn each_transition_is_one_webhook_signed_in_both_ways() {
    let place = with_inbox_events();
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register(&api).await;
    let webhook = subscribe(&api, &receiver.url("/hook"), &["inbox_updated"]).await;

    fail(&api).await.json(200);
    fail(&api).await.json(200);
    let arrivals = receiver.expect(1).await;
    let body = arrivals[0].json();
    assert_eq!(body["event"], "inbox_updated");
    assert_eq!(body["changed_attributes"], changed(false, true));
    assert_eq!(body["id"], 42);
    assert_eq!(body["name"], "Support on WhatsApp");
    assert_eq!(body["channel_type"], "Channel::Whatsapp");
    assert_eq!(body["account"], json!({ "id": 1, "name": "Acme" }));

    fail(&api).await.json(200);
    let back = reauthorize(&api).await.json(200);
    assert_eq!(back["reauthorization_required"], false);
    assert_eq!(back["authorization_error_count"], 0);
    let arrivals = receiver.expect(2).await;
    assert_eq!(arrivals[1].json()["changed_attributes"], changed(true, false));

    for arrival in &arrivals {
        assert_eq!(arrival.header("content-type"), "application/json");
        assert_eq!(arrival.header("accept"), "application/json");
        arrival.check_signatures(secret(&webhook));
    }
    assert_ne!(arrivals[0].delivery(), arrivals[1].delivery());
    assert_eq!(place.log_of("delivery.queued").await.len(), 2, "the third error owes nothing");
}

#[tokio::test]
async fn a_prompt_is_a_transition_and_a_second_prompt_is_none() {
    let place = with_inbox_events();
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register(&api).await;
    subscribe(&api, &receiver.url("/hook"), &["inbox_updated"]).await;

    let prompt = format!("{INBOX}/prompt_reauthorization");
    for _ in 0..2 {
        let answer = api.post(&prompt, json!({})).await.json(200);
        assert_eq!(answer["reauthorization_required"], true);
    }
    reauthorize(&api).await.json(200);
    let arrivals = receiver.expect(2).await;
    let changes: Vec<_> =
        arrivals.iter().map(|arrival| arrival.json()["changed_attributes"].clone()).collect();
    assert!(changes.contains(&changed(false, true)) && changes.contains(&changed(true, false)));
    assert_eq!(place.log_of("inbox.reauthorization_required").await.len(), 1);
    assert_eq!(place.log_of("delivery.queued").await.len(), 2);
}

#[tokio::test]
async fn two_prompts_at_once_are_one_transition() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;

    let prompt = format!("{INBOX}/prompt_reauthorization");
    let prompts = (0..16).map(|_| {
        let (api, prompt) = (api.clone(), prompt.clone());
        tokio::spawn(async move { api.post(&prompt, json!({})).await.json(200) })
    });
    for answer in prompts.collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap()["reauthorization_required"], true);
    }
    assert_eq!(place.log_of("inbox.reauthorization_required").await.len(), 1);
}

#[tokio::test]
async fn a_success_starts_the_count_again_and_never_takes_a_mark_away() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let succeed = format!("{INBOX}/authorization_successes");

    fail(&api).await.json(200);
    let answer = api.post(&succeed, json!({})).await.json(200);
    assert_eq!(answer["authorization_error_count"], 0);
    fail(&api).await.json(200);
    let answer = fail(&api).await.json(200);
    assert_eq!(answer["reauthorization_required"], true);
    let answer = api.post(&succeed, json!({})).await.json(200);
    assert_eq!(answer["reauthorization_required"], true);
}

#[tokio::test]
async fn thresholds_are_those_of_the_channel() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    steps::register_account(&api).await;
    let channels = [
        (1, "Channel::Instagram", 1),
        (2, "Channel::Tiktok", 1),
        (3, "Channel::FacebookPage", 2),
        (4, "Channel::Email", 10),
    ];
    for (id, channel_type, threshold) in channels {
        let inbox = json!({ "name": "An inbox", "channel_type": channel_type });
        assert_eq!(api.put(&format!("/inboxes/{id}"), inbox).await.status, 201);
        for count in 1..=threshold {
            // A report without any detail counts as one of class auth.
            let path = format!("/inboxes/{id}/authorization_errors");
            let answer = api.post(&path, json!({})).await.json(200);
            assert_eq!(answer["authorization_error_count"], count, "{channel_type}");
            assert_eq!(answer["threshold"], threshold, "{channel_type}");
            let required = count == threshold;
            assert_eq!(answer["reauthorization_required"], required, "{channel_type} at {count}");
        }
    }
}

#[tokio::test]
async fn evidence_of_another_class_counts_for_nothing() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let path = format!("{INBOX}/authorization_errors");
    for evidence in [
        json!({ "provider": "meta", "status": 503, "message": "try again later" }),
        json!({ "provider": "meta", "status": 429 }),
    ] {
        let answer = api.post(&path, evidence.clone()).await.json(200);
        assert_eq!(answer["authorization_error_count"], 0, "{evidence}: {answer}");
        assert!(answer["class"] != "auth" && answer["class"] != "permission", "{answer}");
    }
}

/// Runs the whole story and a platform event behind it; only that event may arrive.
async fn nothing_is_sent_of_inboxes(place: Place) {
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register(&api).await;
    let wanted = ["inbox_updated", "message_created"];
    let webhook = subscribe(&api, &receiver.url("/hook"), &wanted).await;
    assert_eq!(webhook["subscriptions"], json!(wanted));

    fail(&api).await.json(200);
    let answer = fail(&api).await.json(200);
    assert_eq!(answer["reauthorization_required"], true, "the state changes all the same");
    reauthorize(&api).await.json(200);
    steps::message(&api, "the only one").await;

    let arrivals = receiver.expect(1).await;
    assert_eq!(arrivals[0].json()["event"], "message_created");
    // The fan-out keeps the log's order, so whatever was owed before is in the ledger by now.
    assert_eq!(place.log_of("delivery.queued").await.len(), 1);
}

#[tokio::test]
async fn without_the_flag_nothing_is_sent_and_the_subscription_is_taken() {
    nothing_is_sent_of_inboxes(Place::new()).await;
}

#[tokio::test]
async fn a_flag_of_false_means_false() {
    nothing_is_sent_of_inboxes(Place::new().set("ENABLE_INBOX_EVENTS", "false")).await;
}

#[tokio::test]
async fn turning_the_flag_on_sends_nothing_of_the_past() {
    let place = Place::new();
    let receiver = Receiver::start().await;
    let relink = place.serve().await;
    register(&relink.api()).await;
    subscribe(&relink.api(), &receiver.url("/hook"), &["inbox_updated"]).await;
    fail(&relink.api()).await.json(200);
    fail(&relink.api()).await.json(200);
    assert!(relink.terminate().await.success());

    let place = place.set("ENABLE_INBOX_EVENTS", "true");
    let relink = place.serve().await;
    reauthorize(&relink.api()).await.json(200);
    let arrivals = receiver.expect(1).await;
    assert_eq!(arrivals[0].json()["changed_attributes"], changed(true, false));
    assert_eq!(place.log_of("delivery.queued").await.len(), 1);
}

#[tokio::test]
async fn the_flag_of_each_start_holds_for_what_happens_behind_it() {
    let place = with_inbox_events();
    let receiver = Receiver::start().await;
    let relink = place.serve().await;
    register(&relink.api()).await;
    subscribe(&relink.api(), &receiver.url("/hook"), &["inbox_updated"]).await;
    fail(&relink.api()).await.json(200);
    fail(&relink.api()).await.json(200);
    // It may not be fanned out yet; the flag was on when it happened, and that is what counts.
    relink.kill().await;

    let place = place.set("ENABLE_INBOX_EVENTS", "false");
    let relink = place.serve().await;
    receiver.expect(1).await;
    reauthorize(&relink.api()).await.json(200);
    relink.kill().await;

    let place = place.set("ENABLE_INBOX_EVENTS", "true");
    let relink = place.serve().await;
    let prompt = format!("{INBOX}/prompt_reauthorization");
    relink.api().post(&prompt, json!({})).await.json(200);
    place.written("delivery.delivered", 2).await;
    let mut deliveries = BTreeSet::new();
    for arrival in receiver.arrivals() {
        assert_eq!(arrival.json()["changed_attributes"], changed(false, true));
        // A crash may have repeated an attempt.
        deliveries.insert(arrival.delivery());
    }
    assert_eq!(deliveries.len(), 2);
    assert_eq!(place.log_of("delivery.queued").await.len(), 2);
    assert_eq!(place.log_of("installation.inbox_events_enabled").await.len(), 2);
    assert_eq!(place.log_of("installation.inbox_events_disabled").await.len(), 1);
}
