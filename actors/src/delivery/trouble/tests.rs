use events::delivery::{
    AbandonReason, Abandoned, AttemptClass, AttemptFailed, Backlog, Delivered, EndpointDisabled,
    EndpointEnabled, EndpointFailing, EndpointMoved, Event, Queued, Response,
};
use events::{AccountId, Actor, DeliveryId, EventId, WebhookId};
use uuid::Uuid;

use super::*;
use crate::testing::NOON;

const WEBHOOK: EndpointId = EndpointId::Webhook(WebhookId(7));

fn at(second: u64) -> Timestamp {
    NOON.after(Duration::from_secs(second))
}

fn delivery() -> DeliveryId {
    DeliveryId::of(EventId(Uuid::nil()), WebhookId(7))
}

fn failed(second: u64) -> Event {
    AttemptFailed {
        delivery: delivery(),
        attempt: 1,
        class: AttemptClass::Connect,
        detail: "no".into(),
        response: None,
        started_at: at(second),
        duration_us: 0,
        retry_at: None,
        charged: true,
        throttled_until: None,
        address: None,
    }
    .into()
}

fn queued() -> Event {
    let (source, event) = (EventId(Uuid::nil()), "message_created".to_owned());
    let (account, body, key) = (AccountId(1), String::new(), None);
    Queued { delivery: delivery(), account, event, source, body, due: NOON, key }.into()
}

fn delivered(second: u64) -> Event {
    Delivered {
        delivery: delivery(),
        attempt: 1,
        response: Response { status: 200, body: String::new(), truncated: false },
        started_at: at(second),
        duration_us: 0,
        address: None,
    }
    .into()
}

fn disabled(rule: DisableRule, second: u64) -> Event {
    let (by, at) = (Actor::DELIVERY, at(second));
    EndpointDisabled { rule, reason: "it is".into(), by, at, since: None, held: None }.into()
}

/// What is said of an endpoint by a process that began at noon, with the second in which.
fn said(story: impl IntoIterator<Item = (u64, Event)>) -> Vec<(u64, Line)> {
    let (troubles, mut tally) = (Troubles::new(NOON), Tally::default());
    let lines = story.into_iter().filter_map(|(second, event)| {
        tally.take(at(second), &event);
        Some((second, troubles.news(WEBHOOK, &tally, || true)?))
    });
    lines.collect()
}

fn fails(second: u64) -> Line {
    Line::Fails { since: at(second), class: "connect", pending: 0 }
}

#[test]
fn a_row_of_failures_is_said_once_and_so_is_its_end() {
    let row = [0, 3, 6, 9].map(|second| (second, failed(second)));
    let end = [(20, delivered(20)), (21, delivered(21))];
    assert_eq!(
        said(row.into_iter().chain(end)),
        [(6, fails(0)), (20, Line::Takes { since: at(0) })]
    );
}

#[test]
fn neither_a_failure_or_two_nor_a_moment_of_many_is_worth_a_line() {
    let two = [0, 60].map(|second| (second, failed(second)));
    assert_eq!(said(two.into_iter().chain([(61, delivered(61))])), []);
    let many = (0..50).map(|_| (1, failed(1)));
    assert_eq!(said(many.chain([(2, delivered(2))])), []);
}

#[test]
fn one_that_is_probed_is_said_to_fail() {
    let detail = "no".to_owned();
    let (since, probe_at) = (at(0), at(2));
    let probed = EndpointFailing { since, class: AttemptClass::Connect, detail, probe_at };
    assert_eq!(said([(0, failed(0)), (1, probed.into())]), [(1, fails(0))]);
}

