//! What each kind of failure means for its delivery.

use events::delivery::{DisableRule, EndpointDisabled, EndpointWarned, Warning};

use super::*;
use crate::delivery::schedule::{WAIT_MAX, after_ours};

const HOUR: Duration = Duration::from_secs(3600);

fn answered(status: u16, class: AttemptClass, retry_after: Option<Duration>) -> Ended {
    let response = Some(Response { status, body: "no".into(), truncated: false });
    Ended::Failed { class, detail: "no".into(), response, retry_after }
}

/// The failure as it is recorded, and what else happens.
fn fail(number: u8, ended: Ended) -> (AttemptFailed, Vec<Event>) {
    let ledger: Given<Ledger> = given([queued(number)]);
    let mut events = ledger.state().decide(&record(number, 1, ended)).unwrap();
    let Event::AttemptFailed(failed) = events.remove(0) else { panic!("it did not fail") };
    (failed, events)
}

fn at() -> Timestamp {
    report(FIRST, 1, failure(AttemptClass::Server)).now
}

#[test]
fn most_failures_follow_the_schedule() {
    use AttemptClass::{Client, Connect, Dns, Server, Throttled, Timeout};
    for class in [Client, Connect, Dns, Server, Throttled, Timeout] {
        let (failed, rest) = fail(FIRST, failure(class));
        assert_eq!(failed.retry_at, Some(retry_at(FIRST, 1)), "{class}");
        assert!(failed.charged && rest.is_empty(), "{class}");
    }
}

#[test]
fn a_forbidden_address_is_never_tried_again() {
    let class = AttemptClass::Blocked;
    let (failed, rest) = fail(FIRST, failure(class));
    assert_eq!(failed.retry_at, None);
    assert_eq!(rest, [abandoned(FIRST, AbandonReason::Blocked)]);
}

#[test]
fn retry_after_of_429_and_503_is_obeyed_up_to_a_day_and_costs_nothing() {
    for (status, class) in [(429, AttemptClass::Throttled), (503, AttemptClass::Server)] {
        for (asked, obeyed) in [
            (Duration::ZERO, Duration::from_secs(1)),
            (HOUR * 23, HOUR * 23),
            (HOUR * 99, WAIT_MAX),
        ] {
            let (failed, rest) = fail(FIRST, answered(status, class, Some(asked)));
            assert_eq!(failed.retry_at, Some(at().after(obeyed)), "{status}");
            assert_eq!(failed.throttled_until, failed.retry_at, "{status}");
            assert!(!failed.charged && rest.is_empty(), "{status}");
        }
    }
    let (failed, _) = fail(FIRST, answered(500, AttemptClass::Server, Some(HOUR)));
    assert_eq!((failed.retry_at, failed.throttled_until), (Some(retry_at(FIRST, 1)), None));
}

#[test]
fn an_endpoint_that_asks_to_be_left_alone_is_left_alone_by_all() {
    let hour = Some(HOUR);
    given::<Ledger>([queued(FIRST), queued(SECOND)])
        .when(record(FIRST, 1, answered(429, AttemptClass::Throttled, hour)))
        .then_owes(NOON.after(MINUTE), &Next::Wait(at().after(HOUR)))
        .then_owes(at().after(HOUR), &owed(SECOND, 1));
}

#[test]
fn who_is_not_found_or_not_believed_is_left_alone_for_longer_and_told_of_once() {
    for (status, class, warning) in [
        (404, AttemptClass::Client, Warning::NotFound),
        (401, AttemptClass::Auth, Warning::Unauthorized),
        (403, AttemptClass::Auth, Warning::Unauthorized),
    ] {
        let ended = answered(status, class, None);
        let (failed, rest) = fail(FIRST, ended.clone());
        let usual = retry_at(FIRST, 1).since(at());
        assert_eq!(failed.retry_at, Some(at().after(usual * 5)), "{status}");
        let since = failed.started_at;
        let disables_at = since.after(MINUTE * 60 * 24 * 5);
        let warned = EndpointWarned { warning, detail: "no".into(), since, disables_at };
        assert_eq!(rest, [warned.clone().into()], "{status}");
        let story: [Event; 3] = [queued(FIRST).into(), failed.into(), warned.into()];
        let again: Given<Ledger> = given::<Ledger>(story);
        assert_eq!(again.state().decide(&record(FIRST, 2, ended)).unwrap().len(), 1);
    }
}

#[test]
fn a_fault_of_ours_costs_nothing_and_says_nothing_of_the_endpoint() {
    let ours = AttemptClass::Ours;
    let mut ledger: Ledger = Ledger::default();
    ledger.evolve(&queued(FIRST).into());
    for attempt in 1..=20 {
        let events = ledger.decide(&record(FIRST, attempt, failure(ours))).unwrap();
        let [Event::AttemptFailed(failed)] = &events[..] else { panic!("{events:?}") };
        assert!(!failed.charged);
        let wait = after_ours(id(FIRST), attempt - 1);
        assert!(wait <= HOUR * 6 / 5, "{wait:?}");
        assert_eq!(failed.retry_at, Some(at().after(wait)));
        ledger.evolve(&events[0]);
    }
    assert_eq!(ledger.health(), &events::delivery::Health::default());
}

#[test]
fn gone_disables_the_endpoint_at_once_and_holds_what_it_is_owed() {
    let (failed, rest) = fail(FIRST, answered(410, AttemptClass::Gone, None));
    assert!(!failed.charged && failed.retry_at.is_some());
    let expected = EndpointDisabled {
        rule: DisableRule::Gone,
        reason: "it answered 410: no".into(),
        by: Actor::DELIVERY,
        at: at(),
        since: Some(NOON),
        held: Some(1),
    };
    assert_eq!(rest, [expected.clone().into()]);
    let story: [Event; 4] =
        [queued(FIRST).into(), failed.into(), expected.into(), queued(SECOND).into()];
    let ledger: Given<Ledger> = given::<Ledger>(story);
    assert_eq!(ledger.state().next(NOON.after(HOUR), &BTreeSet::new(), 1), Next::Idle);
    assert_eq!(ledger.state().pending(), 2);
}
