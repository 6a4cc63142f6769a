mod endpoint;
mod order;
mod outcomes;
mod recovery;
mod retention;

use events::delivery::{AttemptClass, AttemptFailed, Delivered, EndpointPaced, Response};
use events::{AccountId, EventId, WebhookId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::testing::{Given, NOON, fresh, given};

const FIRST: u8 = 1;
const SECOND: u8 = 2;

const MINUTE: Duration = Duration::from_secs(60);

fn id(number: u8) -> DeliveryId {
    DeliveryId::of(EventId(Uuid::from_u128(u128::from(number))), WebhookId(7))
}

fn queued_at(number: u8, due: Timestamp) -> Queued {
    Queued {
        delivery: id(number),
        account: AccountId(1),
        event: "inbox_updated".into(),
        source: EventId(Uuid::from_u128(u128::from(number))),
        body: format!(r#"{{"number":{number}}}"#),
        due,
        key: None,
    }
}

fn queued(number: u8) -> Queued {
    queued_at(number, NOON)
}

fn queue(number: u8) -> Command {
    Command::Queue(Arc::new(queued(number)))
}

fn owed(number: u8, attempt: u32) -> Next<Owed> {
    owed_behind(0, number, attempt)
}

/// The same after so many were withdrawn.
fn owed_behind(withdrawn: u64, number: u8, attempt: u32) -> Next<Owed> {
    Next::Do(vec![Owed::Attempt(OwedAttempt { withdrawn, ..owed_attempt(number, attempt) })])
}

fn owed_attempt(number: u8, attempt: u32) -> OwedAttempt {
    OwedAttempt {
        delivery: id(number),
        attempt,
        account: AccountId(1),
        event: "inbox_updated".into(),
        body: queued(number).body.into(),
        withdrawn: 0,
        probe: None,
    }
}

fn ok() -> Response {
    Response { status: 200, body: "ok".into(), truncated: false }
}

fn report(number: u8, attempt: u32, ended: Ended) -> Report {
    Report {
        delivery: id(number),
        attempt,
        ended,
        started_at: NOON,
        duration: Duration::from_millis(3),
        address: None,
        now: NOON.after(Duration::from_millis(3)),
        schedule: vec![MINUTE, MINUTE * 10],
        disable_after: Some(MINUTE * 60 * 24 * 5),
    }
}

fn record(number: u8, attempt: u32, ended: Ended) -> Command {
    Command::Record(Arc::new(report(number, attempt, ended)))
}

fn failure(class: AttemptClass) -> Ended {
    Ended::Failed { class, detail: "no".into(), response: None, retry_after: None }
}

fn failed(number: u8, attempt: u32, class: AttemptClass, retry_at: Option<Timestamp>) -> Event {
    AttemptFailed {
        delivery: id(number),
        attempt,
        class,
        detail: "no".into(),
        response: None,
        started_at: NOON,
        duration_us: 3000,
        address: None,
        retry_at,
        charged: true,
        throttled_until: None,
    }
    .into()
}

fn delivered(number: u8, attempt: u32) -> Event {
    let (delivery, response) = (id(number), ok());
    Delivered { delivery, attempt, response, started_at: NOON, duration_us: 3000, address: None }
        .into()
}

fn abandoned(number: u8, reason: AbandonReason) -> Event {
    Abandoned { delivery: id(number), reason }.into()
}

fn retry_at(number: u8, attempt: u32) -> Timestamp {
    let report = report(number, attempt, failure(AttemptClass::Server));
    report.now.after(wait_after(&report.schedule, id(number), attempt).unwrap())
}

#[test]
fn a_queued_delivery_is_owed_at_once_and_only_once() {
    fresh::<Ledger>()
        .when(queue(FIRST))
        .then([queued(FIRST)])
        .then_owes(NOON, &owed(FIRST, 1))
        .and_when(queue(FIRST))
        .then_nothing();
}

#[test]
fn a_delivery_that_is_due_later_is_waited_for() {
    let later = NOON.after(MINUTE);
    given::<Ledger>([queued_at(FIRST, later)])
        .when(queue(FIRST))
        .then_nothing()
        .then_owes(NOON, &Next::Wait(later))
        .then_owes(later, &owed(FIRST, 1));
}

#[test]
fn a_ledger_without_deliveries_owes_nothing() {
    let nothing = Command::Abandon { delivery: None, reason: AbandonReason::WebhookDeleted };
    fresh::<Ledger>().when(nothing).then_nothing().then_owes(NOON, &Next::Idle);
}

#[test]
fn what_was_delivered_is_owed_no_more_and_never_queued_again() {
    given::<Ledger>([queued(FIRST)])
        .when(record(FIRST, 1, Ended::Delivered(ok())))
        .then([delivered(FIRST, 1)])
        .then_owes(NOON, &Next::Idle)
        .and_when(queue(FIRST))
        .then_nothing();
}

#[test]
fn a_failed_attempt_is_repeated_by_the_schedule_until_it_is_at_its_end() {
    use AttemptClass::Server;
    let (second_at, third_at) = (retry_at(FIRST, 1), retry_at(FIRST, 2));
    given::<Ledger>([queued(FIRST)])
        .when(record(FIRST, 1, failure(Server)))
        .then([failed(FIRST, 1, Server, Some(second_at))])
        .then_owes(NOON, &Next::Wait(second_at))
        .then_owes(second_at, &owed(FIRST, 2))
        .and_when(record(FIRST, 2, failure(Server)))
        .then([failed(FIRST, 2, Server, Some(third_at))])
        .then_owes(third_at, &owed(FIRST, 3))
        .and_when(record(FIRST, 3, failure(Server)))
        .then([failed(FIRST, 3, Server, None), abandoned(FIRST, AbandonReason::Exhausted)])
        .then_owes(third_at, &Next::Idle)
        .and_when(queue(FIRST))
        .then_nothing();
}

#[test]
fn what_the_receiver_answered_is_kept() {
    let response = Some(Response { status: 503, body: "busy".into(), truncated: false });
    let class = AttemptClass::Server;
    let ended =
        Ended::Failed { class, detail: "no".into(), response: response.clone(), retry_after: None };
    let mut expected = failed(FIRST, 1, class, Some(retry_at(FIRST, 1)));
    if let Event::AttemptFailed(failed) = &mut expected {
        failed.response = response;
    }
    given::<Ledger>([queued(FIRST)]).when(record(FIRST, 1, ended)).then([expected]);
}

#[test]
fn reports_that_come_twice_or_too_late_change_nothing() {
    use AttemptClass::Timeout;
    let again = record(FIRST, 1, failure(Timeout));
    given::<Ledger>([queued(FIRST)])
        .when(again.clone())
        .then([failed(FIRST, 1, Timeout, Some(retry_at(FIRST, 1)))])
        .and_when(again)
        .then_nothing()
        .and_when(record(FIRST, 1, Ended::Delivered(ok())))
        .then_nothing()
        .and_when(record(FIRST, 3, Ended::Delivered(ok())))
        .then_nothing()
        .and_when(record(FIRST, 2, Ended::Delivered(ok())))
        .then([delivered(FIRST, 2)])
        .and_when(record(FIRST, 2, failure(Timeout)))
        .then_nothing()
        .and_when(record(FIRST, 3, failure(Timeout)))
        .then_nothing();
}

#[test]
fn a_delivery_that_was_never_queued_is_not_known() {
    given::<Ledger>([queued(SECOND)])
        .when(record(FIRST, 1, Ended::Delivered(ok())))
        .then_refused(&Rejection::Unknown(id(FIRST)));
}

#[test]
fn one_delivery_is_abandoned_and_the_others_stay() {
    let reason = AbandonReason::WebhookDeleted;
    let abandon = Command::Abandon { delivery: Some(id(FIRST)), reason };
    given::<Ledger>([queued(FIRST), queued(SECOND)])
        .when(abandon.clone())
        .then([abandoned(FIRST, reason)])
        .then_owes(NOON, &owed_behind(1, SECOND, 1))
        .and_when(abandon)
        .then_nothing();
}

#[test]
fn all_deliveries_are_abandoned_in_the_order_they_are_due() {
    let reason = AbandonReason::WebhookDeleted;
    let abandon = Command::Abandon { delivery: None, reason };
    given::<Ledger>([queued_at(FIRST, NOON.after(MINUTE)), queued(SECOND)])
        .when(abandon.clone())
        .then([abandoned(SECOND, reason), abandoned(FIRST, reason)])
        .then_owes(NOON, &Next::Idle)
        .and_when(abandon)
        .then_nothing()
        .and_when(record(FIRST, 1, Ended::Delivered(ok())))
        .then_nothing();
}

#[test]
fn more_deliveries_than_one_append_takes_are_abandoned_in_turns() {
    let mut ledger = Ledger::default();
    for number in 0..ABANDONED_MAX as u128 + 3 {
        let event = EventId(Uuid::from_u128(number));
        let delivery = DeliveryId::of(event, WebhookId(7));
        ledger.evolve(&Queued { delivery, ..queued(FIRST) }.into());
    }
    let abandon = Command::Abandon { delivery: None, reason: AbandonReason::WebhookDeleted };
    let mut turns = vec![];
    while ledger.pending() > 0 {
        let events = ledger.decide(&abandon).unwrap();
        turns.push(events.len());
        events.iter().for_each(|event| ledger.evolve(event));
    }
    assert_eq!(turns, [ABANDONED_MAX, 3]);
}

#[test]
fn what_is_due_first_is_owed_first_and_what_was_queued_first_among_equals() {
    let (early, late) = (NOON, NOON.after(MINUTE));
    let ledger: Given<Ledger> =
        given([queued_at(3, late), queued_at(9, early), queued_at(1, early), queued_at(5, late)]);
    let mut busy = BTreeSet::new();
    let mut order = vec![];
    while let Next::Do(effects) = ledger.state().next(late, &busy, 3) {
        order.extend(effects.iter().map(|effect| DeliveryId(effect.key())));
        busy.extend(effects.iter().map(Effect::key));
    }
    assert_eq!(order, [9, 1, 3, 5].map(id));
    assert_eq!(ledger.state().next(late, &busy, 3), Next::Idle);
    let first_two = [9, 1].map(id).map(|id| id.0).into_iter().collect();
    assert_eq!(ledger.state().next(early, &first_two, 3), Next::Wait(late));
}

#[test]
fn a_retry_stands_behind_what_is_due_before_it() {
    use AttemptClass::Connect;
    let retry = failed(FIRST, 1, Connect, Some(NOON.after(MINUTE)));
    given::<Ledger>([Event::from(queued(FIRST)), retry, queued(SECOND).into()])
        .when(queue(FIRST))
        .then_nothing()
        .then_owes(NOON.after(MINUTE * 2), &owed(SECOND, 1));
}

#[test]
fn a_ledger_remembers_as_many_deliveries_as_it_says_and_no_more() {
    let number = |number: usize| DeliveryId(Uuid::from_u128(number as u128));
    let mut ledger = Ledger::default();
    let again = |delivery| Command::Queue(Arc::new(Queued { delivery, ..queued(FIRST) }));
    for delivery in (0..=REMEMBERED_MAX).map(number) {
        for event in ledger.decide(&again(delivery)).unwrap() {
            ledger.evolve(&event);
        }
        ledger.evolve(&Abandoned { delivery, reason: AbandonReason::Exhausted }.into());
    }
    let known = (0..=REMEMBERED_MAX).map(number).filter(|it| ledger.memory.knows(*it));
    assert_eq!(known.count(), REMEMBERED_MAX);
    assert_eq!(ledger.pending(), 0);
    assert_eq!(ledger.decide(&again(number(1))), Ok(vec![]));
    assert_eq!(ledger.decide(&again(number(0))).unwrap().len(), 1);
}

#[test]
fn what_was_queued_last_is_known_however_much_older_ends_after_it() {
    let number = |number: usize| DeliveryId(Uuid::from_u128(number as u128));
    let mut ledger = Ledger::default();
    let queue = |delivery| Command::Queue(Arc::new(Queued { delivery, ..queued(FIRST) }));
    for delivery in (0..=REMEMBERED_MAX).map(number) {
        for event in ledger.decide(&queue(delivery)).unwrap() {
            ledger.evolve(&event);
        }
    }
    for delivery in (0..=REMEMBERED_MAX).rev().map(number) {
        ledger.evolve(&Abandoned { delivery, reason: AbandonReason::Exhausted }.into());
    }
    assert_eq!(ledger.decide(&queue(number(REMEMBERED_MAX))), Ok(vec![]));
}

#[test]
fn a_schedule_without_waits_allows_one_attempt() {
    let once = Report { schedule: vec![], ..report(FIRST, 1, failure(AttemptClass::Server)) };
    given::<Ledger>([queued(FIRST)]).when(Command::Record(Arc::new(once))).then([
        failed(FIRST, 1, AttemptClass::Server, None),
        abandoned(FIRST, AbandonReason::Exhausted),
    ]);
}

proptest! {
    #[test]
    fn a_wait_is_the_schedules_give_or_take_a_fifth(
        waits in prop::collection::vec(0u64..10_000_000_000, 1..12),
        delivery: u128,
        attempt in 1u32..14,
    ) {
        let schedule: Vec<_> = waits.iter().copied().map(Duration::from_micros).collect();
        let delivery = DeliveryId(Uuid::from_u128(delivery));
        let wait = wait_after(&schedule, delivery, attempt);
        prop_assert_eq!(wait, wait_after(&schedule, delivery, attempt));
        match (wait, schedule.get(attempt as usize - 1)) {
            (Some(wait), Some(planned)) => {
                let (wait, planned) = (wait.as_micros(), planned.as_micros());
                prop_assert!(wait * 10 + 10 >= planned * 8, "{wait} is too soon for {planned}");
                prop_assert!(wait * 10 <= planned * 12, "{wait} is too late for {planned}");
            }
            (wait, planned) => prop_assert_eq!(wait.is_some(), planned.is_some()),
        }
    }
}

#[test]
fn waits_are_spread_over_the_whole_range() {
    let second = [Duration::from_secs(1)];
    let waits: Vec<_> = (0..1000_u128)
        .map(|number| DeliveryId(Uuid::from_u128(number)))
        .map(|delivery| wait_after(&second, delivery, 1).unwrap().as_millis())
        .collect();
    assert!(waits.iter().any(|wait| *wait < 820) && waits.iter().any(|wait| *wait > 1180));
    let mean = waits.iter().sum::<u128>() / 1000;
    assert!((980..=1020).contains(&mean), "{mean}");
}

#[test]
fn there_is_no_attempt_before_the_first() {
    assert_eq!(wait_after(&[MINUTE], id(FIRST), 0), None);
}
