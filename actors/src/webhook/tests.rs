use super::*;
use crate::aggregate::Next;
use crate::testing::{NOON, fresh, given};

const OURS: AccountId = AccountId(1);
const THEIRS: AccountId = AccountId(2);

fn secret() -> Sealed {
    Sealed { key: events::KeyId([0; 8]), nonce: [0; 24], text: vec![1] }
}

fn settings() -> Settings {
    Settings {
        account: OURS,
        url: "https://example.com/a".into(),
        name: None,
        inbox: None,
        subscriptions: vec!["message_created".into()],
        keys: SigningKeys::of(secret()),
        policy: Policy::default(),
    }
}

fn created() -> Event {
    let Settings { account, url, name, inbox, subscriptions, policy, .. } = settings();
    let secret = secret();
    Created { account, url, name, inbox, subscriptions, secret, policy }.into()
}

fn create() -> Command {
    Command::Create(Box::new(settings()))
}

fn change(account: AccountId, change: Change) -> Command {
    Command::Change { account, change: Box::new(change) }
}

#[test]
fn a_webhook_is_created_once() {
    fresh::<Webhook>()
        .when(create())
        .then([created()])
        .then_owes(NOON, &Next::Idle)
        .and_when(create())
        .then_refused(&Rejection::Exists);
}

#[test]
fn the_number_of_a_deleted_webhook_is_never_used_again() {
    given::<Webhook>([created(), Deleted {}.into()])
        .when(create())
        .then_refused(&Rejection::Exists);
}

#[test]
fn a_change_changes_only_what_differs() {
    let policy = Policy { concurrency: Some(3), ..Policy::default() };
    let all = Change {
        url: Some("https://example.com/b".into()),
        name: Some(Some("b".into())),
        inbox: Some(Some(InboxId(5))),
        subscriptions: Some(vec!["*".into()]),
        policy: Some(policy.clone()),
        over: None,
    };
    given::<Webhook>([created()])
        .when(change(OURS, all.clone()))
        .then([
            Event::from(UrlChanged { url: "https://example.com/b".into() }),
            Renamed { name: Some("b".into()) }.into(),
            InboxChanged { inbox: Some(InboxId(5)) }.into(),
            SubscriptionsChanged { subscriptions: vec!["*".into()] }.into(),
            PolicyChanged { policy }.into(),
        ])
        .and_when(change(OURS, all))
        .then_nothing()
        .and_when(change(OURS, Change { name: Some(None), ..Change::default() }))
        .then([Event::from(Renamed { name: None })]);
    given::<Webhook>([created()]).when(change(OURS, Change::default())).then_nothing();
}

#[test]
fn a_policy_that_was_put_together_of_another_is_refused() {
    let policy = |concurrency| Policy { concurrency: Some(concurrency), ..Policy::default() };
    let over = |over: Policy, policy: Policy| {
        change(OURS, Change { policy: Some(policy), over: Some(over), ..Change::default() })
    };
    given::<Webhook>([created()])
        .when(over(Policy::default(), policy(3)))
        .then([PolicyChanged { policy: policy(3) }])
        .and_when(over(Policy::default(), policy(4)))
        .then_refused(&Rejection::Changed)
        .and_when(over(policy(3), policy(4)))
        .then([PolicyChanged { policy: policy(4) }]);
}

#[test]
fn the_webhook_of_another_account_does_not_exist() {
    for command in [change(THEIRS, Change::default()), Command::Delete { account: THEIRS }] {
        given::<Webhook>([created()]).when(command).then_refused(&Rejection::Unknown);
    }
}

#[test]
fn a_webhook_that_was_never_created_does_not_exist() {
    for command in [change(OURS, Change::default()), Command::Delete { account: OURS }] {
        fresh::<Webhook>().when(command).then_refused(&Rejection::Unknown);
    }
}

#[test]
fn a_deleted_webhook_does_not_exist_any_more() {
    given::<Webhook>([created()])
        .when(Command::Delete { account: OURS })
        .then([Deleted {}])
        .and_when(Command::Delete { account: OURS })
        .then_refused(&Rejection::Unknown)
        .and_when(change(OURS, Change::default()))
        .then_refused(&Rejection::Unknown);
}

#[test]
fn only_a_living_webhook_has_settings() {
    let live = given::<Webhook>([created()]);
    assert_eq!(live.state().answer(&Command::Look).settings(), Some(&settings()));
    live.when(Command::Look).then_nothing();
    let deleted = given::<Webhook>([created(), Deleted {}.into()]);
    assert_eq!(deleted.state().settings(), None);
}

