//! Restarts, deleted and damaged webhooks, attempts that fall over, a log that is away.

use events::delivery::{AbandonReason, AttemptClass, Reopened};

use super::*;
use crate::testing::Forgery;

#[tokio::test(start_paused = true)]
async fn a_restart_repeats_at_most_what_was_under_way() {
    let first = Service::start();
    first.create(HOOK, Policy::default()).await;
    first.queue(HOOK, 0).await;
    pass(SECOND).await;
    first.endpoints.teach(HOOK, Manner::Hangs);
    for number in 1..=10 {
        first.queue(HOOK, number).await;
    }
    pass(SECOND).await;
    let under_way = first.endpoints.visits_to(HOOK)[1..].to_vec();
    assert_eq!(under_way.len(), 4);

    let second = Service::over(&first.store);
    second.ledgers.wake(HOOK.into());
    pass(MINUTE).await;
    let visits = second.endpoints.visits_to(HOOK);
    let mut owed: Vec<_> = (1..=10).map(|number| delivery(HOOK, number)).collect();
    owed.sort();
    let mut visited: Vec<_> = visits.iter().map(|visit| visit.delivery).collect();
    visited.sort();
    assert_eq!(visited, owed, "neither what was delivered nor anything twice");
    assert!(visits.iter().all(|visit| visit.number == 1));
    assert_eq!(second.ends(HOOK).await, (11, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_restart_keeps_the_time_of_the_next_attempt() {
    let store = Arc::new(TestStore::default());
    let world = world(&store);
    let first = Service::within(&store, world.clone());
    first.create(HOOK, Policy::default()).await;
    first.endpoints.teach(HOOK, Manner::RefusesFirst(1));
    first.queue(HOOK, 1).await;
    pass(SECOND).await;
    first.delivery.close().await;

    let second = Service::within(&store, world);
    second.ledgers.wake(HOOK.into());
    pass(DAY).await;
    let visits = second.endpoints.visits();
    assert_eq!(visits.len(), 1);
    let planned = wait_after(&rules().schedule, delivery(HOOK, 1), 1).unwrap();
    let wait = visits[0].at.since(NOON);
    assert!(wait >= planned && wait < planned + SECOND, "{wait:?}, not {planned:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_deleted_webhook_was_owed_is_abandoned() {
    let service = Service::start();
    service.create(HOOK, Policy::default()).await;
    service.endpoints.teach(HOOK, Manner::RefusesFirst(9));
    service.queue(HOOK, 1).await;
    pass(SECOND).await;
    service.delete(HOOK).await;
    pass(MINUTE * 2).await;
    assert_eq!(service.ends(HOOK).await, (0, 1, 1));
    let last = service.told(HOOK).await.pop().unwrap();
    assert!(
        matches!(&last, Event::Abandoned(it) if it.reason == AbandonReason::WebhookDeleted),
        "{last:?}"
    );
    assert_eq!(service.endpoints.visits().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_falls_over_is_ours_and_is_repeated() {
    let service = Service::start();
    service.create(HOOK, Policy::default()).await;
    service.endpoints.teach(HOOK, Manner::FallsFirst(1));
    service.queue(HOOK, 1).await;
    pass(DAY).await;
    let told = service.told(HOOK).await;
    assert!(
        matches!(&told[0], Event::AttemptFailed(it) if it.class == AttemptClass::Ours),
        "{told:?}"
    );
    assert_eq!(service.ends(HOOK).await, (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn attempts_that_fall_over_keep_nobodys_place_and_nothing_busy() {
    let service = Service::start();
    for webhook in [HOOK, OTHER] {
        service.create(webhook, Policy::default()).await;
    }
    service.endpoints.teach(HOOK, Manner::FallsFirst(1));
    for number in 0..40 {
        service.queue(HOOK, number).await;
    }
    service.queue(OTHER, 1).await;
    pass(SECOND).await;
    assert_eq!(service.delivery.under_way(), 0);
    assert_eq!(service.ends(OTHER).await, (1, 0, 0), "there is room for others");
    pass(DAY).await;
    assert_eq!(service.ends(HOOK).await, (40, 40, 0));
    assert_eq!(service.endpoints.visits_to(HOOK).len(), 80, "all is recorded, nothing twice");
    assert_eq!(service.ledgers.awake(), 0, "a ledger with anything under way is not let go");
    service.endpoints.forget_most();
    service.endpoints.teach(HOOK, Manner::Takes(SECOND));
    for number in 40..60 {
        service.queue(HOOK, number).await;
    }
    pass(MINUTE).await;
    assert_eq!(service.endpoints.most(HOOK), 4, "as many at once as before");
    assert_eq!(service.ends(HOOK).await, (60, 40, 0));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_cannot_be_recorded_is_not_repeated_but_recorded_later() {
    let service = Service::start();
    service.create(HOOK, Policy::default()).await;
    service.endpoints.teach(HOOK, Manner::Takes(SECOND));
    service.queue(HOOK, 1).await;
    pass(SECOND / 2).await;
    service.store.shut();
    pass(MINUTE * 5).await;
    assert_eq!(service.endpoints.visits().len(), 1);
    assert_eq!(service.delivery.under_way(), 1);
    service.store.reopen();
    pass(MINUTE).await;
    assert_eq!(service.ends(HOOK).await, (1, 0, 0));
    assert_eq!(service.endpoints.visits().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_answer_was_lost_is_not_written_twice() {
    let service = Service::start();
    service.create(HOOK, Policy::default()).await;
    service.endpoints.teach(HOOK, Manner::Takes(SECOND));
    service.queue(HOOK, 1).await;
    service.store.lose_answers(1);
    pass(MINUTE).await;
    assert_eq!(service.ends(HOOK).await, (1, 0, 0));
    assert_eq!(service.endpoints.visits().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_cannot_be_read_does_not_keep_others_from_their_deliveries() {
    let store = Arc::new(TestStore::default());
    let damaged: Vec<_> = (20..30).map(WebhookId).collect();
    for webhook in &damaged {
        let stream = StreamName::new(Category::Webhook, webhook);
        let deleted = events::webhook::Event::from(events::webhook::Deleted {});
        store.forge(&stream, &deleted.into(), Forgery::BrokenChain).await;
    }
    let service = Service::over(&store);
    for webhook in damaged {
        service.queue(webhook, 1).await;
    }
    pass(SECOND).await;
    assert_eq!(service.delivery.under_way(), 0);
    service.create(HOOK, Policy::default()).await;
    service.queue(HOOK, 1).await;
    pass(SECOND).await;
    assert_eq!(service.ends(HOOK).await, (1, 0, 0));
    assert_eq!(service.webhooks.halted().list().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_waits_for_settings_that_cannot_be_read_now() {
    let first = Service::start();
    first.create(HOOK, Policy::default()).await;
    let second = Service::over(&first.store);
    second.queue(HOOK, 1).await;
    second.store.shut();
    pass(MINUTE * 5).await;
    second.store.reopen();
    pass(MINUTE).await;
    assert_eq!(second.ends(HOOK).await, (1, 0, 0));
    assert_eq!(second.endpoints.visits().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_with_its_endpoint_is_sent_once_when_somebody_asks_for_it_again() {
    let service = Service::start();
    service.queue(HOOK, 1).await;
    pass(SECOND).await;
    assert_eq!(service.ends(HOOK).await, (0, 0, 1), "there is no such webhook");
    service.create(HOOK, Policy::default()).await;
    let queued = queued(HOOK, 1);
    let retry = Command::Retry(Box::new(Reopened { queued, attempts: 0, recovery: None }));
    service.ledgers.ask(HOOK.into(), anew(), retry).await.unwrap();
    pass(MINUTE).await;
    assert_eq!(service.ends(HOOK).await, (1, 0, 1));
    assert_eq!(service.endpoints.visits().len(), 1);
}
