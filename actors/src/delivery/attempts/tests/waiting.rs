//! Attempts that wait for their turn: for how many, and what becomes of them meanwhile.

use events::delivery::AbandonReason;

use super::*;
use crate::testing::TestClock;

fn skip(number: u128) -> Command {
    let (delivery, reason) = (Some(delivery(HOOK, number)), AbandonReason::Skipped);
    Command::Abandon { delivery, reason }
}

async fn limit(service: &Service, concurrency: u32) {
    let policy = Some(Policy { concurrency: Some(concurrency), ..Policy::default() });
    let change = Box::new(webhook::Change { policy, ..webhook::Change::default() });
    let change = webhook::Command::Change { account: ACCOUNT, change };
    service.webhooks.ask(HOOK, anew(), change).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_skipped_or_parked_while_it_waits_for_its_turn_is_not_sent() {
    let service = Service::start();
    service.create(HOOK, Policy { concurrency: Some(1), ..Policy::default() }).await;
    service.endpoints.teach(HOOK, Manner::Takes(SECOND));
    for number in 0..6 {
        service.queue(HOOK, number).await;
    }
    pass(SECOND / 2).await;
    for command in [skip(1), Command::Park(delivery(HOOK, 2))] {
        service.ledgers.ask(HOOK.into(), anew(), command).await.unwrap();
    }
    pass(MINUTE).await;
    assert_eq!(service.ends(HOOK).await, (4, 0, 1));
    assert_eq!(service.endpoints.visits().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_is_skipped_between_two_probes_is_not_sent_once_more() {
    let service = Service::failing_for_a_day().await;
    let visits =
        || service.endpoints.visits().iter().filter(|it| it.delivery == delivery(HOOK, 0)).count();
    service.ledgers.ask(HOOK.into(), anew(), skip(0)).await.unwrap();
    let before = visits();
    service.endpoints.teach(HOOK, Manner::Takes(Duration::ZERO));
    pass(MINUTE).await;
    assert_eq!(visits(), before);
    assert_eq!(service.ends(HOOK).await.0, 19);
}

#[tokio::test(start_paused = true)]
async fn what_waited_when_its_ledger_fell_over_is_sent_once() {
    let service = Service::start();
    service.create(HOOK, Policy { concurrency: Some(1), ..Policy::default() }).await;
    service.endpoints.teach(HOOK, Manner::Takes(SECOND));
    for number in 0..5 {
        service.queue(HOOK, number).await;
    }
    pass(SECOND / 2).await;
    service.store.fall_over(1);
    let queue = Command::Queue(Arc::new(queued(HOOK, 9)));
    assert!(service.ledgers.ask(HOOK.into(), anew(), queue).await.is_err());
    pass(MINUTE).await;
    assert_eq!(service.ends(HOOK).await, (5, 0, 0));
    for number in 1..5 {
        let visits = service.endpoints.visits();
        let visits = visits.iter().filter(|it| it.delivery == delivery(HOOK, number));
        assert_eq!(visits.count(), 1, "delivery {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_becomes_smaller_counts_those_that_are_under_way() {
    let service = Service::start();
    service.create(HOOK, Policy { concurrency: Some(4), ..Policy::default() }).await;
    service.endpoints.teach(HOOK, Manner::Takes(SECOND * 4));
    for number in 0..4 {
        service.queue(HOOK, number).await;
        pass(SECOND).await;
    }
    for number in 4..8 {
        service.queue(HOOK, number).await;
    }
    limit(&service, 1).await;
    // One after the other the first four end; the next begins behind the last of them.
    pass(SECOND * 5 / 2).await;
    let begun = service.endpoints.visits().len();
    assert!(begun <= 5, "{begun} have begun");
    limit(&service, 2).await;
    pass(SECOND).await;
    service.endpoints.forget_most();
    pass(MINUTE).await;
    assert_eq!(service.endpoints.most(HOOK), 2);
    assert_eq!(service.ends(HOOK).await, (8, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_rate_holds_for_those_that_waited_for_others_too() {
    let service = Service::start();
    let policy = Policy { rate_per_second: Some(2), ..Policy::default() };
    service.create(HOOK, policy).await;
    service.queue(HOOK, 99).await;
    pass(SECOND * 5).await;
    for webhook in [OTHER, WebhookId(9)] {
        service.create(webhook, Policy::default()).await;
        service.endpoints.teach(webhook, Manner::Takes(SECOND * 10));
        for number in 0..4 {
            service.queue(webhook, number).await;
        }
    }
    pass(SECOND / 2).await;
    for number in 0..20 {
        service.queue(HOOK, number).await;
    }
    pass(MINUTE).await;
    assert_eq!(service.ends(HOOK).await, (21, 0, 0));
    let visits = service.endpoints.visits_to(HOOK);
    assert!(visits[1].at.since(NOON) > SECOND * 14, "they did not wait");
    let most = visits.iter().map(|from| {
        let within = |it: &&crate::testing::outbound::Visit| {
            it.at >= from.at && it.at.since(from.at) < SECOND
        };
        visits.iter().filter(within).count()
    });
    assert!(most.max().unwrap() <= 3, "{visits:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_due_since_the_clock_was_put_forward_waits_no_longer_than_a_minute() {
    let store = Arc::new(TestStore::default());
    let clock = Arc::new(TestClock::at_noon());
    let service = Service::within(&store, World { clock: clock.clone(), ..world(&store) });
    service
        .create(HOOK, Policy { retry_schedule_ms: Some(vec![7_200_000]), ..Policy::default() })
        .await;
    service.endpoints.teach(HOOK, Manner::RefusesFirst(1));
    service.queue(HOOK, 1).await;
    pass(SECOND).await;
    clock.jump(8 * 3_600);
    pass(MINUTE + SECOND).await;
    assert_eq!(service.ends(HOOK).await, (1, 1, 0));
}
