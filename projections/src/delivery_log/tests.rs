mod afar;
mod again;
mod retention;

use events::delivery::{
    AbandonReason, Abandoned, AttemptFailed, Backlog, Delivered, DisableRule, EndpointDisabled,
    EndpointEnabled, EndpointPaced, EndpointRecovered, Parked, Queued, Reopened, Response,
    RetryRequested,
};
use events::{Actor, Category, EventId, StreamName, WebhookId};
use uuid::Uuid;

use super::*;
use crate::testing::{ACCOUNT, WEBHOOK, fold, history, obeys_the_law, second};

fn ledger(event: impl Into<DeliveryEvent>) -> (StreamName, DeliveryEvent) {
    (StreamName::new(Category::Ledger, WEBHOOK), event.into())
}

fn id(number: u128) -> DeliveryId {
    DeliveryId::of(EventId(Uuid::from_u128(number)), WEBHOOK)
}

fn queued(number: u128, event: &str) -> (StreamName, DeliveryEvent) {
    ledger(Queued {
        delivery: id(number),
        account: ACCOUNT,
        event: event.into(),
        source: EventId(Uuid::from_u128(number)),
        body: "{}".into(),
        due: second(99),
        key: None,
    })
}

fn again(number: u128) -> (StreamName, DeliveryEvent) {
    let (_, event) = queued(number, "x");
    let DeliveryEvent::Queued(queued) = event else { unreachable!("it is queued") };
    ledger(Reopened { queued, attempts: 1, recovery: None })
}

fn answer(status: u16) -> Response {
    Response { status, body: String::new(), truncated: false }
}

fn failed(number: u128, attempt: u32, retry_at: Option<Timestamp>) -> (StreamName, DeliveryEvent) {
    ledger(AttemptFailed {
        delivery: id(number),
        attempt,
        class: AttemptClass::Server,
        detail: "it failed".into(),
        response: Some(answer(503)),
        started_at: second(0),
        duration_us: 1,
        address: None,
        retry_at,
        charged: true,
        throttled_until: None,
    })
}

fn delivered(number: u128, attempt: u32) -> (StreamName, DeliveryEvent) {
    let (started_at, duration_us, address) = (second(0), 1, None);
    let response = answer(204);
    ledger(Delivered { delivery: id(number), attempt, response, started_at, duration_us, address })
}

fn abandoned(number: u128) -> (StreamName, DeliveryEvent) {
    ledger(Abandoned { delivery: id(number), reason: AbandonReason::Exhausted })
}

fn log(events: impl IntoIterator<Item = (StreamName, DeliveryEvent)>) -> DeliveryLog {
    fold(&history(events))
}

fn listed(log: &DeliveryLog, filter: &Filter) -> Vec<DeliveryId> {
    log.list(WEBHOOK, filter).deliveries.into_iter().map(|delivery| delivery.id).collect()
}

#[test]
fn a_delivery_is_followed_from_its_queueing_to_its_end() {
    let story = [queued(1, "inbox_updated"), failed(1, 1, Some(second(50))), delivered(1, 2)];
    let mut expected = Delivery {
        id: id(1),
        event: "inbox_updated".into(),
        status: DeliveryStatus::Pending,
        attempts: 0,
        next_attempt_at: Some(second(99)),
        created_at: second(1),
        finished_at: None,
        last_class: None,
        last_status_code: None,
        revision: Revision(0),
        key: None,
        behind: None,
        removed_at: None,
        abandoned_for: None,
        reopened: None,
        often: false,
        failed_at: None,
        aside: false,
        stray: false,
        attempted: Revision(0),
        over: Revision(0),
    };
    assert_eq!(log(story[..1].to_vec()).delivery(id(1)), Some(expected.clone()));
    (expected.attempts, expected.attempted) = (1, Revision(1));
    (expected.next_attempt_at, expected.failed_at) = (Some(second(50)), Some(second(0)));
    (expected.last_class, expected.last_status_code) = (Some(AttemptClass::Server), Some(503));
    assert_eq!(log(story[..2].to_vec()).delivery(id(1)), Some(expected.clone()));
    (expected.attempts, expected.attempted) = (2, Revision(2));
    (expected.status, expected.next_attempt_at) = (DeliveryStatus::Delivered, None);
    expected.failed_at = None;
    (expected.last_class, expected.last_status_code) = (Some(AttemptClass::Ok), Some(204));
    (expected.finished_at, expected.over) = (Some(second(3)), Revision(2));
    assert_eq!(log(story).delivery(id(1)), Some(expected.clone()));
}

#[test]
fn a_delivery_that_was_given_up_keeps_its_last_failure() {
    let log = log([queued(1, "inbox_updated"), failed(1, 9, None), abandoned(1)]);
    let delivery = log.delivery(id(1)).unwrap();
    assert_eq!(
        (delivery.status, delivery.attempts, delivery.last_status_code),
        (DeliveryStatus::Abandoned, 9, Some(503))
    );
    assert_eq!((delivery.finished_at, delivery.next_attempt_at), (Some(second(3)), None));
}

