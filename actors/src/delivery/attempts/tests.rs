mod flow;
mod simulation;
mod trouble;
mod waiting;

use std::sync::Arc;

use events::delivery::{Event, Queued};
use events::signing::SigningKeys;
use events::webhook::Policy;
use events::{AccountId, Category, DeliveryId, EventId, KeyId, Sealed, StreamName, WebhookId};

use super::*;
use crate::aggregate::Aggregate;
use crate::delivery::{ActorTargets, wait_after};
use crate::registry::World;
use crate::testing::outbound::{Endpoints, Manner};
use crate::testing::probe::anew;
use crate::testing::{NOON, TestStore, pass, world};
use crate::webhook::{self, Settings, Webhook};

const ACCOUNT: AccountId = AccountId(1);
const HOOK: WebhookId = WebhookId(7);
const OTHER: WebhookId = WebhookId(8);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A process: registries, endpoints, deliveries.
struct Service {
    store: Arc<TestStore>,
    endpoints: Arc<Endpoints>,
    ledgers: Registry<Ledger>,
    webhooks: Registry<Webhook>,
    delivery: Delivery,
}

fn settings(webhook: WebhookId, policy: Policy) -> Settings {
    Settings {
        account: ACCOUNT,
        url: format!("https://example.com/{webhook}"),
        name: None,
        inbox: None,
        subscriptions: vec![],
        keys: SigningKeys::of(Sealed { key: KeyId([0; 8]), nonce: [0; 24], text: vec![] }),
        policy,
    }
}

fn rules() -> Rules {
    Rules {
        schedule: vec![MINUTE, MINUTE * 10],
        concurrency: 4,
        concurrency_in_all: 8,
        disable_after: DAY * 5,
    }
}

impl Service {
    fn start() -> Self {
        Self::over(&Arc::new(TestStore::default()))
    }

    /// A process over that log, as after a restart.
    fn over(store: &Arc<TestStore>) -> Self {
        Self::within(store, world(store))
    }

    fn within(store: &Arc<TestStore>, world: World) -> Self {
        let endpoints = Endpoints::new(world.clock.clone());
        let ledgers = Registry::new(world.clone());
        let webhooks = Registry::new(world.clone());
        let delivery = Delivery::start(
            ledgers.clone(),
            Arc::new(ActorTargets::new(
                webhooks.clone(),
                Registry::new(world.clone()),
                world.clock.clone(),
            )),
            endpoints.clone(),
            world.clock,
            rules(),
        );
        Self { store: store.clone(), endpoints, ledgers, webhooks, delivery }
    }

    /// Twenty deliveries are owed to an endpoint that has refused everything for a day.
    async fn failing_for_a_day() -> Self {
        let service = Self::start();
        service.create(HOOK, Policy::default()).await;
        service.endpoints.teach(HOOK, Manner::RefusesFirst(u32::MAX));
        for number in 0..20 {
            service.queue(HOOK, number).await;
        }
        pass(DAY).await;
        service
    }

    async fn create(&self, webhook: WebhookId, policy: Policy) {
        let create = webhook::Command::Create(Box::new(settings(webhook, policy)));
        self.webhooks.ask(webhook, anew(), create).await.unwrap();
    }

    async fn delete(&self, webhook: WebhookId) {
        let delete = webhook::Command::Delete { account: ACCOUNT };
        self.webhooks.ask(webhook, anew(), delete).await.unwrap();
    }

    async fn queue(&self, webhook: WebhookId, number: u128) {
        let queue = Command::Queue(Arc::new(queued(webhook, number)));
        self.ledgers.ask(webhook.into(), anew(), queue).await.unwrap();
    }

    async fn told(&self, webhook: WebhookId) -> Vec<Event> {
        let events = self.store.events(&StreamName::new(Category::Ledger, webhook)).await;
        let told = events.into_iter().map(|event| Ledger::narrow(event).unwrap());
        told.filter(|event| !matches!(event, Event::Queued(_))).collect()
    }

