use events::codec::reauthorization::AuthorizationErrorRecordedV1;
use events::evidence::{Class, Evidence, Scope, Verdict};
use events::reauthorization::{Cause, IncidentMuted, ReauthorizationRequired, Reauthorized};
use events::{Position, StreamName, inbox, installation};

use super::*;
use crate::testing::{
    ACCOUNT, error, fold, history, obeys_the_law, reauthorized, registered, second, stream,
    succeeded,
};

const INBOX: Subject = Subject::Inbox(InboxId(42));

fn after(events: impl IntoIterator<Item = InboxEvent>) -> Incidents {
    let registered = registered("Channel::Whatsapp");
    fold(&history(std::iter::once(registered).chain(events).map(|event| (stream(42), event))))
}

fn required() -> InboxEvent {
    let cause = Cause::Prompted { reason: None };
    Authorization::ReauthorizationRequired(ReauthorizationRequired::from(cause)).into()
}

fn muted() -> InboxEvent {
    Authorization::IncidentMuted(IncidentMuted { incident: 1 }).into()
}

fn by_hand() -> InboxEvent {
    Authorization::Reauthorized(Reauthorized { was_required: true, by_hand: true }).into()
}

fn said(class: Class, scope: Scope, code: &str, rule: &str) -> InboxEvent {
    let verdict = Verdict { class, scope, rule: Some(rule.into()) };
    let provider = rule.split(' ').next().map(str::to_owned);
    let evidence = Evidence { provider, code: Some(code.into()), ..Evidence::default() };
    let recorded = AuthorizationErrorRecordedV1 { evidence, verdict, count: 0 };
    Authorization::AuthorizationErrorRecorded(recorded.into()).into()
}

fn wrong_secret() -> InboxEvent {
    said(Class::Config, Scope::App, "invalid_client", "microsoft AADSTS7000222")
}

fn invalid_grant() -> InboxEvent {
    said(Class::Auth, Scope::Account, "invalid_grant", "google 400 invalid_grant")
}

/// Several inboxes, each registered, and then these things.
fn many(inboxes: u64, events: impl IntoIterator<Item = (u64, InboxEvent)>) -> Incidents {
    let registered = (1..=inboxes).map(|id| (id, registered("Channel::Email")));
    fold(&history(registered.chain(events).map(|(id, event)| (stream(id), event))))
}

#[test]
fn consecutive_trouble_is_one_incident() {
    let incidents = after([error(Class::Rate, 0), error(Class::Auth, 1), required()]);
    let open = incidents.open_of(INBOX).unwrap();
    assert_eq!((open.first_at, open.last_at, open.count), (second(2), second(4), 2));
    assert_eq!((open.number, open.class, open.required), (1, Some(Class::Auth), true));
    assert_eq!((&*open.cause, &open.ended), ("prompted", &None));
    assert_eq!(incidents.open_of_account(ACCOUNT).count(), 1);
    assert_eq!(incidents.open_of_account(AccountId(2)).count(), 0);
}

#[test]
fn it_ends_as_what_ended_it_says() {
    for (last, ending) in [
        (succeeded(), Ending::Healed),
        (reauthorized(false), Ending::Reauthorized),
        (by_hand(), Ending::ByHand),
        (inbox::Removed {}.into(), Ending::Removed),
    ] {
        let incidents = after([error(Class::Auth, 1), last]);
        assert_eq!((incidents.open_of(INBOX), incidents.count_open()), (None, 0));
        let closed: Vec<_> = incidents.closed_of_account(ACCOUNT).collect();
        let (how, by) = closed[0].ended.as_ref().unwrap();
        assert_eq!((*how, by.at, closed.len()), (ending, second(3), 1));
    }
}

#[test]
fn a_success_while_a_mark_stands_ends_nothing() {
    let incidents = after([required(), succeeded()]);
    assert!(incidents.open_of(INBOX).is_some());
    assert!(after([required(), succeeded(), reauthorized(true)]).open_of(INBOX).is_none());
}

