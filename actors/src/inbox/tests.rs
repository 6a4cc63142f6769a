use std::sync::Arc;

use events::evidence::{Class, Evidence, Scope, Verdict};
use events::policy::{Policy, Version};
use events::reauthorization::{
    AuthorizationErrorRecorded, AuthorizationSucceeded, Cause, Command as Report, ExpirySet,
    ReauthorizationRequired, Reauthorized,
};

use super::*;
use crate::aggregate::Next;
use crate::testing::{Given, NOON, fresh, given};

const OURS: AccountId = AccountId(1);
const THEIRS: AccountId = AccountId(2);

fn registered(channel_type: &str) -> Registered {
    Registered {
        account: OURS,
        name: "Support".into(),
        channel_type: channel_type.into(),
        attributes: "{}".into(),
        credentials: None,
        threshold: None,
    }
}

fn whatsapp() -> Event {
    registered("Channel::Whatsapp").into()
}

fn sealed(text: u8) -> Sealed {
    Sealed { key: events::KeyId([0; 8]), nonce: [0; 24], text: vec![text] }
}

fn command(action: Action) -> Command {
    Command { account: OURS, layers: Arc::default(), action }
}

fn report(report: Report) -> Command {
    command(Action::Report(report))
}

fn verdict(class: Class) -> Verdict {
    Verdict { class, scope: Scope::Channel, rule: None }
}

fn error(class: Class) -> Command {
    let (evidence, verdict) = (Evidence::default(), verdict(class));
    report(Report::RecordError { evidence, verdict, table: 2, at: NOON })
}

fn prompt() -> Command {
    report(Report::Prompt { reason: None })
}

fn event(event: impl Into<SharedEvent>) -> Event {
    Event::Reauthorization(event.into().0)
}

/// Only so that the payloads of the shared events need no wrapping in every test.
struct SharedEvent(reauthorization::Event);

impl From<AuthorizationErrorRecorded> for SharedEvent {
    fn from(it: AuthorizationErrorRecorded) -> Self {
        Self(reauthorization::Event::AuthorizationErrorRecorded(it))
    }
}

impl From<Reauthorized> for SharedEvent {
    fn from(it: Reauthorized) -> Self {
        Self(reauthorization::Event::Reauthorized(it))
    }
}

impl From<Cause> for SharedEvent {
    fn from(cause: Cause) -> Self {
        let required = ReauthorizationRequired::from(cause);
        Self(reauthorization::Event::ReauthorizationRequired(required))
    }
}

impl From<AuthorizationSucceeded> for SharedEvent {
    fn from(it: AuthorizationSucceeded) -> Self {
        Self(reauthorization::Event::AuthorizationSucceeded(it))
    }
}

/// The count-th error of an inbox whose threshold is 2.
fn recorded(class: Class, count: u32) -> Event {
    numbered(class, count, count.into(), 2)
}

fn numbered(class: Class, count: u32, number: u64, threshold: u32) -> Event {
    let (evidence, verdict) = (Evidence::default(), verdict(class));
    let (table, at) = (2, Some(NOON));
    event(AuthorizationErrorRecorded { evidence, verdict, table, count, threshold, number, at })
}

fn too_many(count: u32) -> Event {
    too_many_by(Class::Auth, count, (1..=count.into()).collect())
}

fn too_many_by(class: Class, count: u32, evidence: Vec<u64>) -> Event {
    let cause = Cause::Threshold { count, threshold: count, verdict: verdict(class) };
    let policy = Version::default();
    let required = ReauthorizationRequired { cause, policy, evidence };
    Event::Reauthorization(reauthorization::Event::ReauthorizationRequired(required))
}

fn reauthorized(was_required: bool) -> Event {
    event(Reauthorized { was_required, by_hand: false })
}

fn prompted() -> Event {
    event(Cause::Prompted { reason: None })
}

#[track_caller]
fn transition_comes_with_error(threshold: u32, inbox: Registered) {
    let mut history = vec![Event::from(inbox)];
    let recorded = |count: u32| numbered(Class::Auth, count, count.into(), threshold);
    for count in 1..threshold {
        history.push(recorded(count));
        let earlier: Given<Inbox> = given(history[..history.len() - 1].to_vec());
        earlier.when(error(Class::Auth)).then([recorded(count)]);
    }
    given::<Inbox>(history)
        .when(error(Class::Auth))
        .then([recorded(threshold), too_many(threshold)])
        .and_when(error(Class::Auth))
        .then([recorded(threshold + 1)])
        .then_owes(NOON, &Next::Idle);
}