#[test]
fn the_newest_come_first_and_filters_choose() {
    let log = log([
        queued(1, "inbox_updated"),
        queued(2, "message_created"),
        queued(3, "inbox_updated"),
        queued(4, "inbox_updated"),
        delivered(1, 1),
        abandoned(4),
    ]);
    let all = Filter::newest(10);
    assert_eq!(listed(&log, &all), [id(4), id(3), id(2), id(1)]);
    assert_eq!(listed(&log, &Filter::newest(2)), [id(4), id(3)]);
    let of = |status| Filter { status: Some(status), ..all.clone() };
    assert_eq!(listed(&log, &of(DeliveryStatus::Pending)), [id(3), id(2)]);
    assert_eq!(listed(&log, &of(DeliveryStatus::Delivered)), [id(1)]);
    assert_eq!(listed(&log, &of(DeliveryStatus::Abandoned)), [id(4)]);
    let messages = Filter { event: Some("message_created".into()), ..all.clone() };
    assert_eq!(listed(&log, &messages), [id(2)]);
    let between = Filter { before: Some(second(4)), after: Some(second(1)), ..all.clone() };
    assert_eq!(listed(&log, &between), [id(3), id(2)]);
    assert_eq!(log.list(WebhookId(8), &all), Listed::default());
}

#[test]
fn all_that_is_owed_is_listed_and_of_what_is_finished_the_newest() {
    let many = FINISHED_MAX as u128 + 50;
    let queue = (0..many).map(|number| queued(number, "inbox_updated"));
    // The very first stays owed.
    let log = log(queue.chain((1..many).map(|number| delivered(number, 1))));
    let listed = listed(&log, &Filter::newest(usize::MAX));
    assert_eq!(listed.len(), FINISHED_MAX + 1);
    assert_eq!(listed.last(), Some(&id(0)));
    assert_eq!(log.delivery(id(1)), None);
    assert!(log.delivery(id(50)).is_some());
}

#[test]
fn what_is_said_of_an_unknown_delivery_is_ignored() {
    let log = log([failed(1, 1, None), delivered(1, 1), abandoned(2)]);
    assert_eq!(listed(&log, &Filter::newest(10)), []);
}

#[test]
fn seen_twice_is_seen_once() {
    obeys_the_law::<DeliveryLog>(&history([
        queued(1, "inbox_updated"),
        queued(2, "inbox_updated"),
        failed(1, 1, Some(second(9))),
        delivered(1, 2),
        abandoned(2),
    ]));
}

fn keyed(number: u128, key: &str) -> (StreamName, DeliveryEvent) {
    let (stream, mut event) = queued(number, "message_created");
    if let DeliveryEvent::Queued(queued) = &mut event {
        queued.key = Some(key.into());
    }
    (stream, event)
}

#[test]
fn what_waits_for_another_says_for_which() {
    let paced = |ordering| ledger(EndpointPaced { ordering });
    let story = [keyed(1, "a"), keyed(2, "b"), keyed(3, "a")];
    let behind = |ordering| {
        let log = log(story.iter().cloned().chain([paced(ordering)]).collect::<Vec<_>>());
        [1, 2, 3].map(|number| log.delivery(id(number)).unwrap().behind)
    };
    assert_eq!(behind(Ordering::None), [None, None, None]);
    assert_eq!(behind(Ordering::ByKey), [None, None, Some(id(1))]);
    assert_eq!(behind(Ordering::Fifo), [None, Some(id(1)), Some(id(1))]);
    let parked = ledger(Parked { delivery: id(1) });
    let log = log(story.into_iter().chain([paced(Ordering::ByKey), parked]).collect::<Vec<_>>());
    assert_eq!(log.delivery(id(3)).unwrap().behind, None);
    assert_eq!(log.delivery(id(1)).unwrap().status, DeliveryStatus::Held);
}

#[test]
fn what_is_owed_once_more_waits_behind_what_was_owed_before_it() {
    let fifo = ledger(EndpointPaced { ordering: Ordering::Fifo });
    let parked = ledger(Parked { delivery: id(1) });
    let log = log([fifo, queued(1, "x"), parked, abandoned(1), queued(2, "x"), again(1)]);
    let behind = [1, 2].map(|number| log.delivery(id(number)).unwrap().behind);
    assert_eq!(behind, [Some(id(2)), None]);
}

