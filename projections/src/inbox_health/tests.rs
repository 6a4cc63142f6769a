mod model;

use events::evidence::Class;
use events::reauthorization::{Cause, Event as Reauthorization, ReauthorizationRequired};
use events::{Position, inbox};

use super::*;
use crate::testing::{
    ACCOUNT, error, fold, history, obeys_the_law, reauthorized, registered, second, stream,
    succeeded, verdict,
};

const ID: InboxId = InboxId(42);

fn required(count: u32, threshold: u32) -> InboxEvent {
    let cause = Cause::Threshold { count, threshold, verdict: verdict(Class::Auth) };
    Reauthorization::ReauthorizationRequired(ReauthorizationRequired::from(cause)).into()
}

fn prompted(reason: Option<&str>) -> InboxEvent {
    let cause = Cause::Prompted { reason: reason.map(Into::into) };
    Reauthorization::ReauthorizationRequired(ReauthorizationRequired::from(cause)).into()
}

/// A WhatsApp inbox to which these things happened, from second 2 on.
fn after(events: impl IntoIterator<Item = InboxEvent>) -> InboxHealth {
    let registered = registered("Channel::Whatsapp");
    fold(&history(std::iter::once(registered).chain(events).map(|event| (stream(42), event))))
}

/// State, since, cause.
fn state(health: &InboxHealth) -> (HealthState, Timestamp, Option<String>) {
    let inbox = health.inbox(ID).unwrap();
    (inbox.state, inbox.since, inbox.health.cause)
}

fn said(cause: &str) -> Option<String> {
    Some(cause.to_owned())
}

#[test]
fn an_inbox_is_unknown_until_the_first_proof() {
    let health = after([]);
    assert_eq!(state(&health), (HealthState::Unknown, second(1), None));
    let inbox = health.inbox(ID).unwrap();
    assert_eq!(
        (inbox.name, inbox.channel_type, inbox.threshold),
        ("Support", "Channel::Whatsapp", 2)
    );
    assert_eq!((inbox.last_success_at, inbox.last_error_at), (None, None));
}

#[test]
fn a_success_makes_it_healthy() {
    let health = after([succeeded()]);
    assert_eq!(state(&health), (HealthState::Healthy, second(2), None));
    let inbox = health.inbox(ID).unwrap();
    assert_eq!((inbox.last_success_at, inbox.next_action), (Some(second(2)), None));
}

#[test]
fn an_error_under_the_threshold_degrades_and_a_second_one_keeps_the_time() {
    let health = after([error(Class::Auth, 1), error(Class::Rate, 1)]);
    assert_eq!(state(&health), (HealthState::Degraded, second(2), said("rate")));
    let inbox = health.inbox(ID).unwrap();
    assert_eq!((inbox.last_error_at, inbox.authorization_error_count), (Some(second(3)), 1));
    let health = after([error(Class::Auth, 1)]);
    let cause = said("1 of 2, auth (meta 190/460)");
    assert_eq!(state(&health), (HealthState::Degraded, second(2), cause));
}

#[test]
fn at_the_threshold_action_is_needed_and_further_errors_change_nothing() {
    let further = [error(Class::Auth, 3), error(Class::Policy, 3), succeeded()];
    let health = after(
        [error(Class::Auth, 1), error(Class::Auth, 2), required(2, 2)].into_iter().chain(further),
    );
    let cause = said("threshold: 2 of 2, auth (meta 190/460)");
    assert_eq!(state(&health), (HealthState::ActionNeeded, second(4), cause));
    let inbox = health.inbox(ID).unwrap();
    assert!(inbox.reauthorization_required);
    assert_eq!(inbox.authorization_error_count, 3);
    assert_eq!(inbox.next_action, Some("reauthorize the inbox"));
}

#[test]
fn a_prompt_says_its_reason() {
    let health = after([prompted(Some("password changed"))]);
    assert_eq!(state(&health).2, said("prompted: password changed"));
    assert_eq!(state(&after([prompted(None)])).2, said("prompted"));
}

#[test]
fn reauthorized_makes_it_healthy_again() {
    let health = after([prompted(None), reauthorized(true)]);
    assert_eq!(state(&health), (HealthState::Healthy, second(3), None));
    assert!(!health.inbox(ID).unwrap().reauthorization_required);
}

#[test]
fn what_reauthorizing_will_not_mend_blocks_until_a_success() {
    for class in [Class::Policy, Class::Billing, Class::UserAction] {
        let health = after([error(class, 0), error(Class::Transient, 0)]);
        assert_eq!(state(&health), (HealthState::Blocked, second(2), said(class.as_str())));
        let health = after([error(class, 0), succeeded()]);
        assert_eq!(state(&health), (HealthState::Healthy, second(3), None));
    }
}

#[test]
fn settings_are_followed() {
    let health = after([
        inbox::Renamed { name: "Sales".into() }.into(),
        inbox::ChannelTypeChanged { channel_type: "Channel::Email".into() }.into(),
    ]);
    let inbox = health.inbox(ID).unwrap();
    assert_eq!((inbox.name, inbox.channel_type, inbox.threshold), ("Sales", "Channel::Email", 10));
    let health = after([inbox::ThresholdSet { threshold: Some(5) }.into()]);
    assert_eq!(health.inbox(ID).unwrap().threshold, 5);
}