#[test]
fn trouble_after_the_end_is_another_incident() {
    let incidents = after([error(Class::Auth, 1), succeeded(), muted(), error(Class::Rate, 0)]);
    let open = incidents.open_of(INBOX).unwrap();
    assert_eq!((open.number, open.first_at, &open.muted), (2, second(5), &None));
    assert!(incidents.get(INBOX, 1).unwrap().ended.is_some());
}

#[test]
fn an_incident_tells_who_muted_it() {
    let incidents = after([error(Class::Auth, 1), muted()]);
    assert_eq!(incidents.open_of(INBOX).unwrap().muted.as_ref().unwrap().at, second(3));
}

#[test]
fn old_incidents_are_forgotten_here_and_not_in_the_log() {
    let trouble = (0..CLOSED_MAX + 5).flat_map(|_| [error(Class::Rate, 0), succeeded()]);
    let incidents = after(trouble);
    assert_eq!(incidents.closed_of_account(ACCOUNT).count(), CLOSED_MAX);
    assert_eq!(incidents.get(INBOX, 5), None);
    let last = incidents.closed_of_account(ACCOUNT).next().unwrap();
    assert_eq!(last.number, CLOSED_MAX as u64 + 5);
}

#[test]
fn a_wrong_client_secret_is_one_incident_of_the_installation() {
    let incidents = many(30, (1..=30).map(|id| (id, wrong_secret())));
    assert_eq!(incidents.count_open(), 0, "no inbox has one of its own");
    let all: Vec<_> = incidents.of_installation().collect();
    assert_eq!((all.len(), all[0].affected.len(), all[0].count), (1, 30, 30));
    assert_eq!((&*all[0].provider, all[0].suspected), ("microsoft", false));
    let healed = many(2, [(1, wrong_secret()), (2, wrong_secret()), (2, succeeded())]);
    let ended = healed.of_installation().next().unwrap().ended.clone();
    let subject = Subject::Inbox(InboxId(2));
    assert_eq!(ended, Some(AppEnding::Healed { subject, at: second(5) }));
    let shared = |account, by| incidents.may_have_shared(account, by);
    let begun = all[0].first_at;
    assert!(shared(ACCOUNT, begun) && !shared(AccountId(2), begun));
    assert!(!shared(ACCOUNT, Timestamp::default()), "it had not begun");
}

fn app_incident() -> installation::AppIncident {
    installation::AppIncident { number: 1, provider: "microsoft".into(), class: Class::Config }
}

/// Two inboxes with a wrong client secret, what somebody said of it, and one more error.
fn after_saying(said: impl Into<installation::Event>) -> Vec<Recorded<Event>> {
    let told = [
        (stream(1), registered("Channel::Email").into()),
        (stream(1), wrong_secret().into()),
        (StreamName::installation(), Event::from(said.into())),
        (stream(1), wrong_secret().into()),
    ];
    history::<Event>(told)
}

#[test]
fn an_incident_of_the_installation_is_muted_and_heard_of_again() {
    let muted = after_saying(installation::AppIncidentMuted { incident: app_incident() });
    let incidents: Incidents = fold(&muted);
    let one = incidents.app(1).unwrap();
    assert_eq!((one.muted.as_ref().unwrap().at, one.count), (second(3), 2));
    let unmuted = installation::AppIncidentUnmuted { incident: app_incident() };
    let unmuted = (StreamName::installation(), installation::Event::from(unmuted).into());
    let told = muted.into_iter().map(|record| (record.stream, record.event)).chain([unmuted]);
    let told = history::<Event>(told);
    assert_eq!(fold::<Incidents>(&told).app(1).unwrap().muted, None);
    obeys_the_law::<Incidents>(&told);
}

#[test]
fn trouble_of_an_app_after_somebody_said_that_it_is_over_is_another_incident() {
    let closed = after_saying(installation::AppIncidentClosed { incident: app_incident() });
    let incidents: Incidents = fold(&closed);
    let all: Vec<_> = incidents.of_installation().map(|one| (one.number, &one.ended)).collect();
    assert!(matches!(all[..], [(2, None), (1, Some(AppEnding::ByHand(_)))]), "{all:?}");
    obeys_the_law::<Incidents>(&closed);
}

