//! What webhooks are told of each other's trouble.

use events::DeliveryId;
use events::delivery::{AbandonReason, Abandoned};
use events::webhook::Deleted;

use super::*;

const SICK: WebhookId = WebhookId(7);
const WATCHER: WebhookId = WebhookId(8);
const OTHER: WebhookId = WebhookId(9);

async fn abandon(store: &TestStore, delivery: DeliveryId, reason: AbandonReason) {
    let stream = StreamName::new(Category::Ledger, delivery.endpoint());
    write(store, stream, DeliveryEvent::from(Abandoned { delivery, reason })).await;
}

async fn told(store: &TestStore, webhook: WebhookId) -> Vec<Queued> {
    let queued = queued(store, webhook).await.into_iter();
    queued.filter(|it| it.event == "delivery.abandoned").collect()
}

/// One webhook that is sent messages, and two that watch; the message that it is owed.
async fn start() -> (Arc<TestStore>, DeliveryId) {
    let store = Arc::new(TestStore::default());
    subscribe(&store, SICK, &["message_created", "delivery.abandoned"]).await;
    subscribe(&store, WATCHER, &["delivery.*"]).await;
    subscribe(&store, OTHER, &["*"]).await;
    report(&store, "message_created", json!({ "id": 1 })).await;
    Service::run(&store).await;
    let owed = queued(&store, SICK).await.remove(0).delivery;
    (store, owed)
}

#[tokio::test(start_paused = true)]
async fn others_are_told_of_an_abandoned_delivery_and_the_sick_one_is_not() {
    let (store, owed) = start().await;
    abandon(&store, owed, AbandonReason::Exhausted).await;
    Service::run(&store).await;
    let watched = told(&store, WATCHER).await;
    assert_eq!(watched.len(), 1);
    let body: Value = serde_json::from_str(&watched[0].body).unwrap();
    assert_eq!(body["delivery"], owed.0.to_string());
    assert_eq!((&body["reason"], &body["webhook"]), (&json!("exhausted"), &json!({ "id": SICK })));
    assert_eq!(body["event"], "delivery.abandoned");
    assert!(told(&store, SICK).await.is_empty());
    assert!(told(&store, OTHER).await.is_empty(), "everything is everything of the platform");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_told_is_not_told_of_in_turn() {
    let (store, owed) = start().await;
    abandon(&store, owed, AbandonReason::Exhausted).await;
    Service::run(&store).await;
    let telling = told(&store, WATCHER).await.remove(0).delivery;
    abandon(&store, telling, AbandonReason::Exhausted).await;
    Service::run(&store).await;
    assert!(told(&store, SICK).await.is_empty());
    assert_eq!(told(&store, WATCHER).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_asked_for_is_no_trouble() {
    let (store, owed) = start().await;
    abandon(&store, owed, AbandonReason::WebhookDeleted).await;
    tell_webhook(&store, SICK, Deleted {}).await;
    Service::run(&store).await;
    assert!(told(&store, WATCHER).await.is_empty());
}