#[test]
fn a_removed_inbox_is_not_listed_and_can_still_be_asked_about() {
    let health = after([error(Class::Rate, 0), inbox::Removed {}.into()]);
    assert_eq!((health.len(), health.of_account(ACCOUNT).count()), (0, 0));
    assert_eq!(health.ever_of_account(ACCOUNT).count(), 1);
    let inbox = health.inbox(ID).unwrap();
    assert_eq!((inbox.removed, inbox.state), (true, HealthState::Degraded));
    let again =
        after([error(Class::Rate, 0), inbox::Removed {}.into(), registered("Channel::Email")]);
    assert_eq!(state(&again), (HealthState::Unknown, second(4), None));
    assert_eq!(again.of_account(ACCOUNT).count(), 1);
    assert_eq!(again.ever_of_account(ACCOUNT).count(), 1);
}

#[test]
fn those_that_are_removed_keep_their_place_among_the_others() {
    let events = [
        (stream(9), registered("Channel::Email")),
        (stream(3), registered("Channel::Email")),
        (stream(3), inbox::Removed {}.into()),
        (stream(5), registered("Channel::Email")),
        (stream(5), inbox::Removed {}.into()),
    ];
    let health: InboxHealth = fold(&history(events));
    let ever: Vec<_> = health.ever_of_account(ACCOUNT).map(|id| id.0).collect();
    assert_eq!(ever, [3, 5, 9]);
}

#[test]
fn the_past_is_told_from_the_inboxs_own_records() {
    let events = [
        (stream(42), registered("Channel::Whatsapp")),
        (stream(7), registered("Channel::Email")),
        (stream(42), error(Class::Auth, 1)),
        (stream(7), succeeded()),
        (stream(42), required(2, 2)),
        (stream(42), reauthorized(true)),
    ];
    let whole = history(events);
    let own: Vec<_> = whole.iter().filter(|record| record.stream == stream(42)).cloned().collect();
    for position in 1..=6 {
        let until = events::Until::Position(Position(position));
        let all: InboxHealth = crate::replay(&whole, until);
        let alone: InboxHealth = crate::replay(&own, until);
        assert_eq!(all.inbox(ID), alone.inbox(ID), "at {position}");
    }
}

#[test]
fn seen_twice_is_seen_once() {
    obeys_the_law::<InboxHealth>(&history([
        (stream(1), registered("Channel::Whatsapp")),
        (stream(2), registered("Channel::Email")),
        (stream(1), error(Class::Auth, 1)),
        (stream(1), required(2, 2)),
        (stream(2), error(Class::Billing, 0)),
        (stream(1), reauthorized(true)),
        (stream(2), inbox::Removed {}.into()),
    ]));
}

#[test]
fn an_inbox_takes_little_memory() {
    assert!(size_of::<Entry>() <= 128, "{}", size_of::<Entry>());
}

fn day(days: u64) -> Timestamp {
    second(days * 24 * 3_600)
}

fn ends(at: Option<Timestamp>) -> InboxEvent {
    Reauthorization::ExpirySet(events::reauthorization::ExpirySet { expires_at: at }).into()
}

fn told(expires_at: Timestamp, days: u32) -> InboxEvent {
    let expiring = events::reauthorization::Expiring { expires_at, days };
    Reauthorization::Expiring(expiring).into()
}

#[test]
fn a_credential_that_ends_soon_makes_a_sound_inbox_expiring() {
    let end = day(40);
    let health = after([succeeded(), ends(Some(end)), told(end, 30)]);
    let cause = said(&format!("the credential ends at {end}"));
    assert_eq!(state(&health), (HealthState::Expiring, second(4), cause));
    let troubled = after([ends(Some(end)), error(Class::Auth, 1), told(end, 30)]);
    assert_eq!(state(&troubled).0, HealthState::Degraded, "trouble comes first");
    let well = after([ends(Some(end)), error(Class::Auth, 1), told(end, 30), succeeded()]);
    assert_eq!(state(&well).0, HealthState::Expiring, "a working call does not make it last");
    let renewed = after([ends(Some(end)), told(end, 30), ends(Some(day(400)))]);
    assert_eq!(state(&renewed).0, HealthState::Healthy);
}

#[test]
fn a_warning_is_owed_from_its_step_until_it_is_told() {
    let end = day(40);
    let owed = |health: &InboxHealth, now: u64| health.owed_a_warning(day(now)).len();
    let health = after([ends(Some(end))]);
    assert_eq!((owed(&health, 9), owed(&health, 10), owed(&health, 39)), (0, 1, 1));
    let health = after([ends(Some(end)), told(end, 30)]);
    assert_eq!((owed(&health, 32), owed(&health, 33)), (0, 1));
    let gone = after([ends(Some(end)), inbox::Removed {}.into()]);
    assert_eq!((owed(&gone, 39), gone.expiring_before(day(50)).count()), (0, 0));
    let policy = Policy { expiring_days: Some(vec![2]), ..Policy::default() };
    let own = Reauthorization::PolicySet(events::reauthorization::PolicySet { policy });
    let health = after([ends(Some(end)), own.into()]);
    assert_eq!((owed(&health, 37), owed(&health, 38)), (0, 1));
}

#[test]
fn what_concerns_one_contact_says_nothing_of_the_inbox() {
    let health = after([error(Class::Recipient, 0), error(Class::Request, 0)]);
    assert_eq!(state(&health), (HealthState::Unknown, second(1), None));
    assert_eq!(health.inbox(ID).unwrap().last_error_at, Some(second(3)));
}