#[test]
fn a_channel_type_says_how_many_errors_are_too_many() {
    transition_comes_with_error(2, registered("Channel::Whatsapp"));
    transition_comes_with_error(2, registered("Channel::FacebookPage"));
    transition_comes_with_error(10, registered("Channel::Email"));
    transition_comes_with_error(1, registered("Channel::Instagram"));
    transition_comes_with_error(1, registered("Channel::Tiktok"));
}

#[test]
fn its_own_threshold_is_stronger_than_its_channel_types() {
    transition_comes_with_error(
        3,
        Registered { threshold: Some(3), ..registered("Channel::Email") },
    );
    given::<Inbox>(
        [registered("Channel::Email").into(), ThresholdSet { threshold: Some(1) }.into()]
            as [Event; 2],
    )
    .when(error(Class::Auth))
    .then([numbered(Class::Auth, 1, 1, 1), too_many(1)]);
}

#[test]
fn an_inbox_without_its_own_threshold_again_has_its_channel_types() {
    let inbox = given::<Inbox>([
        whatsapp(),
        ThresholdSet { threshold: Some(5) }.into(),
        ThresholdSet { threshold: None }.into(),
        ChannelTypeChanged { channel_type: "Channel::Email".into() }.into(),
    ]);
    assert_eq!(inbox.state().rules(&Layers::default()).threshold, 10);
}

#[test]
fn only_auth_and_permission_count() {
    for class in Class::ALL.iter().copied() {
        let count = u32::from(matches!(class, Class::Auth | Class::Permission));
        given::<Inbox>([whatsapp()]).when(error(class)).then([numbered(class, count, 1, 2)]);
    }
}

#[test]
fn what_does_not_count_makes_no_transition_at_the_threshold() {
    given::<Inbox>([whatsapp(), recorded(Class::Auth, 1)])
        .when(error(Class::Rate))
        .then([numbered(Class::Rate, 1, 2, 2)])
        .and_when(error(Class::Permission))
        .then([
            numbered(Class::Permission, 2, 3, 2),
            too_many_by(Class::Permission, 2, vec![1, 3]),
        ]);
}

#[test]
fn a_prompt_is_a_transition_once() {
    given::<Inbox>([whatsapp()])
        .when(prompt())
        .then([prompted()])
        .and_when(prompt())
        .then_nothing()
        .and_when(error(Class::Auth))
        .then([recorded(Class::Auth, 1)])
        .and_when(error(Class::Auth))
        .then([recorded(Class::Auth, 2)]);
}

#[test]
fn reauthorizing_clears_mark_and_count_and_the_next_error_counts_from_one() {
    given::<Inbox>([whatsapp(), recorded(Class::Auth, 1), recorded(Class::Auth, 2), too_many(2)])
        .when(report(Report::Reauthorize))
        .then([reauthorized(true)])
        .and_when(report(Report::Reauthorize))
        .then_nothing()
        .and_when(error(Class::Auth))
        .then([numbered(Class::Auth, 1, 3, 2)]);
}

#[test]
fn reauthorizing_clears_a_count_that_was_no_mark_yet() {
    given::<Inbox>([whatsapp(), recorded(Class::Auth, 1)])
        .when(report(Report::Reauthorize))
        .then([reauthorized(false)]);
    given::<Inbox>([whatsapp()]).when(report(Report::Reauthorize)).then_nothing();
}

#[test]
fn a_success_resets_the_count_and_is_written_once() {
    given::<Inbox>([whatsapp(), recorded(Class::Auth, 1)])
        .when(report(Report::RecordSuccess))
        .then([event(AuthorizationSucceeded {})])
        .and_when(report(Report::RecordSuccess))
        .then_nothing()
        .and_when(error(Class::Auth))
        .then([numbered(Class::Auth, 1, 2, 2)]);
}

#[test]
fn a_success_does_not_take_a_mark_away() {
    given::<Inbox>([whatsapp(), recorded(Class::Auth, 2), too_many(2)])
        .when(report(Report::RecordSuccess))
        .then([event(AuthorizationSucceeded {})])
        .and_when(prompt())
        .then_nothing()
        .and_when(report(Report::Reauthorize))
        .then([reauthorized(true)]);
}

