//! Who is owed what the platform reports.

use events::delivery::AbandonReason;
use events::webhook::{Deleted, PolicyChanged, SubscriptionsChanged};
use events::{Actor, DeliveryId};

use super::*;

#[tokio::test(start_paused = true)]
async fn subscribers_are_owed_what_they_want_in_the_order_of_the_log() {
    let store = Arc::new(TestStore::default());
    subscribe(&store, HOOK, &["message_*"]).await;
    subscribe(&store, OTHER, &["contact_created"]).await;
    let service = Service::over(&store);
    for id in 0..600 {
        report(&store, "message_created", json!({ "id": id })).await;
    }
    report(&store, "contact_created", json!({ "id": 1 })).await;
    service.catch_up().await;
    assert_eq!(owed(&store, HOOK).await, (0..600).map(message).collect::<Vec<_>>());
    assert_eq!(owed(&store, OTHER).await, [("contact_created".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_debt_carries_its_source_its_thread_and_its_body() {
    let store = Arc::new(TestStore::default());
    subscribe(&store, HOOK, &["*"]).await;
    report(&store, "message_created", json!({ "id": 1, "content": "hi" })).await;
    Service::run(&store).await;
    let source = store.history(&StreamName::new(Category::Platform, ACCOUNT)).await.remove(0);
    let debt = store.history(&StreamName::new(Category::Ledger, HOOK)).await.remove(0);
    let metadata = debt.metadata().unwrap();
    assert_eq!(metadata.correlation, source.metadata().unwrap().correlation);
    assert_eq!(metadata.causation, source.id.0);
    assert_eq!(metadata.actor, Actor::FANOUT);
    let queued = queued(&store, HOOK).await.remove(0);
    assert_eq!(queued.delivery, DeliveryId::of(source.id, HOOK));
    assert_eq!((queued.source, queued.account, queued.due), (source.id, ACCOUNT, source.at));
    assert_eq!(queued.body, r#"{"id":1,"content":"hi","event":"message_created"}"#);
}

#[tokio::test(start_paused = true)]
async fn who_is_subscribed_is_answered_as_of_the_events_own_position() {
    let store = Arc::new(TestStore::default());
    report(&store, "message_created", json!({ "id": 1 })).await;
    subscribe(&store, HOOK, &["message_created"]).await;
    report(&store, "message_created", json!({ "id": 2 })).await;
    let contacts = SubscriptionsChanged { subscriptions: vec!["contact_created".into()] };
    tell_webhook(&store, HOOK, contacts).await;
    report(&store, "message_created", json!({ "id": 3 })).await;
    let all = SubscriptionsChanged { subscriptions: vec!["*".into()] };
    tell_webhook(&store, HOOK, all).await;
    report(&store, "message_created", json!({ "id": 4 })).await;
    Service::run(&store).await;
    assert_eq!(owed(&store, HOOK).await, [message(2), message(4)]);
}

#[tokio::test(start_paused = true)]
async fn a_filter_by_inbox_is_kept() {
    let store = Arc::new(TestStore::default());
    subscribe(&store, HOOK, &["*"]).await;
    let policy = Policy { inboxes: Some(vec![InboxId(5)]), ..Policy::default() };
    tell_webhook(&store, HOOK, PolicyChanged { policy }).await;
    report(&store, "message_created", json!({ "id": 1, "inbox": { "id": 5 } })).await;
    report(&store, "message_created", json!({ "id": 2, "inbox": { "id": 6 } })).await;
    report(&store, "message_created", json!({ "id": 3 })).await;
    Service::run(&store).await;
    assert_eq!(owed(&store, HOOK).await, [message(1), message(3)]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_webhook_is_owed_nothing_new_and_the_old_is_abandoned() {
    let store = Arc::new(TestStore::default());
    subscribe(&store, HOOK, &["*"]).await;
    subscribe(&store, OTHER, &["*"]).await;
    report(&store, "message_created", json!({ "id": 1 })).await;
    tell_webhook(&store, HOOK, Deleted {}).await;
    report(&store, "message_created", json!({ "id": 2 })).await;
    Service::run(&store).await;
    let told = ledger(&store, HOOK).await;
    assert_eq!(told.len(), 2);
    assert!(
        matches!(&told[1], DeliveryEvent::Abandoned(it)
            if it.reason == AbandonReason::WebhookDeleted),
        "{told:?}"
    );
    assert_eq!(owed(&store, OTHER).await, [message(1), message(2)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_object_is_owed_to_nobody_and_holds_up_nothing() {
    let store = Arc::new(TestStore::default());
    subscribe(&store, HOOK, &["*"]).await;
    report(&store, "message_created", json!([1])).await;
    report(&store, "message_created", json!({ "id": 2 })).await;
    Service::run(&store).await;
    assert_eq!(owed(&store, HOOK).await, [message(2)]);
}

/// What a contact's many attributes were and are, written as shortly as can be.
fn attributes(count: usize) -> Value {
    (0..count).map(|nth| (nth.to_string(), json!([0, 1]))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_larger_than_the_log_takes_is_told_in_short_and_in_its_place() {
    let store = Arc::new(TestStore::default());
    subscribe(&store, HOOK, &["*"]).await;
    report(&store, "message_created", json!({ "id": 1 })).await;
    // As it is told, each change takes more room than as it is reported.
    let data = json!({ "id": 2, "changed_attributes": attributes(100_000) });
    report(&store, "contact_updated", data).await;
    report(&store, "message_created", json!({ "id": 3 })).await;
    Service::run(&store).await;
    let contact = ("contact_updated".to_owned(), 2);
    assert_eq!(owed(&store, HOOK).await, [message(1), contact, message(3)]);
    let body: Value = serde_json::from_str(&queued(&store, HOOK).await[1].body).unwrap();
    assert!(body["too_large"]["bytes"].as_u64() > Some(4 << 20), "{body}");
    assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
}

#[tokio::test(start_paused = true)]
async fn what_the_log_refuses_for_its_size_is_told_in_short_before_what_stands_behind_it() {
    let store = Arc::new(TestStore::default());
    subscribe(&store, HOOK, &["*"]).await;
    report(&store, "message_created", json!({ "id": 1 })).await;
    report(&store, "message_created", json!({ "id": 2, "content": "x".repeat(99_000) })).await;
    report(&store, "message_created", json!({ "id": 3 })).await;
    store.take_only(50_000);
    Service::run(&store).await;
    assert_eq!(owed(&store, HOOK).await, [1, 2, 3].map(message));
}