#[test]
fn what_is_asked_for_while_it_waits_waits_no_more_and_holds_up_nobody() {
    let asked = |number| ledger(RetryRequested { delivery: id(number), due: second(5) });
    let story = [ledger(EndpointPaced { ordering: Ordering::Fifo })];
    let story = story.into_iter().chain([1, 2, 3].map(|number| queued(number, "x")));
    let behind = |number| {
        let log = log(story.clone().chain([asked(number), delivered(1, 1)]));
        [2, 3].map(|number| log.delivery(id(number)).unwrap().behind)
    };
    assert_eq!(behind(2), [None, None]);
    assert_eq!(behind(1), [None, Some(id(2))], "the first of them stays the first");
    let log = log(story.chain([asked(2)]));
    assert_eq!(log.delivery(id(2)).unwrap().behind, None);
    assert_eq!(log.delivery(id(3)).unwrap().behind, Some(id(1)));
}

#[test]
fn what_a_disabled_endpoint_is_owed_is_held_until_it_is_enabled() {
    let disabled = EndpointDisabled {
        rule: DisableRule::Asked,
        reason: "maintenance".into(),
        by: Actor::ADMIN,
        at: second(2),
        since: None,
        held: Some(1),
    };
    let enabled = EndpointEnabled { backlog: Backlog::All, by: Actor::ADMIN, at: second(3) };
    let story = [queued(1, "x"), ledger(disabled), ledger(enabled)];
    let held = Filter { status: Some(DeliveryStatus::Held), ..Filter::newest(9) };
    assert_eq!(listed(&log(story[..2].to_vec()), &held), [id(1)]);
    assert_eq!(listed(&log(story.to_vec()), &held), []);
}

#[test]
fn what_failed_with_its_endpoint_is_due_when_that_is_back() {
    let next = |event| {
        let story = [queued(1, "x"), failed(1, 1, Some(second(500))), queued(2, "x"), event];
        let log = log(story);
        [1, 2].map(|number| log.delivery(id(number)).unwrap().next_attempt_at)
    };
    let enabled = EndpointEnabled { backlog: Backlog::All, by: Actor::ADMIN, at: second(9) };
    assert_eq!(next(ledger(enabled)), [Some(second(9)), Some(second(99))]);
    let recovered = |since| ledger(EndpointRecovered { since, at: second(9) });
    assert_eq!(next(recovered(second(0))), [Some(second(9)), Some(second(99))]);
    assert_eq!(next(recovered(second(1))), [Some(second(500)), Some(second(99))]);
}

#[test]
fn what_is_owed_once_more_is_pending_again_and_ends_again() {
    let story = [queued(1, "x"), failed(1, 1, None), abandoned(1), again(1), delivered(1, 2)];
    let status = |log: DeliveryLog| log.delivery(id(1)).unwrap().status;
    assert_eq!(status(log(story[..4].to_vec())), DeliveryStatus::Pending);
    assert_eq!(status(log(story.to_vec())), DeliveryStatus::Delivered);
    assert_eq!(status(log([again(1)])), DeliveryStatus::Pending);
}

#[test]
fn what_was_given_up_and_then_recovered_is_listed_as_delivered() {
    let numbers = || 1..=FINISHED_MAX as u128;
    let given_up = numbers().flat_map(|number| [queued(number, "x"), abandoned(number)]);
    let recovered = numbers().flat_map(|number| [again(number), delivered(number, 2)]);
    let log = log(given_up.chain(recovered));
    let filter = Filter { status: Some(DeliveryStatus::Delivered), ..Filter::newest(usize::MAX) };
    assert_eq!(listed(&log, &filter).len(), FINISHED_MAX);
}

#[test]
fn those_given_up_are_not_crowded_out_by_those_delivered() {
    let many = FINISHED_MAX as u128 + 50;
    let given_up = (0..5).flat_map(|number| [queued(number, "x"), abandoned(number)]);
    let taken = (5..many + 5).flat_map(|number| [queued(number, "x"), delivered(number, 1)]);
    let log = log(given_up.chain(taken));
    let of = |status| log.list(WEBHOOK, &Filter { status, ..Filter::newest(usize::MAX) });
    let given_up = of(Some(DeliveryStatus::Abandoned));
    assert_eq!((given_up.deliveries.len(), given_up.left), (5, None), "no other was given up");
    // The last of the fifty that went was queued as the fifty-fifth, by two records each.
    let taken = of(Some(DeliveryStatus::Delivered));
    assert_eq!((taken.deliveries.len(), taken.left), (FINISHED_MAX, Some(Revision(108))));
    assert_eq!(of(None).left, taken.left);
    assert_eq!(of(Some(DeliveryStatus::Pending)).left, None);
}

#[test]
fn a_place_of_the_ledger_parts_the_list_though_many_are_of_one_moment() {
    let mut records = history((1..=4).map(|number| queued(number, "x")));
    for record in &mut records {
        record.at = second(7);
    }
    let log = fold::<DeliveryLog>(&records);
    let filter = Filter { below: Some(Revision(2)), ..Filter::newest(9) };
    assert_eq!(listed(&log, &filter), [id(2), id(1)]);
}