#[test]
fn an_inbox_needs_a_name_and_a_channel_type() {
    let register = |name: Option<&str>, channel_type: Option<&str>| {
        command(Action::Register(Registration {
            name: name.map(Into::into),
            channel_type: channel_type.map(Into::into),
            ..Registration::default()
        }))
    };
    fresh::<Inbox>()
        .when(register(None, Some("Channel::Email")))
        .then_refused(&Rejection::Missing("a name"));
    fresh::<Inbox>()
        .when(register(Some("Support"), None))
        .then_refused(&Rejection::Missing("a channel_type"));
    fresh::<Inbox>()
        .when(register(Some("Support"), Some("Channel::Whatsapp")))
        .then([whatsapp()])
        .and_when(register(Some("Support"), Some("Channel::Whatsapp")))
        .then_nothing();
}

#[test]
fn registering_again_changes_only_what_differs() {
    let all = command(Action::Register(Registration {
        name: Some("Sales".into()),
        channel_type: Some("Channel::Email".into()),
        attributes: Some(r#"{"timezone":"UTC"}"#.into()),
        credentials: Some(sealed(1)),
        threshold: Some(Some(4)),
        expires_at: Some(Some(NOON)),
        expected: None,
    }));
    given::<Inbox>([whatsapp()])
        .when(all.clone())
        .then([
            Event::from(Renamed { name: "Sales".into() }),
            ChannelTypeChanged { channel_type: "Channel::Email".into() }.into(),
            AttributesChanged { attributes: r#"{"timezone":"UTC"}"#.into() }.into(),
            CredentialsReplaced { credentials: sealed(1) }.into(),
            ThresholdSet { threshold: Some(4) }.into(),
            reauthorization::Event::ExpirySet(ExpirySet { expires_at: Some(NOON) }).into(),
        ])
        .and_when(all)
        .then_nothing()
        .and_when(command(Action::Register(Registration {
            threshold: Some(None),
            ..Registration::default()
        })))
        .then([Event::from(ThresholdSet { threshold: None })]);
}

#[test]
fn changing_an_inbox_keeps_its_count() {
    given::<Inbox>([
        whatsapp(),
        recorded(Class::Auth, 1),
        Renamed { name: "Sales".into() }.into(),
        CredentialsReplaced { credentials: sealed(2) }.into(),
    ])
    .when(error(Class::Auth))
    .then([recorded(Class::Auth, 2), too_many(2)]);
}

fn every_action() -> Vec<Action> {
    let named = Registration { name: Some("Mine".into()), ..Registration::default() };
    vec![
        Action::Register(named),
        Action::Remove,
        Action::Report(Report::Prompt { reason: None }),
        Action::Report(Report::RecordSuccess),
        Action::Report(Report::Reauthorize),
        Action::Report(Report::RecordError {
            evidence: Evidence::default(),
            verdict: verdict(Class::Auth),
            table: 2,
            at: NOON,
        }),
        Action::Look,
    ]
}

#[test]
fn the_inbox_of_another_account_does_not_exist() {
    for action in every_action() {
        given::<Inbox>([whatsapp()])
            .when(Command { account: THEIRS, layers: Arc::default(), action })
            .then_refused(&Rejection::Unknown);
    }
}

#[test]
fn an_inbox_that_nobody_registered_does_not_exist() {
    for action in every_action().into_iter().skip(1) {
        fresh::<Inbox>().when(command(action)).then_refused(&Rejection::Unknown);
    }
}

#[test]
fn a_removed_inbox_begins_anew_when_it_is_registered_again() {
    let history = [whatsapp(), recorded(Class::Auth, 2), too_many(2), Removed {}.into()];
    for action in every_action().into_iter().skip(1) {
        given::<Inbox>(history.clone()).when(command(action)).then_refused(&Rejection::Unknown);
    }
    let again = Registration {
        name: Some("Support".into()),
        channel_type: Some("Channel::Whatsapp".into()),
        ..Registration::default()
    };
    given::<Inbox>(history)
        .when(command(Action::Register(again)))
        .then([whatsapp()])
        .and_when(error(Class::Auth))
        .then([numbered(Class::Auth, 1, 2, 2)]);
}

#[test]
fn removing_forgets_everything() {
    given::<Inbox>([whatsapp(), recorded(Class::Auth, 1)])
        .when(command(Action::Remove))
        .then([Removed {}])
        .and_when(command(Action::Remove))
        .then_refused(&Rejection::Unknown);
}

#[test]
fn an_answer_tells_profile_count_threshold_and_mark() {
    let inbox = given::<Inbox>([whatsapp(), recorded(Class::Auth, 2), too_many(2)]);
    let answer = inbox.state().answer(&command(Action::Look));
    assert_eq!(answer.profile.map(|it| it.name.clone()).as_deref(), Some("Support"));
    assert_eq!((answer.authorization_error_count, answer.threshold), (2, 2));
    assert!(answer.reauthorization_required);
    inbox.when(command(Action::Look)).then_nothing();
}

#[test]
fn an_accounts_policy_decides_from_then_on_and_is_named() {
    let mut layers = Layers::default();
    let policy = Policy { threshold: Some(1), ..Policy::default() };
    layers.account.set("Channel::Whatsapp", &policy);
    let strict = Command { layers: Arc::new(layers), ..error(Class::Auth) };
    let policy = Version { account: 1, ..Version::default() };
    let cause = Cause::Threshold { count: 1, threshold: 1, verdict: verdict(Class::Auth) };
    let required = ReauthorizationRequired { cause, policy, evidence: vec![1] };
    let inbox = given::<Inbox>([whatsapp()]);
    assert_eq!(inbox.state().answer(&strict).threshold, 1);
    inbox.when(strict).then([
        numbered(Class::Auth, 1, 1, 1),
        reauthorization::Event::ReauthorizationRequired(required).into(),
    ]);
}

#[test]
fn its_own_policy_is_stronger_than_its_accounts() {
    let mut layers = Layers::default();
    let policy = |threshold| Policy { threshold: Some(threshold), ..Policy::default() };
    layers.account.set("Channel::Whatsapp", &policy(1));
    let own = report(Report::SetPolicy(policy(3)));
    let set = reauthorization::PolicySet { policy: policy(3) };
    given::<Inbox>([whatsapp()])
        .when(own.clone())
        .then([reauthorization::Event::PolicySet(set)])
        .and_when(own)
        .then_nothing()
        .and_when(Command { layers: Arc::new(layers), ..error(Class::Auth) })
        .then([numbered(Class::Auth, 1, 1, 3)]);
}

#[test]
fn cases_29_and_30_what_is_changed_leaves_the_mark() {
    let register = |given| command(Action::Register(given));
    let (credentials, name) = (sealed(9), "Sales".to_owned());
    let connected =
        Registration { credentials: Some(credentials.clone()), ..Registration::default() };
    let renamed = Registration { name: Some(name.clone()), ..Registration::default() };
    given::<Inbox>([whatsapp(), prompted()])
        .when(register(connected))
        .then([CredentialsReplaced { credentials }])
        .and_when(register(renamed))
        .then([Renamed { name }])
        .and_when(prompt())
        .then_nothing();
}

#[test]
fn a_registration_that_expects_a_version_is_refused_where_somebody_else_was_first() {
    let renamed = |name: &str, expected| {
        let (name, expected) = (Some(name.to_owned()), Some(expected));
        command(Action::Register(Registration { name, expected, ..Registration::default() }))
    };
    let version = |inbox: &Given<Inbox>| inbox.state().answer(&command(Action::Look)).version;
    let inbox = given::<Inbox>([whatsapp()]);
    assert_eq!(version(&inbox), 1);
    inbox.when(renamed("Sales", 1)).then([Renamed { name: "Sales".into() }]);
    let inbox = given::<Inbox>([whatsapp(), Renamed { name: "Sales".into() }.into()]);
    assert_eq!(version(&inbox), 2);
    inbox.when(renamed("Mine", 1)).then_refused(&Rejection::Changed(2));
    let removed = given::<Inbox>([whatsapp(), Removed {}.into()]);
    assert_eq!(version(&removed), 0);
    removed.when(renamed("Mine", 2)).then_refused(&Rejection::Changed(0));
    // Evidence makes no other version of what the platform said.
    let reported = given::<Inbox>([whatsapp(), event(AuthorizationSucceeded {})]);
    assert_eq!(version(&reported), 1);
}
