use std::sync::Arc;

use events::KeyId;
use events::evidence::{Class, Evidence, Scope as Reach, Verdict};
use events::hook::Scope;
use events::policy::{Policy, Version};
use events::reauthorization::{
    AuthorizationErrorRecorded, Cause, Command as Report, Event as Shared, Expiring, ExpirySet,
    PolicySet, ReauthorizationRequired, Reauthorized,
};
use events::switch::OffCause;

use super::*;
use crate::aggregate::Next;
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
    Command { account: OURS, layers: Arc::default(), action }
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
    let create = |hook: Created| command(Action::Create(Box::new(hook), None));
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
        let (enabled, expires_at) = (Some(true), Some(Some(NOON)));
        let change = Change { enabled, settings, access_token, expires_at };
        command(Action::Change(Box::new(change)))
    };
    let end = ExpirySet { expires_at: Some(NOON) };
    given::<Hook>([slack()])
        .when(change())
        .then([
            Event::from(settings()),
            AccessTokenReplaced { access_token: sealed(2) }.into(),
            Shared::ExpirySet(end).into(),
        ])
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
        let theirs = Command { account: THEIRS, layers: Arc::default(), action: action.clone() };
        given::<Hook>([slack()]).when(theirs).then_refused(&Rejection::Unknown);
        fresh::<Hook>().when(command(action.clone())).then_refused(&Rejection::Unknown);
        given::<Hook>([Event::from(slack()), Deleted {}.into()])
            .when(command(action))
            .then_refused(&Rejection::Unknown);
    }
    given::<Hook>([slack()]).when(command(Action::Delete)).then([Deleted {}]);
}

#[test]
fn its_own_policy_is_stronger_than_its_accounts_and_is_named() {
    let mut layers = Layers::default();
    let policy = |threshold| Policy { threshold: Some(threshold), ..Policy::default() };
    layers.account.set(policy::HOOK, &policy(5));
    let layers = Arc::new(layers);
    let within = |command: Command| Command { layers: layers.clone(), ..command };
    let own = || command(Action::Report(Report::SetPolicy(policy(1))));
    let error = || within(error(Class::Auth));
    let recorded = |number, threshold| {
        Event::from(Shared::AuthorizationErrorRecorded(AuthorizationErrorRecorded {
            evidence: Evidence::default(),
            verdict: verdict(Class::Auth),
            table: 2,
            count: u32::try_from(number).unwrap(),
            threshold,
            number,
            at: Some(NOON),
        }))
    };
    let cause = Cause::Threshold { count: 2, threshold: 1, verdict: verdict(Class::Auth) };
    let policy = Version { account: 1, subject: 1, ..Version::default() };
    let required = ReauthorizationRequired { cause, policy, evidence: vec![1, 2] };
    let set = PolicySet { policy: Policy { threshold: Some(1), ..Policy::default() } };
    given::<Hook>([slack()])
        .when(error())
        .then([recorded(1, 5)])
        .and_when(own())
        .then([Shared::PolicySet(set)])
        .and_when(own())
        .then_nothing()
        .and_when(error())
        .then([
            recorded(2, 1),
            Shared::ReauthorizationRequired(required).into(),
            disabled(OffCause::Reauthorization),
        ]);
}

#[test]
fn the_end_of_its_credential_is_told_once_for_each_step() {
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    let end = NOON.after(day * 40);
    let create = command(Action::Create(Box::new(slack()), Some(end)));
    let warn = |days| {
        let now = NOON.after(day * days);
        command(Action::Report(Report::WarnOfExpiry { now }))
    };
    let expiring = |days| Shared::Expiring(Expiring { expires_at: end, days });
    let set = Shared::ExpirySet(ExpirySet { expires_at: Some(end) });
    fresh::<Hook>()
        .when(create)
        .then([Event::from(slack()), set.into()])
        .and_when(warn(5))
        .then_nothing()
        .and_when(warn(10))
        .then([expiring(30)])
        .and_when(warn(11))
        .then_nothing()
        .and_when(warn(33))
        .then([expiring(7)])
        .and_when(warn(40))
        .then([expiring(1)]);
}