#[test]
fn what_is_said_of_an_incident_that_is_over_changes_nothing() {
    let said = installation::AppIncidentMuted { incident: app_incident() };
    let said = (StreamName::installation(), installation::Event::from(said).into());
    let told = [(stream(1), registered("Channel::Email").into()), said];
    assert_eq!(fold::<Incidents>(&history::<Event>(told)).app(1), None);
}

#[test]
fn a_burst_of_invalid_grant_is_suspected_to_be_the_app() {
    let incidents = many(5, (1..=4).map(|id| (id, invalid_grant())));
    assert_eq!(incidents.of_installation().count(), 0);
    let incidents = many(6, (1..=6).map(|id| (id, invalid_grant())));
    let app = incidents.of_installation().next().unwrap();
    assert!(app.suspected);
    assert_eq!((app.affected.len(), app.count, &*app.provider), (6, 6, "google"));
    assert!(incidents.open_of_account(ACCOUNT).all(|one| one.app == Some(app.number)));
    assert_eq!(incidents.count_open(), 6, "each inbox is marked by its own evidence all the same");
}

#[test]
fn one_inbox_that_fails_often_is_no_burst_nor_is_a_slow_one() {
    let hammering = many(1, (0..50).map(|_| (1, invalid_grant())));
    assert_eq!(hammering.of_installation().count(), 0);
    let registered = (1..=8).map(|id| (stream(id), registered("Channel::Email")));
    let failing = (1..=8).map(|id| (stream(id), invalid_grant()));
    let mut slow = history(registered.chain(failing));
    for (nth, record) in slow.iter_mut().enumerate() {
        record.at = second(nth as u64 * 301);
    }
    assert_eq!(fold::<Incidents>(&slow).of_installation().count(), 0);
}

#[test]
fn the_past_of_an_inbox_is_told_from_its_own_records() {
    let events = [error(Class::Auth, 1), succeeded(), error(Class::Auth, 1), required()];
    let registered = registered("Channel::Whatsapp");
    let all = std::iter::once(registered).chain(events).map(|event| (stream(42), event));
    let records = history(all);
    let counts = (1..=5).map(|position| {
        let until = events::Until::Position(Position(position));
        let then: Incidents = crate::replay(&records, until);
        (then.open_of_account(ACCOUNT).count(), then.closed_of_account(ACCOUNT).count())
    });
    assert_eq!(counts.collect::<Vec<_>>(), [(0, 0), (1, 0), (0, 1), (1, 1), (1, 1)]);
}

#[test]
fn seen_twice_is_seen_once() {
    let records = history([
        (stream(1), registered("Channel::Whatsapp")),
        (stream(2), registered("Channel::Email")),
        (stream(1), error(Class::Auth, 1)),
        (stream(2), wrong_secret()),
        (stream(1), muted()),
        (stream(2), invalid_grant()),
        (stream(1), reauthorized(true)),
        (stream(2), inbox::Removed {}.into()),
    ]);
    obeys_the_law::<Incidents>(&records);
}

#[test]
fn providers_that_exist_only_in_reports_are_not_watched_for_ever() {
    let named = |id: u64| said(Class::Auth, Scope::Account, "invalid_grant", &format!("p{id} 400"));
    let incidents = many(1, (0..5_000).map(|id| (1, named(id))));
    let watched = incidents.app.bursts.len();
    assert!(watched <= 1_000, "{watched}");
}

#[test]
fn what_a_thing_reads_is_known_without_writing_it() {
    let thing = format_args!("{} ({})", "auth", 190);
    assert!(reads(&thing, "auth (190)"));
    for other in ["", "auth", "auth (190", "auth (190) again", "rate (190)"] {
        assert!(!reads(&thing, other), "{other}");
    }
}
