//! What actors owe, and to whom they leave it.

use std::sync::Mutex;

use events::delivery::{AbandonReason, Queued, Reopened};
use events::{DeliveryId, EndpointId, EventId, WebhookId};
use uuid::Uuid;

use super::*;
use crate::aggregate::Effect;
use crate::delivery::{Command, Ledger, Owed};
use crate::testing::NOON;

const WEBHOOK: WebhookId = WebhookId(7);
const HOUR: Duration = Duration::from_secs(3600);

/// Begins everything and ends nothing by itself.
#[derive(Default)]
struct Patient {
    begun: Mutex<Vec<(DeliveryId, Finish<Ledger>)>>,
}

impl Patient {
    fn begun(&self) -> Vec<DeliveryId> {
        self.begun.lock().unwrap().iter().map(|(delivery, _)| *delivery).collect()
    }

    fn end_all(&self) {
        self.begun.lock().unwrap().clear();
    }
}

impl Host<Ledger> for Patient {
    fn perform(&self, _: EndpointId, owed: Owed, finish: Finish<Ledger>) {
        self.begun.lock().unwrap().push((DeliveryId(owed.key()), finish));
    }
}

fn start() -> (Arc<TestStore>, Registry<Ledger>, Arc<Patient>) {
    let store = Arc::new(TestStore::default());
    let (ledgers, host) = restart(&store);
    (store, ledgers, host)
}

fn restart(store: &Arc<TestStore>) -> (Registry<Ledger>, Arc<Patient>) {
    let ledgers: Registry<Ledger> = Registry::new(world(store));
    let host = Arc::new(Patient::default());
    ledgers.set_host(host.clone());
    (ledgers, host)
}

fn delivery(number: u128) -> DeliveryId {
    DeliveryId::of(EventId(Uuid::from_u128(number)), WEBHOOK)
}

fn queued(number: u128, due: Timestamp) -> Command {
    Command::Queue(Arc::new(Queued {
        delivery: delivery(number),
        account: ID,
        event: "inbox_updated".into(),
        source: EventId(Uuid::from_u128(number)),
        body: "{}".into(),
        due,
        key: None,
    }))
}

async fn queue(ledgers: &Registry<Ledger>, number: u128, due: Timestamp) {
    ledgers.ask(WEBHOOK.into(), anew(), queued(number, due)).await.unwrap();
}

fn abandon(delivery: DeliveryId) -> Command {
    Command::Abandon { delivery: Some(delivery), reason: AbandonReason::Skipped }
}

fn retry(number: u128) -> Command {
    let Command::Queue(queued) = queued(number, NOON) else { unreachable!("it is made for that") };
    let queued = (*queued).clone();
    Command::Retry(Box::new(Reopened { queued, attempts: 0, recovery: None }))
}

