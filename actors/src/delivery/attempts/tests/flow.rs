//! An endpoint's rate, its death and its recovery, and deliveries that are brought back.

use events::delivery::{RecoveryFilter, RecoveryId, RecoveryPlanned, RecoveryProgress};

use super::*;
use crate::delivery::{Ask, Recovery, matching};

/// The most and the fewest attempts in any second between the first and the last.
fn in_a_second(at: &[events::Timestamp]) -> (usize, usize) {
    let last = *at.last().unwrap();
    let whole = at.iter().filter(|from| last.since(**from) >= SECOND);
    let counts: Vec<_> = whole
        .map(|from| at.iter().filter(|it| **it >= *from && it.since(*from) < SECOND).count())
        .collect();
    (*counts.iter().max().unwrap(), *counts.iter().min().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_rate_holds_in_every_second_for_retries_too() {
    let service = Service::start();
    let policy = Policy {
        rate_per_second: Some(50),
        concurrency: Some(16),
        retry_schedule_ms: Some(vec![500; 9]),
        ..Policy::default()
    };
    service.create(HOOK, policy).await;
    service.endpoints.teach(HOOK, Manner::Takes(Duration::from_millis(40)));
    for number in 0..600 {
        service.queue(HOOK, number).await;
    }
    pass(MINUTE).await;
    assert_eq!(service.ends(HOOK).await, (600, 0, 0));
    let at: Vec<_> = service.endpoints.visits().iter().map(|visit| visit.at).collect();
    let (most, fewest) = in_a_second(&at);
    assert!(most <= 51 && fewest >= 45, "between {fewest} and {most} a second");
}

#[tokio::test(start_paused = true)]
async fn a_dead_endpoint_costs_no_budget_and_drains_within_two_seconds_of_its_return() {
    let service = Service::start();
    service.create(HOOK, Policy::default()).await;
    service.endpoints.teach(HOOK, Manner::RefusesFirst(u32::MAX));
    for number in 0..1_000 {
        service.queue(HOOK, number).await;
    }
    pass(MINUTE * 5).await;
    let before = service.endpoints.visits().len();
    assert!(before < 500, "{before} attempts on an endpoint that takes none");
    service.endpoints.teach(HOOK, Manner::Takes(Duration::ZERO));
    pass(SECOND * 2).await;
    let (delivered, _, abandoned) = service.ends(HOOK).await;
    assert!(delivered > 0, "nothing after two seconds");
    pass(SECOND * 10).await;
    assert_eq!((service.ends(HOOK).await.0, abandoned), (1_000, 0));
}

async fn told(service: &Service, id: RecoveryId, ask: Ask) -> Recovery {
    let command = Command::Recovery(id, ask);
    let told = service.ledgers.ask(HOOK.into(), anew(), command).await.unwrap();
    *told.answer.recovery.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_recovery_brings_back_what_was_given_up_and_nothing_else_through_a_restart() {
    let first = Service::start();
    let policy = Policy { retry_schedule_ms: Some(vec![]), ..Policy::default() };
    first.create(HOOK, policy).await;
    first.queue(HOOK, 0).await;
    pass(SECOND).await;
    first.endpoints.teach(HOOK, Manner::RefusesFirst(1));
    for number in 1..=80 {
        first.queue(HOOK, number).await;
    }
    pass(SECOND).await;
    assert_eq!(first.ends(HOOK).await, (1, 80, 80));

    let filter = RecoveryFilter {
        since: NOON,
        until: None,
        event: None,
        key: None,
        abandoned: true,
        delivered: false,
    };
    let found = matching(&*first.store, HOOK.into(), &filter, None).await.unwrap();
    assert_eq!(found.deliveries.len(), 80);
    let recovery = RecoveryId::of(Uuid::from_u128(1), HOOK);
    let (head, count, bytes) = (found.head.unwrap(), 80, found.bytes);
    let plan = RecoveryPlanned { recovery, filter, head, count, bytes };
    let plan = Command::Plan(Box::new(plan));
    first.ledgers.ask(HOOK.into(), anew(), plan).await.unwrap();
    first.endpoints.teach(HOOK, Manner::Hangs);
    assert_eq!(told(&first, recovery, Ask::Start).await.progress, RecoveryProgress::Running);
    pass(SECOND).await;

    let second = Service::over(&first.store);
    second.ledgers.wake(HOOK.into());
    pass(MINUTE).await;
    let done = told(&second, recovery, Ask::Look).await;
    assert_eq!((done.progress, done.passed), (RecoveryProgress::Finished, 80));
    assert_eq!(second.ends(HOOK).await.0, 81);
    assert!(second.endpoints.visits().iter().all(|visit| visit.number == 2));
}