    /// How often what ended how: delivered, failed, abandoned.
    async fn ends(&self, webhook: WebhookId) -> (usize, usize, usize) {
        let told = self.told(webhook).await;
        let count = |kind: fn(&Event) -> bool| told.iter().filter(|event| kind(event)).count();
        (
            count(|event| matches!(event, Event::Delivered(_))),
            count(|event| matches!(event, Event::AttemptFailed(_))),
            count(|event| matches!(event, Event::Abandoned(_))),
        )
    }
}

fn queued(webhook: WebhookId, number: u128) -> Queued {
    Queued {
        delivery: delivery(webhook, number),
        account: ACCOUNT,
        event: "message_created".into(),
        source: EventId(Uuid::from_u128(number)),
        body: "{}".into(),
        due: NOON,
        key: None,
    }
}

fn delivery(webhook: WebhookId, number: u128) -> DeliveryId {
    DeliveryId::of(EventId(Uuid::from_u128(number)), webhook)
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_is_delivered_at_once() {
    let service = Service::start();
    service.create(HOOK, Policy::default()).await;
    service.queue(HOOK, 1).await;
    pass(SECOND).await;
    assert_eq!(service.ends(HOOK).await, (1, 0, 0));
    assert_eq!(service.delivery.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn attempts_follow_the_schedule_until_one_is_taken() {
    let service = Service::start();
    service.create(HOOK, Policy::default()).await;
    service.endpoints.teach(HOOK, Manner::RefusesFirst(2));
    service.queue(HOOK, 1).await;
    pass(DAY).await;
    assert_eq!(service.ends(HOOK).await, (1, 2, 0));
    let visits = service.endpoints.visits();
    let waits: Vec<_> = visits.windows(2).map(|two| two[1].at.since(two[0].at)).collect();
    for (attempt, wait) in (1..).zip(waits) {
        let planned = wait_after(&rules().schedule, delivery(HOOK, 1), attempt).unwrap();
        assert!(wait >= planned, "{wait:?} is too soon for {planned:?}");
        assert!(wait <= planned + SECOND / 10, "{wait:?} is too late for {planned:?}");
    }
    assert_eq!(visits.iter().map(|visit| visit.number).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_takes_is_given_up_when_the_schedule_is_at_its_end() {
    let service = Service::start();
    service.create(HOOK, Policy::default()).await;
    service.endpoints.teach(HOOK, Manner::RefusesFirst(99));
    service.queue(HOOK, 1).await;
    pass(DAY).await;
    assert_eq!(service.ends(HOOK).await, (0, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn an_endpoints_own_schedule_is_stronger_than_the_rules() {
    let service = Service::start();
    let policy = Policy { retry_schedule_ms: Some(vec![100; 7]), ..Policy::default() };
    service.create(HOOK, policy).await;
    service.endpoints.teach(HOOK, Manner::RefusesFirst(99));
    service.queue(HOOK, 1).await;
    pass(SECOND * 2).await;
    assert_eq!(service.ends(HOOK).await, (0, 8, 1));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_gets_no_more_attempts_at_once_than_the_rules_say() {
    let service = Service::start();
    service.create(HOOK, Policy::default()).await;
    service.endpoints.teach(HOOK, Manner::Takes(SECOND));
    for number in 0..40 {
        service.queue(HOOK, number).await;
    }
    pass(SECOND / 2).await;
    assert_eq!(service.delivery.under_way(), 4);
    pass(MINUTE).await;
    assert_eq!(service.ends(HOOK).await, (40, 0, 0));
    assert_eq!(service.endpoints.most(HOOK), 4);
}

#[tokio::test(start_paused = true)]
async fn an_endpoints_own_limit_is_stronger_than_the_rules_from_the_first_attempt() {
    for limit in [1, 3, 5] {
        let service = Service::start();
        let policy = Policy { concurrency: Some(limit), ..Policy::default() };
        service.create(HOOK, policy).await;
        service.endpoints.teach(HOOK, Manner::Takes(SECOND));
        for number in 0..40 {
            service.queue(HOOK, number).await;
        }
        pass(MINUTE).await;
        assert_eq!(service.ends(HOOK).await, (40, 0, 0));
        assert_eq!(service.endpoints.most(HOOK), limit as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_changes_holds_from_the_next_attempt_on() {
    let service = Service::start();
    service.create(HOOK, Policy { concurrency: Some(1), ..Policy::default() }).await;
    service.endpoints.teach(HOOK, Manner::Takes(SECOND));
    for number in 0..40 {
        service.queue(HOOK, number).await;
    }
    pass(SECOND * 5 / 2).await;
    assert_eq!(service.endpoints.most(HOOK), 1);
    let policy = Some(Policy { concurrency: Some(3), ..Policy::default() });
    let change = Box::new(webhook::Change { policy, ..webhook::Change::default() });
    let change = webhook::Command::Change { account: ACCOUNT, change };
    service.webhooks.ask(HOOK, anew(), change).await.unwrap();
    pass(SECOND * 16).await;
    assert_eq!(service.endpoints.most(HOOK), 3);
    assert_eq!(service.ends(HOOK).await, (40, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn all_endpoints_together_get_no_more_attempts_at_once_than_the_rules_say() {
    let service = Service::start();
    for webhook in (10..20).map(WebhookId) {
        service.create(webhook, Policy::default()).await;
        service.endpoints.teach(webhook, Manner::Takes(SECOND));
        for number in 0..10 {
            service.queue(webhook, number).await;
        }
    }
    pass(MINUTE).await;
    // A quarter is left for other accounts.
    assert_eq!(service.endpoints.most_in_all(), 6);
    for webhook in (10..20).map(WebhookId) {
        assert_eq!(service.ends(webhook).await, (10, 0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_hangs_holds_up_nobody_but_itself() {
    let service = Service::start();
    service.create(HOOK, Policy::default()).await;
    service.create(OTHER, Policy::default()).await;
    service.endpoints.teach(HOOK, Manner::Hangs);
    for number in 0..100 {
        service.queue(HOOK, number).await;
    }
    for number in 0..100 {
        service.queue(OTHER, number).await;
    }
    pass(SECOND).await;
    assert_eq!(service.ends(HOOK).await, (0, 0, 0));
    assert_eq!(service.ends(OTHER).await, (100, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_account_whose_endpoints_all_hang_holds_up_no_other() {
    let service = Service::start();
    for webhook in (10..30).map(WebhookId) {
        service.create(webhook, Policy::default()).await;
        service.endpoints.teach(webhook, Manner::Hangs);
        for number in 0..10 {
            service.queue(webhook, number).await;
        }
    }
    pass(SECOND).await;
    let account = AccountId(2);
    let of_another = Settings { account, ..settings(OTHER, Policy::default()) };
    let create = webhook::Command::Create(Box::new(of_another));
    service.webhooks.ask(OTHER, anew(), create).await.unwrap();
    for number in 0..100 {
        let queue = Command::Queue(Arc::new(Queued { account, ..queued(OTHER, number) }));
        service.ledgers.ask(OTHER.into(), anew(), queue).await.unwrap();
    }
    pass(SECOND).await;
    assert_eq!(service.ends(OTHER).await, (100, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_what_is_under_way_and_begins_nothing_more() {
    let service = Service::start();
    service.create(HOOK, Policy::default()).await;
    service.endpoints.teach(HOOK, Manner::Takes(MINUTE));
    for number in 0..20 {
        service.queue(HOOK, number).await;
    }
    pass(SECOND).await;
    service.delivery.close().await;
    assert_eq!(service.ends(HOOK).await, (4, 0, 0));
    service.queue(HOOK, 99).await;
    pass(DAY).await;
    assert_eq!(service.endpoints.visits().len(), 4);
    let restarted = Service::over(&service.store);
    restarted.ledgers.wake(HOOK.into());
    pass(SECOND).await;
    assert_eq!(restarted.ends(HOOK).await, (21, 0, 0));
    assert_eq!(restarted.endpoints.visits().len(), 17);
}
