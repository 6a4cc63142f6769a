//! `relink keys rotate`: another sealing key, and every secret still opens.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::receiver::Receiver;
use crate::relink::Place;
use crate::steps::{message, register, secret, subscribe};

fn key(byte: u8) -> String {
    BASE64.encode([byte; 32])
}

/// A log with a webhook, stopped; and the webhook's secret.
async fn begun(place: &Place, receiver: &Receiver) -> String {
    let relink = place.serve().await;
    register(&relink.api()).await;
    let webhook = subscribe(&relink.api(), &receiver.url("/hook"), &["message_created"]).await;
    assert!(relink.terminate().await.success());
    secret(&webhook).to_owned()
}

#[tokio::test]
async fn a_key_from_the_environment_is_followed_by_another() {
    let receiver = Receiver::start().await;
    let place = Place::new().set("RELINK_SECRET_KEY", &key(1));
    let old = begun(&place, &receiver).await;

    let place = place.set("RELINK_NEW_SECRET_KEY", &key(2));
    let said = place.run_well(&["keys", "rotate"]).await;
    assert!(said.contains("set RELINK_SECRET_KEY to it"), "{said}");
    let place = place.unset("RELINK_NEW_SECRET_KEY");
    let refused = place.run(&["serve"]).await;
    refused.refused(2);
    assert!(refused.stderr.contains("RELINK_SECRET_KEY"), "{refused:?}");

    let place = place.set("RELINK_SECRET_KEY", &key(2));
    let relink = place.serve().await;
    let new = subscribe(&relink.api(), &receiver.url("/new"), &["message_created"]).await;
    message(&relink.api(), "hello").await;
    receiver.expect_at("/hook", 1).await[0].check_signatures(&old);
    receiver.expect_at("/new", 1).await[0].check_signatures(secret(&new));
    let created = place.log_of("webhook.created").await;
    assert_ne!(created[0]["data"]["secret"], created[1]["data"]["secret"]);
    assert!(relink.terminate().await.success());

    let place = place.set("RELINK_NEW_SECRET_KEY", &key(3));
    place.run_well(&["keys", "rotate"]).await;
    let again = place.run_well(&["keys", "rotate"]).await;
    assert!(again.contains("from here on"), "a repetition is no mistake: {again}");
    assert_eq!(place.log_of("installation.sealing_key_rotated").await.len(), 2);
    let place = place.unset("RELINK_NEW_SECRET_KEY").set("RELINK_SECRET_KEY", &key(3));
    let relink = place.serve().await;
    message(&relink.api(), "and again").await;
    receiver.expect_at("/hook", 2).await[1].check_signatures(&old);
    receiver.expect_at("/new", 2).await[1].check_signatures(secret(&new));
}

#[tokio::test]
async fn a_key_in_the_data_folder_is_replaced_in_its_place() {
    let receiver = Receiver::start().await;
    let place = Place::new();
    let secret = begun(&place, &receiver).await;
    let file = place.data().join("secret.key");
    let before = fs::read_to_string(&file).unwrap();

    place.run_well(&["keys", "rotate"]).await;
    assert_ne!(fs::read_to_string(&file).unwrap(), before);
    let relink = place.serve().await;
    message(&relink.api(), "hello").await;
    receiver.expect(1).await[0].check_signatures(&secret);
}

#[tokio::test]
async fn a_rotation_that_was_broken_off_is_taken_up_again() {
    let receiver = Receiver::start().await;
    let place = Place::new();
    let secret = begun(&place, &receiver).await;
    let beside = place.data().join("secret.key.new");

    // The log was told, and the file was not replaced.
    fs::write(&beside, format!("{}\n", key(2))).unwrap();
    let place = place.set("RELINK_NEW_SECRET_KEY", &format!("file:{}", beside.display()));
    place.run_well(&["keys", "rotate"]).await;
    let place = place.unset("RELINK_NEW_SECRET_KEY");
    let refused = place.run(&["serve"]).await;
    refused.refused(2);
    assert!(refused.stderr.contains("relink keys rotate"), "{refused:?}");

    place.run_well(&["keys", "rotate"]).await;
    assert!(!beside.exists());
    assert_eq!(place.log_of("installation.sealing_key_rotated").await.len(), 1);
    let relink = place.serve().await;
    message(&relink.api(), "hello").await;
    receiver.expect(1).await[0].check_signatures(&secret);
}

#[tokio::test]
async fn a_rotation_beside_a_running_service_holds_from_its_next_start() {
    let receiver = Receiver::start().await;
    let place = Place::new().set("RELINK_SECRET_KEY", &key(1));
    let relink = place.serve().await;
    register(&relink.api()).await;
    let place = place.set("RELINK_NEW_SECRET_KEY", &key(2));
    place.run_well(&["keys", "rotate"]).await;
    let between = subscribe(&relink.api(), &receiver.url("/hook"), &["message_created"]).await;
    assert!(relink.terminate().await.success());

    let place = place.unset("RELINK_NEW_SECRET_KEY").set("RELINK_SECRET_KEY", &key(2));
    let relink = place.serve().await;
    message(&relink.api(), "hello").await;
    receiver.expect(1).await[0].check_signatures(secret(&between));
}

#[tokio::test]
async fn what_cannot_be_rotated_is_refused_in_words() {
    let place = Place::new().set("RELINK_SECRET_KEY", &key(1));
    place.run(&["keys", "rotate"]).await.refused(3);
    let receiver = Receiver::start().await;
    begun(&place, &receiver).await;

    let nothing = place.run(&["keys", "rotate"]).await;
    assert!(nothing.refused(2).stderr.contains("RELINK_NEW_SECRET_KEY is not set"), "{nothing:?}");
    let place = place.set("RELINK_NEW_SECRET_KEY", &key(1));
    let same = place.run(&["keys", "rotate"]).await;
    assert!(same.refused(2).stderr.contains("already"), "{same:?}");
    let place = place.set("RELINK_NEW_SECRET_KEY", "short");
    place.run(&["keys", "rotate"]).await.refused(2);
    let place = place.set("RELINK_NEW_SECRET_KEY", &key(2)).set("RELINK_SECRET_KEY", &key(9));
    let other = place.run(&["keys", "rotate"]).await;
    assert!(other.refused(2).stderr.contains("sealed under key"), "{other:?}");
    assert!(place.log_of("installation.sealing_key_rotated").await.is_empty());
}
