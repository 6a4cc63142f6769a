use events::hook::Scope;
use events::reauthorization::{Cause, Event as Shared, ReauthorizationRequired};
use events::switch::OffCause;
use events::{Category, StreamName, account, evidence, hook, inbox};

use super::*;
use crate::testing::{
    ACCOUNT, error, fold, history, obeys_the_law, reauthorized, registered, sealed, stream,
    succeeded,
};

fn account() -> (StreamName, Event) {
    let registered = account::Registered { name: "A".into(), administrator_emails: vec![] };
    let event = account::Event::from(registered);
    (StreamName::new(Category::Account, ACCOUNT), event.into())
}

fn of_inbox(event: impl Into<InboxEvent>) -> (StreamName, Event) {
    (stream(42), event.into().into())
}

fn required() -> InboxEvent {
    let cause = Cause::Prompted { reason: None };
    Shared::ReauthorizationRequired(ReauthorizationRequired::from(cause)).into()
}

/// The inbox key after an account (second 1), an inbox (second 2) and this (second 3).
fn key_after(event: impl Into<InboxEvent>) -> i64 {
    let events = [account(), of_inbox(registered("Channel::Email")), of_inbox(event)];
    fold::<CacheKeys>(&history(events)).of_account(ACCOUNT).unwrap().inbox
}

#[test]
fn an_account_begins_with_the_second_of_its_registration() {
    let keys = fold::<CacheKeys>(&history([account()]));
    assert_eq!(keys.of_account(ACCOUNT), Some(Keys { label: 1, inbox: 1, team: 1 }));
    assert_eq!(keys.of_account(AccountId(2)), None);
}

#[test]
fn what_clients_show_moves_the_inbox_key_alone() {
    let keys = fold::<CacheKeys>(&history([account(), of_inbox(registered("Channel::Email"))]));
    assert_eq!(keys.of_account(ACCOUNT), Some(Keys { label: 1, inbox: 2, team: 1 }));
    assert_eq!(key_after(inbox::Renamed { name: "B".into() }), 3);
    assert_eq!(key_after(inbox::ChannelTypeChanged { channel_type: "x".into() }), 3);
    assert_eq!(key_after(inbox::AttributesChanged { attributes: "{}".into() }), 3);
    assert_eq!(key_after(inbox::Removed {}), 3);
    assert_eq!(key_after(required()), 3);
    assert_eq!(key_after(reauthorized(true)), 3);
}

#[test]
fn what_they_do_not_show_moves_nothing() {
    assert_eq!(key_after(inbox::ThresholdSet { threshold: None }), 2);
    assert_eq!(key_after(inbox::CredentialsReplaced { credentials: sealed() }), 2);
    assert_eq!(key_after(error(evidence::Class::Auth, 1)), 2);
    assert_eq!(key_after(succeeded()), 2);
    assert_eq!(key_after(reauthorized(false)), 2);
}

#[test]
fn seen_twice_is_seen_once() {
    obeys_the_law::<CacheKeys>(&history([
        account(),
        of_inbox(registered("Channel::Email")),
        of_inbox(required()),
        of_inbox(inbox::Removed {}),
    ]));
}

#[test]
fn the_transition_of_a_hook_moves_the_inbox_key_where_it_works_for_an_inbox() {
    for (scope, inbox) in [(Scope::Inbox(InboxId(42)), 4), (Scope::Account, 1)] {
        let created = hook::Created {
            account: ACCOUNT,
            app: "dialogflow".into(),
            scope,
            reference: None,
            settings: "{}".into(),
            credentials: None,
            access_token: None,
            enabled: true,
        };
        let cause = Cause::Prompted { reason: None };
        let prompted = Shared::ReauthorizationRequired(ReauthorizationRequired::from(cause));
        let of_hook = |event: HookEvent| (StreamName::new(Category::Hook, HookId(3)), event.into());
        let disabled = hook::Disabled { cause: OffCause::Reauthorization };
        let events = [of_hook(created.into()), of_hook(disabled.into()), of_hook(prompted.into())];
        let history = history([account()].into_iter().chain(events));
        let keys = fold::<CacheKeys>(&history);
        assert_eq!(keys.of_account(ACCOUNT), Some(Keys { label: 1, inbox, team: 1 }));
        obeys_the_law::<CacheKeys>(&history);
    }
}
