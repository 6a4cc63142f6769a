use events::KeyId;
use events::evidence::{Class, Evidence, Scope as Reach, Verdict};
use events::hook::Scope;
use events::reauthorization::{
    AuthorizationErrorRecorded, Cause, Command as Report, Event as Shared, ReauthorizationRequired,
    Reauthorized,
};
use events::switch::OffCause;

use super::*;
use crate::testing::{Given, NOON, fresh, given};

const OURS: AccountId = AccountId(1);
const THEIRS: AccountId = AccountId(2);

fn slack() -> Created {
    Created {
        account: OURS,
        app: "slack".into(),
        scope: Scope::Account,
        reference: None,
        settings: "{}".into(),
        credentials: None,
        access_token: None,
        enabled: true,
    }
}

fn sealed(text: u8) -> Sealed {
    Sealed { key: KeyId([0; 8]), nonce: [0; 24], text: vec![text] }
}

fn command(action: Action) -> Command {
    Command { account: OURS, action }
}

fn prompt() -> Command {
    command(Action::Report(Report::Prompt { reason: None }))
}

fn reauthorize() -> Command {
    command(Action::Report(Report::Reauthorize))
}

fn verdict(class: Class) -> Verdict {
    Verdict { class, scope: Reach::Channel, rule: None }
}

fn error(class: Class) -> Command {
    let (evidence, verdict) = (Evidence::default(), verdict(class));
    command(Action::Report(Report::RecordError { evidence, verdict, table: 2, at: NOON }))
}

fn turn(enabled: bool) -> Command {
    let change = Change { enabled: Some(enabled), ..Change::default() };
    command(Action::Change(Box::new(change)))
}

/// One error before those that count did not.
fn recorded(class: Class, count: u32) -> Event {
    Shared::AuthorizationErrorRecorded(AuthorizationErrorRecorded {
        evidence: Evidence::default(),
        verdict: verdict(class),
        table: 2,
        count,
        threshold: 2,
        number: u64::from(count) + 1,
        at: Some(NOON),
    })
    .into()
}

fn required(cause: Cause) -> Event {
    let evidence = match &cause {
        Cause::Threshold { count, .. } => (2..=u64::from(*count) + 1).collect(),
        Cause::Prompted { .. } | Cause::AtOnce { .. } => vec![],
    };
    let required = ReauthorizationRequired { evidence, ..cause.into() };
    Shared::ReauthorizationRequired(required).into()
}

fn prompted() -> Event {
    required(Cause::Prompted { reason: None })
}

fn reauthorized(was_required: bool) -> Event {
    Shared::Reauthorized(Reauthorized { was_required, by_hand: false }).into()
}

fn disabled(cause: OffCause) -> Event {
    Disabled { cause }.into()
}

fn needed() -> Given<Hook> {
    given([slack().into(), prompted(), disabled(OffCause::Reauthorization)] as [Event; 3])
}

#[test]
fn a_hook_is_connected_once() {
    let create = |hook: Created| command(Action::Create(Box::new(hook)));
    fresh::<Hook>()
        .when(create(slack()))
        .then([slack()])
        .then_owes(NOON, &Next::Idle)
        .and_when(create(slack()))
        .then_refused(&Rejection::Exists);
    given::<Hook>([Event::from(slack()), Deleted {}.into()])
        .when(create(slack()))
        .then_refused(&Rejection::Exists);
}

#[test]
fn a_prompt_disables_and_reauthorizing_enables_again() {
    given::<Hook>([slack()])
        .when(prompt())
        .then([prompted(), disabled(OffCause::Reauthorization)])
        .and_when(prompt())
        .then_nothing()
        .and_when(reauthorize())
        .then([reauthorized(true), Enabled {}.into()])
        .and_when(reauthorize())
        .then_nothing();
}

#[test]
fn the_second_error_disables_and_only_what_counts_is_counted() {
    let cause = Cause::Threshold { count: 2, threshold: 2, verdict: verdict(Class::Auth) };
    given::<Hook>([slack()])
        .when(error(Class::Rate))
        .then([recorded(Class::Rate, 0)])
        .and_when(error(Class::Auth))
        .then([recorded(Class::Auth, 1)])
        .and_when(error(Class::Auth))
        .then([recorded(Class::Auth, 2), required(cause), disabled(OffCause::Reauthorization)])
        .and_when(error(Class::Auth))
        .then([recorded(Class::Auth, 3)]);
}

#[test]
fn what_was_disabled_by_hand_stays_so() {
    given::<Hook>([slack()])
        .when(turn(false))
        .then([disabled(OffCause::ByHand)])
        .and_when(turn(false))
        .then_nothing()
        .and_when(prompt())
        .then([prompted()])
        .and_when(reauthorize())
        .then([reauthorized(true)]);
    needed()
        .when(turn(false))
        .then([disabled(OffCause::ByHand)])
        .and_when(reauthorize())
        .then([reauthorized(true)]);
}

#[test]
fn what_somebody_enabled_while_it_was_needed_is_disabled_by_the_next_failure() {
    needed()
        .when(turn(true))
        .then([Enabled {}])
        .and_when(error(Class::Transient))
        .then([recorded(Class::Transient, 0)])
        .and_when(prompt())
        .then([disabled(OffCause::Reauthorization)]);
}

#[test]
fn clearing_a_count_enables_nothing() {
    given::<Hook>([Event::from(Created { enabled: false, ..slack() }), recorded(Class::Auth, 1)])
        .when(reauthorize())
        .then([reauthorized(false)]);
}

#[test]
fn only_what_differs_is_changed() {
    let settings = || SettingsChanged {
        settings: r#"{"channel_name":"support"}"#.into(),
        credentials: Some(sealed(1)),
    };
    let change = || {
        let (settings, access_token) = (Some(settings()), Some(sealed(2)));
        command(Action::Change(Box::new(Change { enabled: Some(true), settings, access_token })))
    };
    given::<Hook>([slack()])
        .when(change())
        .then([Event::from(settings()), AccessTokenReplaced { access_token: sealed(2) }.into()])
        .and_when(change())
        .then_nothing();
}

#[test]
fn the_hook_of_another_account_and_one_that_is_gone_do_not_exist() {
    let actions = [
        Action::Change(Box::default()),
        Action::Delete,
        Action::Report(Report::Prompt { reason: None }),
        Action::Look,
    ];
    for action in actions {
        let theirs = Command { account: THEIRS, action: action.clone() };
        given::<Hook>([slack()]).when(theirs).then_refused(&Rejection::Unknown);
        fresh::<Hook>().when(command(action.clone())).then_refused(&Rejection::Unknown);
        given::<Hook>([Event::from(slack()), Deleted {}.into()])
            .when(command(action))
            .then_refused(&Rejection::Unknown);
    }
    given::<Hook>([slack()]).when(command(Action::Delete)).then([Deleted {}]);
}