async fn abandon_all(ledgers: &Registry<Ledger>) {
    let abandon = Command::Abandon { delivery: None, reason: AbandonReason::WebhookDeleted };
    ledgers.ask(WEBHOOK.into(), anew(), abandon).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_actor_with_something_due_later_stays_awake_and_does_it_then() {
    let (_, ledgers, host) = start();
    queue(&ledgers, 1, NOON.after(HOUR)).await;
    pass(HOUR - Duration::from_secs(1)).await;
    assert_eq!((ledgers.awake(), host.begun()), (1, vec![]));
    pass(Duration::from_secs(2)).await;
    assert_eq!(host.begun(), [delivery(1)]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_due_sooner_is_not_kept_waiting_by_what_comes_later() {
    let (_, ledgers, host) = start();
    queue(&ledgers, 1, NOON.after(HOUR * 2)).await;
    queue(&ledgers, 2, NOON.after(HOUR)).await;
    pass(HOUR + Duration::from_secs(1)).await;
    assert_eq!(host.begun(), [delivery(2)]);
    pass(HOUR).await;
    assert_eq!(host.begun(), [delivery(2), delivery(1)]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_with_an_effect_under_way_stays_awake_and_does_not_repeat_it() {
    let (_, ledgers, host) = start();
    queue(&ledgers, 1, NOON).await;
    pass(HOUR).await;
    ledgers.wake(WEBHOOK.into());
    pass(HOUR).await;
    assert_eq!((ledgers.awake(), host.begun()), (1, vec![delivery(1)]));
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_ended_without_a_word_is_owed_again() {
    let (_, ledgers, host) = start();
    queue(&ledgers, 1, NOON).await;
    pass(HOUR).await;
    host.end_all();
    pass(HOUR).await;
    assert_eq!(host.begun(), [delivery(1)]);
}

#[tokio::test(start_paused = true)]
async fn an_effect_is_over_with_the_word_of_how_it_ended_and_what_was_owed_behind_it_begins() {
    let (_, ledgers, host) = start();
    for number in 0..300 {
        queue(&ledgers, number, NOON).await;
    }
    pass(HOUR).await;
    let (first, mut finish) = host.begun.lock().unwrap().remove(0);
    let before = host.begun().len();
    ledgers.ask_last(&mut finish, WEBHOOK.into(), anew(), abandon(first)).await.unwrap();
    pass(HOUR).await;
    assert_eq!(host.begun().len(), before + 1, "whoever made it need not say so once more");
}

#[tokio::test(start_paused = true)]
async fn whoever_made_an_effect_does_not_end_the_one_that_is_owed_anew() {
    let (_, ledgers, host) = start();
    queue(&ledgers, 1, NOON).await;
    pass(HOUR).await;
    let (first, mut finish) = host.begun.lock().unwrap().pop().unwrap();
    ledgers.ask_last(&mut finish, WEBHOOK.into(), anew(), abandon(first)).await.unwrap();
    ledgers.ask(WEBHOOK.into(), anew(), retry(1)).await.unwrap();
    pass(HOUR).await;
    drop(finish);
    pass(HOUR).await;
    assert_eq!(host.begun(), [first]);
}

#[tokio::test(start_paused = true)]
async fn an_effect_whose_end_was_not_written_is_still_under_way() {
    let (store, ledgers, host) = start();
    queue(&ledgers, 1, NOON).await;
    pass(HOUR).await;
    let (first, mut finish) = host.begun.lock().unwrap().pop().unwrap();
    store.fail_appends(1);
    let refused = ledgers.ask_last(&mut finish, WEBHOOK.into(), anew(), abandon(first)).await;
    assert!(refused.unwrap_err().is_passing());
    pass(HOUR).await;
    assert_eq!(host.begun(), []);
    drop(finish);
    pass(HOUR).await;
    assert_eq!(host.begun(), [first], "it ended without a word");
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_owes_nothing_any_more_is_let_go() {
    let (_, ledgers, host) = start();
    queue(&ledgers, 1, NOON).await;
    abandon_all(&ledgers).await;
    pass(HOUR).await;
    assert_eq!(ledgers.awake(), 1, "the attempt is still under way");
    host.end_all();
    pass(HOUR).await;
    assert_eq!(ledgers.awake(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_actor_begins_no_more_effects_at_once_than_it_may() {
    let (_, ledgers, host) = start();
    for number in 0..300 {
        queue(&ledgers, number, NOON).await;
    }
    pass(HOUR).await;
    assert_eq!(host.begun().len(), 256);
    host.end_all();
    abandon_all(&ledgers).await;
    pass(HOUR).await;
    assert_eq!(host.begun(), []);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_exactly_what_was_owed_is_owed() {
    let (store, ledgers, _) = start();
    queue(&ledgers, 1, NOON).await;
    queue(&ledgers, 2, NOON.after(HOUR)).await;
    let abandon =
        Command::Abandon { delivery: Some(delivery(1)), reason: AbandonReason::WebhookDeleted };
    ledgers.ask(WEBHOOK.into(), anew(), abandon).await.unwrap();
    let (ledgers, host) = restart(&store);
    pass(HOUR * 2).await;
    assert_eq!(host.begun(), [], "nobody woke it");
    ledgers.wake(WEBHOOK.into());
    // The clock of the new registry began anew, at noon.
    pass(HOUR * 2).await;
    assert_eq!(host.begun(), [delivery(2)]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_owes_and_cannot_read_the_log_tries_again() {
    let (store, ledgers, _) = start();
    queue(&ledgers, 1, NOON).await;
    let (ledgers, host) = restart(&store);
    store.shut();
    ledgers.wake(WEBHOOK.into());
    pass(HOUR).await;
    assert_eq!((ledgers.awake(), host.begun()), (1, vec![]));
    store.reopen();
    pass(Duration::from_secs(2)).await;
    assert_eq!(host.begun(), [delivery(1)]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_owes_and_falls_over_wakes_again_by_itself() {
    let (store, ledgers, host) = start();
    queue(&ledgers, 1, NOON.after(HOUR)).await;
    store.fall_over(1);
    let fallen = ledgers.ask(WEBHOOK.into(), anew(), queued(2, NOON)).await;
    assert_eq!(fallen.unwrap_err(), Refused::Restarted);
    pass(HOUR * 2).await;
    assert_eq!(host.begun(), [delivery(1)]);
    queue(&ledgers, 2, NOON).await;
    pass(HOUR).await;
    assert_eq!(host.begun(), [delivery(1), delivery(2)]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_effect_of_an_actor_that_fell_over_is_not_the_end_of_its_successors() {
    let (store, ledgers, host) = start();
    queue(&ledgers, 1, NOON).await;
    pass(HOUR).await;
    let (first, mut finish) = host.begun.lock().unwrap().pop().unwrap();
    store.fall_over(1);
    let fallen = ledgers.ask(WEBHOOK.into(), anew(), queued(2, NOON)).await;
    assert_eq!(fallen.unwrap_err(), Refused::Restarted);
    pass(HOUR).await;
    assert_eq!(host.begun(), [first], "the successor has begun it anew");
    assert!(!finish.is_wanted());
    ledgers.ask_last(&mut finish, WEBHOOK.into(), anew(), abandon(first)).await.unwrap();
    ledgers.ask(WEBHOOK.into(), anew(), retry(1)).await.unwrap();
    drop(finish);
    pass(HOUR).await;
    assert_eq!(host.begun(), [first], "what the successor began is still under way");
    host.end_all();
    pass(HOUR).await;
    assert_eq!(host.begun(), [first], "now that has ended too");
}
