//! What waits for what; what is asked for, skipped and parked.

use events::webhook::Ordering;

use super::*;

fn keyed(number: u8, key: &str) -> Event {
    Queued { key: Some(key.into()), ..queued(number) }.into()
}

fn ordered(ordering: Ordering) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.evolve(&EndpointPaced { ordering }.into());
    for event in [keyed(1, "a"), keyed(2, "b"), keyed(3, "a"), keyed(4, "b")] {
        ledger.evolve(&event);
    }
    ledger
}

/// All that may be under way at once.
fn at_once(ledger: &Ledger, now: Timestamp) -> Vec<u8> {
    let (mut busy, mut owed) = (BTreeSet::new(), vec![]);
    while let Next::Do(effects) = ledger.next(now, &busy, 2) {
        for effect in effects {
            owed.extend((1..=9).find(|number| id(*number).0 == effect.key()));
            busy.insert(effect.key());
        }
    }
    owed
}

fn ask(ledger: &mut Ledger, command: &Command) -> usize {
    let events = ledger.decide(command).unwrap();
    events.iter().for_each(|event| ledger.evolve(event));
    events.len()
}

fn retry(number: u8, attempts: u32) -> Command {
    Command::Retry(Box::new(Reopened { queued: queued(number), attempts, recovery: None }))
}

#[test]
fn with_fifo_each_waits_for_all_before_it() {
    let mut ledger = ordered(Ordering::Fifo);
    assert_eq!(at_once(&ledger, NOON), [1]);
    ask(&mut ledger, &record(1, 1, failure(AttemptClass::Server)));
    assert_eq!(at_once(&ledger, NOON), [] as [u8; 0]);
    ask(&mut ledger, &record(1, 2, Ended::Delivered(ok())));
    assert_eq!(at_once(&ledger, NOON), [2]);
}

#[test]
fn by_key_each_waits_for_those_of_its_key() {
    let mut ledger = ordered(Ordering::ByKey);
    assert_eq!(at_once(&ledger, NOON), [1, 2]);
    ask(&mut ledger, &record(1, 1, failure(AttemptClass::Server)));
    assert_eq!(at_once(&ledger, NOON), [2]);
    ask(&mut ledger, &record(2, 1, Ended::Delivered(ok())));
    assert_eq!(at_once(&ledger, NOON), [4]);
    assert_eq!(at_once(&ledger, retry_at(1, 1)), [4, 1]);
}

#[test]
fn another_order_holds_from_then_on() {
    let mut ledger = ordered(Ordering::Fifo);
    assert_eq!(ask(&mut ledger, &Command::Order(Ordering::None)), 1);
    assert_eq!(at_once(&ledger, NOON), [1, 2, 3, 4]);
    assert_eq!(ask(&mut ledger, &Command::Order(Ordering::None)), 0);
    assert_eq!(ask(&mut ledger, &Command::Order(Ordering::ByKey)), 1);
    assert_eq!(at_once(&ledger, NOON), [1, 2]);
}

#[test]
fn those_behind_go_on_when_the_first_is_skipped_or_parked() {
    let skip = Command::Abandon { delivery: Some(id(1)), reason: AbandonReason::Skipped };
    for away in [skip, Command::Park(id(1))] {
        let mut ledger = ordered(Ordering::ByKey);
        assert_eq!(ask(&mut ledger, &away), 1);
        assert_eq!(ask(&mut ledger, &away), 0);
        assert_eq!(at_once(&ledger, NOON), [2, 3]);
    }
    let refused = ordered(Ordering::Fifo).decide(&Command::Park(id(9)));
    assert_eq!(refused, Err(Rejection::Unknown(id(9))));
}

#[test]
fn what_is_parked_goes_when_somebody_asks_for_it_and_waits_for_none() {
    let mut ledger = ordered(Ordering::Fifo);
    ask(&mut ledger, &Command::Park(id(4)));
    assert_eq!(ask(&mut ledger, &retry(4, 0)), 1);
    assert_eq!(at_once(&ledger, NOON), [1, 4]);
}

#[test]
fn a_retry_by_hand_takes_the_place_of_the_planned_one() {
    let mut ledger = Ledger::default();
    ledger.evolve(&queued(1).into());
    ask(&mut ledger, &record(1, 1, failure(AttemptClass::Server)));
    assert_eq!(at_once(&ledger, NOON), [] as [u8; 0]);
    assert_eq!(ask(&mut ledger, &retry(1, 1)), 1);
    assert_eq!(ask(&mut ledger, &retry(1, 1)), 0);
    assert_eq!(ledger.next(NOON, &BTreeSet::new(), 1), owed(1, 2));
    ask(&mut ledger, &record(1, 2, Ended::Delivered(ok())));
    assert_eq!(ledger.next(retry_at(1, 1), &BTreeSet::new(), 1), Next::Idle);
}

#[test]
fn what_was_given_up_is_owed_once_more_when_somebody_asks() {
    let mut ledger = Ledger::default();
    ledger.evolve(&queued(1).into());
    let skip = Command::Abandon { delivery: Some(id(1)), reason: AbandonReason::Skipped };
    ask(&mut ledger, &skip);
    assert_eq!(ask(&mut ledger, &retry(1, 3)), 1);
    assert_eq!(ledger.next(NOON, &BTreeSet::new(), 1), owed_behind(1, 1, 4));
    assert_eq!(ask(&mut ledger, &queue(1)), 0, "the fan-out does not owe it anew");
}

#[test]
fn what_is_brought_back_counts_on_whatever_whoever_asks_believes() {
    let mut ledger = Ledger::default();
    ledger.evolve(&queued(1).into());
    ask(&mut ledger, &record(1, 1, failure(AttemptClass::Server)));
    ask(&mut ledger, &record(1, 2, Ended::Delivered(ok())));
    assert_eq!(ask(&mut ledger, &retry(1, 0)), 1);
    assert_eq!(ledger.next(NOON, &BTreeSet::new(), 1), owed(1, 3));
}

#[test]
fn a_retry_by_hand_waits_for_none_before_it_and_lets_none_behind_it_pass() {
    let mut ledger = ordered(Ordering::ByKey);
    assert_eq!(ask(&mut ledger, &retry(3, 0)), 1);
    assert_eq!(at_once(&ledger, NOON), [1, 2, 3]);
    assert_eq!(ask(&mut ledger, &retry(3, 0)), 0);
    let mut ledger = ordered(Ordering::Fifo);
    ask(&mut ledger, &record(1, 1, failure(AttemptClass::Server)));
    assert_eq!(ask(&mut ledger, &retry(1, 1)), 1);
    assert_eq!(at_once(&ledger, NOON), [1], "the first of them stays the first");
}
