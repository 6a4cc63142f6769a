mod api_inboxes;
mod mail;
mod operational;
mod platform;
mod transitions;
mod trouble;

use std::sync::Arc;

use events::delivery::{Event as DeliveryEvent, Queued};
use events::platform::EventReceived;
use events::snapshot::memory::Shelf;
use events::webhook::{Created, Policy};
use events::{
    AccountId, Category, EndpointId, Event, EventStore, InboxId, KeyId, Sealed, StreamName,
    WebhookId,
};
use serde_json::{Value, json};

use super::*;
use crate::aggregate::Aggregate;
use crate::registry::World;
use crate::testing::{Forgery, TestStore, pass, world};

const ACCOUNT: AccountId = AccountId(1);
const HOOK: WebhookId = WebhookId(7);
const OTHER: WebhookId = WebhookId(8);

/// A log, and a process that fans it out.
struct Service {
    store: Arc<TestStore>,
    ledgers: Registry<Ledger>,
    fanout: Fanout,
}

impl Service {
    fn over(store: &Arc<TestStore>) -> Self {
        Self::within(store, world(store))
    }

    fn within(store: &Arc<TestStore>, world: World) -> Self {
        Self::keeping(store, world, &Arc::default())
    }

    fn keeping(store: &Arc<TestStore>, world: World, shelf: &Arc<Shelf>) -> Self {
        let ledgers = Registry::new(world.clone());
        let fanout = Fanout::start(store.clone(), shelf.clone(), ledgers.clone(), world.clock);
        Self { store: store.clone(), ledgers, fanout }
    }

    /// Returns once everything that is in the log now is fanned out.
    async fn catch_up(&self) {
        let head = self.store.head().await.unwrap();
        let mut progress = self.fanout.progress();
        let done = |progress: &Progress| progress.caught_up && progress.position >= head;
        progress.wait_for(done).await.unwrap();
    }

    /// Fans everything out that is in the log now, and stops.
    async fn run(store: &Arc<TestStore>) {
        let service = Self::over(store);
        service.catch_up().await;
        service.fanout.stop().await;
    }
}

async fn write(store: &TestStore, stream: StreamName, event: impl Into<Event>) -> Position {
    store.forge(&stream, &event.into(), Forgery::None).await;
    store.head().await.unwrap()
}

async fn subscribe(store: &TestStore, webhook: WebhookId, events: &[&str]) {
    let created = Created {
        account: ACCOUNT,
        url: format!("https://example.com/{webhook}"),
        name: None,
        inbox: None,
        subscriptions: events.iter().copied().map(Into::into).collect(),
        secret: Sealed { key: KeyId([0; 8]), nonce: [0; 24], text: vec![] },
        policy: Policy::default(),
    };
    tell_webhook(store, webhook, created).await;
}

async fn tell_webhook(
    store: &TestStore,
    webhook: WebhookId,
    event: impl Into<events::webhook::Event>,
) {
    write(store, StreamName::new(Category::Webhook, webhook), event.into()).await;
}

async fn report(store: &TestStore, event: &str, data: Value) -> Position {
    let received = EventReceived { account: ACCOUNT, event: event.into(), data: data.to_string() };
    let event = events::platform::Event::from(received);
    write(store, StreamName::new(Category::Platform, ACCOUNT), event).await
}

async fn ledger(store: &TestStore, endpoint: impl Into<EndpointId>) -> Vec<DeliveryEvent> {
    let events = store.events(&StreamName::new(Category::Ledger, endpoint.into())).await;
    events.into_iter().map(|event| Ledger::narrow(event).unwrap()).collect()
}

async fn queued(store: &TestStore, endpoint: impl Into<EndpointId>) -> Vec<Queued> {
    let queued = ledger(store, endpoint).await.into_iter().filter_map(|event| {
        if let DeliveryEvent::Queued(queued) = event { Some(queued) } else { None }
    });
    queued.collect()
}

/// What the webhook is owed: each event with its `id`.
async fn owed(store: &TestStore, endpoint: impl Into<EndpointId>) -> Vec<(String, u64)> {
    let queued = queued(store, endpoint).await.into_iter();
    let owed = queued.map(|it| {
        let body: Value = serde_json::from_str(&it.body).unwrap();
        (it.event, body["id"].as_u64().unwrap())
    });
    owed.collect()
}

fn message(id: u64) -> (String, u64) {
    ("message_created".to_owned(), id)
}

async fn checkpoint(store: &TestStore) -> Position {
    Checkpoint::load(store).await.unwrap().saved.position
}
