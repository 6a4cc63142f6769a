use std::time::Duration;

use events::EventStore;
use events::inbox::{AttributesChanged, Event, Registered};
use events::webhook::{Created, Policy};
use events::{Category, KeyId, Sealed, StreamName};

use super::*;
use crate::nodes::Listener;
use crate::registry::World;
use crate::testing::probe::anew;
use crate::testing::{Forgery, TestStore, pass, world};
use crate::webhook::{Change, Settings};

const ACCOUNT: AccountId = AccountId(1);
const INBOX: InboxId = InboxId(42);
const OF_INBOX: EndpointId = EndpointId::Inbox(INBOX);
const WEBHOOK: EndpointId = EndpointId::Webhook(WebhookId(7));

/// One of several nodes.
fn node(store: &Arc<TestStore>) -> ActorTargets {
    store.share();
    let world: World = world(store);
    ActorTargets::new(Registry::new(world.clone()), Registry::new(world.clone()), world.clock)
}

/// What another node writes.
async fn tell_inbox(store: &TestStore, event: impl Into<Event>) {
    let stream = StreamName::new(Category::Inbox, INBOX);
    store.forge(&stream, &event.into().into(), Forgery::None).await;
}

fn registered() -> Registered {
    Registered {
        account: ACCOUNT,
        name: "Support".into(),
        channel_type: "Channel::Api".into(),
        attributes: "{}".into(),
        credentials: None,
        threshold: None,
    }
}

fn url(url: &str) -> AttributesChanged {
    AttributesChanged { attributes: format!(r#"{{"webhook_url":"{url}"}}"#) }
}

pub(super) async fn place(targets: &ActorTargets, endpoint: EndpointId) -> Option<String> {
    match targets.target(endpoint, ACCOUNT).await {
        Target::To(to) => Some(to.url.clone()),
        Target::Nowhere => None,
        Target::Halted => panic!("nothing is damaged"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_inbox_that_another_node_gave_a_url_is_not_given_up() {
    let store = Arc::new(TestStore::default());
    let targets = node(&store);
    assert_eq!(place(&targets, OF_INBOX).await, None, "there is none yet");
    tell_inbox(&store, registered()).await;
    assert_eq!(place(&targets, OF_INBOX).await, None, "it has none yet");
    tell_inbox(&store, url("https://example.com/one")).await;
    assert_eq!(place(&targets, OF_INBOX).await.as_deref(), Some("https://example.com/one"));
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_another_node_created_is_not_given_up() {
    let store = Arc::new(TestStore::default());
    let targets = node(&store);
    assert_eq!(place(&targets, WEBHOOK).await, None, "there is none yet");
    let created = Created {
        account: ACCOUNT,
        url: "https://example.com".into(),
        name: None,
        inbox: None,
        subscriptions: vec![],
        secret: Sealed { key: KeyId([0; 8]), nonce: [0; 24], text: vec![] },
        policy: Policy::default(),
    };
    let event = events::Event::from(events::webhook::Event::from(created));
    let stream = StreamName::new(Category::Webhook, WebhookId(7));
    store.forge(&stream, &event, Forgery::None).await;
    assert_eq!(place(&targets, WEBHOOK).await.as_deref(), Some("https://example.com"));
}

#[tokio::test(start_paused = true)]
async fn where_another_node_sent_an_inbox_is_heard_of_also_after_the_listener_fell_over() {
    let store = Arc::new(TestStore::default());
    let targets = node(&store);
    tell_inbox(&store, registered()).await;
    tell_inbox(&store, url("https://example.com/one")).await;
    assert_eq!(place(&targets, OF_INBOX).await.as_deref(), Some("https://example.com/one"));
    store.fall_over_reading(1);
    let listener = Listener {
        store: store.clone(),
        ledgers: Registry::new(world(&store)),
        webhooks: targets.webhooks.clone(),
        inboxes: targets.inboxes.clone(),
    };
    let listener = tokio::spawn(listener.listen(store.head().await.unwrap()));
    tell_inbox(&store, url("https://example.com/another")).await;
    pass(Duration::from_secs(2)).await;
    assert_eq!(place(&targets, OF_INBOX).await.as_deref(), Some("https://example.com/another"));
    listener.abort();
}

pub(super) fn settings() -> Settings {
    Settings {
        account: ACCOUNT,
        url: "https://example.com/0".into(),
        name: None,
        inbox: None,
        subscriptions: vec![],
        keys: SigningKeys::of(Sealed { key: KeyId([0; 8]), nonce: [0; 24], text: vec![] }),
        policy: Policy::default(),
    }
}

pub(super) fn move_to(place: &str) -> Command {
    let change = Box::new(Change { url: Some(place.to_owned()), ..Change::default() });
    Command::Change { account: ACCOUNT, change }
}

/// The only node, and its webhooks.
pub(super) fn alone(store: &Arc<TestStore>) -> (ActorTargets, Registry<Webhook>) {
    let world: World = world(store);
    let webhooks = Registry::new(world.clone());
    let inboxes = Registry::new(world.clone());
    (ActorTargets::new(webhooks.clone(), inboxes, world.clock), webhooks)
}

#[tokio::test(start_paused = true)]
async fn what_changes_holds_for_whoever_asks_after_the_answer() {
    let (targets, webhooks) = alone(&Arc::new(TestStore::default()));
    let ask = |command| webhooks.ask(WebhookId(7), anew(), command);
    ask(Command::Create(Box::new(settings()))).await.unwrap();
    for (number, moment) in [0, 1, 999, 1_001].map(Duration::from_millis).into_iter().enumerate() {
        let there = format!("https://example.com/{number}");
        for _ in 0..2 {
            assert_eq!(place(&targets, WEBHOOK).await, Some(there.clone()));
            pass(moment).await;
        }
        ask(move_to(&format!("https://example.com/{}", number + 1))).await.unwrap();
    }
    ask(Command::Delete { account: ACCOUNT }).await.unwrap();
    assert_eq!(place(&targets, WEBHOOK).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_written_although_the_log_did_not_say_so_is_heard_of() {
    let store = Arc::new(TestStore::default());
    let (targets, webhooks) = alone(&store);
    let ask = |command| webhooks.ask(WebhookId(7), anew(), command);
    ask(Command::Create(Box::new(settings()))).await.unwrap();
    assert!(place(&targets, WEBHOOK).await.is_some());
    store.lose_answers(1);
    ask(move_to("https://example.com/1")).await.unwrap_err();
    pass(Duration::from_secs(1)).await;
    assert_eq!(place(&targets, WEBHOOK).await.as_deref(), Some("https://example.com/1"));
}