#[test]
fn disabled_and_enabled_are_said_and_that_it_takes_again_only_of_one_that_failed() {
    let (by, backlog) = (Actor::ADMIN, Backlog::All);
    let enabled = EndpointEnabled { backlog, by, at: at(90) };
    let row = [0, 3, 6].map(|second| (second, failed(second)));
    let rest = [(80, disabled(DisableRule::Gone, 80)), (90, enabled.into()), (95, delivered(95))];
    let gone = Line::Disabled { since: at(80), rule: DisableRule::Gone, held: 0 };
    assert_eq!(said(row.into_iter().chain(rest)), [(6, fails(0)), (80, gone), (90, Line::Enabled)]);
}

#[test]
fn one_that_moved_has_not_taken_anything() {
    let row = [0, 3, 6].map(|second| (second, failed(second)));
    let moved = [(7, EndpointMoved {}.into()), (8, delivered(8))];
    assert_eq!(said(row.into_iter().chain(moved)), [(6, fails(0))]);
}

/// One that failed from noon on, and is owed one delivery.
fn failing() -> Tally {
    let mut tally = Tally::default();
    tally.take(NOON, &queued());
    for second in [0, 3, 6] {
        tally.take(at(second), &failed(second));
    }
    tally
}

/// A process that begins a minute later.
fn later() -> Troubles {
    Troubles::new(at(60))
}

#[test]
fn what_was_so_before_this_process_is_named_by_it_once() {
    let (troubles, mut tally) = (later(), failing());
    let fails = Line::Fails { since: at(0), class: "connect", pending: 1 };
    assert_eq!(troubles.news(WEBHOOK, &tally, || true), Some(fails));
    assert_eq!(troubles.news(WEBHOOK, &tally, || true), None);
    let mut disabled_then = tally.clone();
    disabled_then.take(at(7), &disabled(DisableRule::Failing, 7));
    let disabled = Line::Disabled { since: at(7), rule: DisableRule::Failing, held: 1 };
    let troubles_of_another = later();
    let news = || troubles_of_another.news(WEBHOOK, &disabled_then, || true);
    assert_eq!([news(), news()], [Some(disabled), None]);
    tally.take(at(70), &delivered(70));
    assert_eq!(troubles.news(WEBHOOK, &tally, || true), Some(Line::Takes { since: at(0) }));
}

#[test]
fn what_was_so_before_is_not_named_where_nothing_is_owed_or_somebody_wanted_it() {
    let mut by_hand = failing();
    by_hand.take(at(7), &disabled(DisableRule::Asked, 7));
    assert_eq!(later().news(WEBHOOK, &by_hand, || true), None);
    let gone = Abandoned { delivery: delivery(), reason: AbandonReason::WebhookDeleted };
    let (troubles, mut deleted) = (later(), failing());
    deleted.take(at(7), &gone.into());
    assert_eq!(troubles.news(WEBHOOK, &deleted, || true), None);
    // It is not deleted after all: what fails now is news.
    deleted.take(at(61), &queued());
    deleted.take(at(62), &failed(62));
    let fails = Line::Fails { since: at(0), class: "connect", pending: 1 };
    assert_eq!(troubles.news(WEBHOOK, &deleted, || true), Some(fails));
}

#[test]
fn of_very_many_a_few_are_named_and_that_there_are_more() {
    let (troubles, tally) = (later(), failing());
    let news = |id| troubles.news(EndpointId::Webhook(WebhookId(id)), &tally, || true);
    let lines: Vec<_> = (0..100).filter_map(news).collect();
    assert_eq!((lines.len(), lines.last()), (NAMED_MAX + 1, Some(&Line::More)));
}

#[test]
fn what_another_node_works_is_said_there() {
    let (troubles, mut tally) = (Troubles::new(NOON), Tally::default());
    tally.take(at(1), &disabled(DisableRule::Gone, 1));
    assert_eq!(troubles.news(WEBHOOK, &tally, || false), None);
    let taken_over = Line::Disabled { since: at(1), rule: DisableRule::Gone, held: 0 };
    assert_eq!(troubles.news(WEBHOOK, &tally, || true), Some(taken_over));
}