#[test]
fn an_endpoint_speaks_in_durations() {
    let policy = Policy {
        concurrency: Some(2),
        timeout_ms: Some(1500),
        retry_schedule_ms: Some(vec![1, 2000]),
        inboxes: None,
        ..Policy::default()
    };
    let endpoint = Settings { policy, ..settings() }.endpoint(WebhookId(7));
    assert_eq!(endpoint.timeout, Some(Duration::from_millis(1500)));
    assert_eq!(endpoint.concurrency, Some(2));
    let waits = [Duration::from_millis(1), Duration::from_secs(2)];
    assert_eq!(endpoint.retry_schedule.as_deref(), Some(&waits[..]));
}

/// A secret that is not the first one.
fn another(number: u8) -> Sealed {
    Sealed { key: events::KeyId([0; 8]), nonce: [0; 24], text: vec![100, number] }
}

const DAY: Duration = Duration::from_secs(86_400);

fn rotate(rotation: Rotation, now: Timestamp, overlap: Duration) -> Command {
    Command::Rotate { account: OURS, rotation, now, overlap }
}

fn pair(number: u8) -> Rotation {
    Rotation::KeyPair { secret: another(number), public: format!("whpk_{number}") }
}

#[test]
fn a_secret_is_rotated_once_with_an_overlap() {
    let rotated = SecretRotated { secret: another(1), previous_until: NOON.after(DAY) };
    given::<Webhook>([created()])
        .when(rotate(Rotation::Secret(another(1)), NOON, DAY))
        .then([rotated])
        .and_when(rotate(Rotation::Secret(another(1)), NOON, DAY))
        .then_nothing();
}

#[test]
fn a_key_pair_comes_is_rotated_and_goes() {
    let until = NOON.after(DAY);
    let rotated = |number| KeyPairRotated {
        secret: another(number),
        public: format!("whpk_{number}"),
        previous_until: until,
    };
    given::<Webhook>([created()])
        .when(rotate(Rotation::NoKeyPair, NOON, DAY))
        .then_nothing()
        .and_when(rotate(pair(1), NOON, DAY))
        .then([rotated(1)])
        .and_when(rotate(pair(1), NOON, DAY))
        .then_nothing()
        .and_when(rotate(pair(2), NOON, DAY))
        .then([rotated(2)])
        .and_when(rotate(Rotation::NoKeyPair, NOON, DAY))
        .then([KeyPairRetired { until }])
        .and_when(rotate(Rotation::NoKeyPair, NOON, DAY))
        .then_nothing();
}

#[test]
fn ten_older_keys_are_the_most_and_one_that_has_ended_makes_room() {
    let until = NOON.after(DAY);
    let rotated = |number: u8| SecretRotated { secret: another(number), previous_until: until };
    let ten = (0..10).map(|number| rotated(number).into());
    let history: Vec<Event> = std::iter::once(created()).chain(ten).collect();
    given::<Webhook>(history.clone())
        .when(rotate(Rotation::Secret(another(11)), NOON, DAY))
        .then_refused(&Rejection::TooManyKeys);
    given::<Webhook>(history.clone())
        .when(rotate(Rotation::Secret(another(11)), NOON, Duration::ZERO))
        .then([SecretRotated { secret: another(11), previous_until: NOON }]);
    given::<Webhook>(history)
        .when(rotate(Rotation::Secret(another(11)), until, DAY))
        .then([SecretRotated { secret: another(11), previous_until: until.after(DAY) }]);
}

#[test]
fn a_secret_that_is_shown_is_told_each_time() {
    given::<Webhook>([created()])
        .when(Command::Reveal { account: OURS })
        .then([SecretRevealed {}])
        .and_when(Command::Reveal { account: OURS })
        .then([SecretRevealed {}]);
}

#[test]
fn keys_of_another_tenant_are_neither_shown_nor_rotated() {
    let rotate =
        Command::Rotate { account: THEIRS, rotation: Rotation::NoKeyPair, now: NOON, overlap: DAY };
    given::<Webhook>([created()])
        .when(rotate)
        .then_refused(&Rejection::Unknown)
        .and_when(Command::Reveal { account: THEIRS })
        .then_refused(&Rejection::Unknown);
}
