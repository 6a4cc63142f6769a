//! An endpoint's rate, its death and its recovery, and deliveries that are brought back.

use std::collections::BTreeSet;

use events::delivery::{RecoveryFilter, RecoveryId, RecoveryPlanned, RecoveryProgress, Reopened};
use events::snapshot::memory::Shelf;
use events::store::APPEND_BYTES_MAX;

use super::*;
use crate::delivery::{Ask, Found, Recovery, matching};
use crate::registry::Limits;

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
        rate_per_second: Some(20),
        concurrency: Some(16),
        retry_schedule_ms: Some(vec![500; 9]),
        ..Policy::default()
    };
    service.create(HOOK, policy).await;
    service.endpoints.teach(HOOK, Manner::RefusesFirst(1));
    // So few that the endpoint is not taken for dead.
    for number in 0..80 {
        service.queue(HOOK, number).await;
    }
    pass(MINUTE).await;
    assert_eq!(service.ends(HOOK).await, (80, 80, 0));
    let at: Vec<_> = service.endpoints.visits().iter().map(|visit| visit.at).collect();
    let (most, fewest) = in_a_second(&at);
    assert!(most <= 21 && fewest >= 18, "between {fewest} and {most} a second");
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_a_ledger_over_keeps_the_rate_of_who_worked_it_before() {
    let first = Service::start();
    let second = Service::over(&first.store);
    let policy = Policy { rate_per_second: Some(2), ..Policy::default() };
    first.create(HOOK, policy).await;
    for number in 0..12 {
        first.queue(HOOK, number).await;
    }
    pass(SECOND * 3 + SECOND / 20).await;
    first.delivery.close().await;
    second.ledgers.wake(HOOK.into());
    pass(MINUTE).await;
    assert_eq!(second.ends(HOOK).await, (12, 0, 0));
    let (mut at, later) = (first.endpoints.visits(), second.endpoints.visits());
    assert!(at.len() >= 3 && later.len() >= 3, "{at:?} and {later:?}");
    at.extend(later);
    let at: Vec<_> = at.iter().map(|visit| visit.at).collect();
    for two in at.windows(2) {
        assert!(two[1].since(two[0]) >= SECOND / 2, "{two:?} are too near");
    }
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

/// Plans to bring back all that was given up.
async fn plan(service: &Service) -> (Found, RecoveryId) {
    let filter = RecoveryFilter {
        since: NOON,
        until: None,
        event: None,
        key: None,
        abandoned: true,
        delivered: false,
    };
    let found = matching(&*service.store, HOOK.into(), &filter, None).await.unwrap();
    let recovery = RecoveryId::of(Uuid::from_u128(1), HOOK);
    let (head, count, bytes) = (found.head.unwrap(), found.deliveries.len() as u64, found.bytes);
    let plan = RecoveryPlanned { recovery, filter, head, count, bytes };
    let plan = Command::Plan(Box::new(plan));
    service.ledgers.ask(HOOK.into(), anew(), plan).await.unwrap();
    (found, recovery)
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

    let (found, recovery) = plan(&first).await;
    assert_eq!(found.deliveries.len(), 80);
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
    let history = second.store.history(&StreamName::new(Category::Ledger, HOOK)).await;
    let ids: BTreeSet<_> = history.iter().map(|recorded| recorded.id).collect();
    assert_eq!(ids.len(), history.len(), "each event has an id of its own");
    for recorded in history {
        if let events::Event::Delivery(Event::Reopened(_)) = recorded.event {
            let metadata = recorded.metadata().unwrap();
            assert_eq!((metadata.correlation, metadata.account), (recovery.0, Some(ACCOUNT)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_is_found_again_after_a_day_within_two_seconds_and_the_log_stays_small() {
    let service = Service::failing_for_a_day().await;
    let written = service.ends(HOOK).await.1;
    assert!(written < 4_000, "{written} failures are written");
    service.endpoints.teach(HOOK, Manner::Takes(Duration::ZERO));
    pass(SECOND * 2).await;
    assert!(service.ends(HOOK).await.0 > 0, "nothing after two seconds");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_goes_on_in_silence_ends_when_the_endpoint_is_paused() {
    let service = Service::failing_for_a_day().await;
    let pause = Command::Pause { by: Actor::ADMIN, now: NOON.after(DAY) };
    service.ledgers.ask(HOOK.into(), anew(), pause).await.unwrap();
    let before = service.endpoints.visits().len();
    pass(MINUTE * 10).await;
    assert_eq!(service.endpoints.visits().len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_rate_holds_through_a_restart() {
    let first = Service::start();
    let policy = Policy { rate_per_second: Some(10), ..Policy::default() };
    first.create(HOOK, policy).await;
    for number in 0..100 {
        first.queue(HOOK, number).await;
    }
    pass(SECOND * 2).await;
    let before = first.endpoints.visits().len();
    first.delivery.close().await;
    let second = Service::over(&first.store);
    second.ledgers.wake(HOOK.into());
    pass(Duration::from_millis(990)).await;
    assert!(before > 0);
    assert_eq!(second.endpoints.visits().len(), 0, "the last second is another's");
    pass(SECOND).await;
    assert!(!second.endpoints.visits().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_ledger_wakes_on_what_is_kept_of_it_and_reads_only_the_rest() {
    let (store, shelf) = (Arc::new(TestStore::default()), Arc::new(Shelf::default()));
    let limits = Limits { keep_every: 200, ..Limits::default() };
    let within = || World { snapshots: Some(shelf.clone()), limits, ..world(&store) };
    let first = Service::within(&store, within());
    first.create(HOOK, Policy::default()).await;
    first.endpoints.teach(HOOK, Manner::RefusesFirst(1));
    for number in 0..150 {
        first.queue(HOOK, number).await;
    }
    pass(MINUTE * 2).await;
    assert_eq!(first.ends(HOOK).await.0, 150);
    first.endpoints.teach(HOOK, Manner::Hangs);
    for number in 150..153 {
        first.queue(HOOK, number).await;
    }
    assert!(shelf.saves.load(std::sync::atomic::Ordering::Relaxed) > 0);

    let read = store.records_of_streams_read();
    let second = Service::within(&store, within());
    second.queue(HOOK, 7).await;
    second.queue(HOOK, 152).await;
    let woken = store.records_of_streams_read() - read;
    assert!(woken < 260, "{woken} records are read");
    pass(MINUTE).await;
    assert_eq!(second.ends(HOOK).await.0, 153, "what was owed is paid, what was paid is known");

    // Of another log it is nothing worth.
    let other = Arc::new(TestStore::default());
    let third = Service::within(&other, World { store: other.clone(), ..within() });
    third.create(HOOK, Policy::default()).await;
    third.queue(HOOK, 7).await;
    pass(SECOND).await;
    assert_eq!(third.ends(HOOK).await, (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_retried_during_a_recovery_is_not_sent_once_more_by_it() {
    let service = Service::start();
    let policy = Policy { retry_schedule_ms: Some(vec![]), ..Policy::default() };
    service.create(HOOK, policy).await;
    service.endpoints.teach(HOOK, Manner::RefusesFirst(1));
    for number in 0..150 {
        service.queue(HOOK, number).await;
    }
    pass(MINUTE * 2).await;
    let (found, recovery) = plan(&service).await;
    service.endpoints.teach(HOOK, Manner::Takes(SECOND));
    told(&service, recovery, Ask::Start).await;
    pass(Duration::from_millis(500)).await;
    // The last of them is far behind; somebody is faster.
    let (_, last, attempts) = *found.deliveries.last().unwrap();
    let history = service.store.events(&StreamName::new(Category::Ledger, HOOK)).await;
    let queued = history.into_iter().find_map(|event| match Ledger::narrow(event) {
        Some(Event::Queued(queued)) if queued.delivery == last => Some(queued),
        _ => None,
    });
    let queued = queued.unwrap();
    let retry = Reopened { queued, attempts, recovery: None };
    service.ledgers.ask(HOOK.into(), anew(), Command::Retry(Box::new(retry))).await.unwrap();
    pass(MINUTE * 5).await;
    let done = told(&service, recovery, Ask::Look).await;
    assert_eq!(done.progress, RecoveryProgress::Finished);
    let taken = service.endpoints.visits().into_iter().filter(|it| it.delivery == last);
    assert_eq!(taken.filter(|it| it.number == 2).count(), 1);
    assert_eq!(service.endpoints.visits().iter().filter(|it| it.number > 2).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_brings_back_one_by_one_what_does_not_fit_one_append_together() {
    let service = Service::start();
    let policy = Policy { retry_schedule_ms: Some(vec![]), ..Policy::default() };
    service.create(HOOK, policy).await;
    service.endpoints.teach(HOOK, Manner::RefusesFirst(1));
    for (number, bytes) in [(0, 200 << 10), (1, APPEND_BYTES_MAX - 10_000)] {
        let queued = Queued { body: "!".repeat(bytes), ..queued(HOOK, number) };
        let queue = Command::Queue(Arc::new(queued));
        service.ledgers.ask(HOOK.into(), anew(), queue).await.unwrap();
    }
    pass(SECOND).await;
    assert_eq!(service.ends(HOOK).await, (0, 2, 2));
    let (_, recovery) = plan(&service).await;
    service.endpoints.teach(HOOK, Manner::Takes(Duration::ZERO));
    told(&service, recovery, Ask::Start).await;
    pass(MINUTE).await;
    assert_eq!(told(&service, recovery, Ask::Look).await.progress, RecoveryProgress::Finished);
    assert_eq!(service.ends(HOOK).await, (2, 2, 2));
}
