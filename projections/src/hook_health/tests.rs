use events::hook::{AccessTokenReplaced, Deleted, Disabled, Enabled, Scope, SettingsChanged};
use events::policy::Policy;
use events::reauthorization::{
    Cause, Event as Shared, Expiring, ExpirySet, PolicySet, ReauthorizationRequired,
    Reauthorized as Done,
};
use events::switch::OffCause;
use events::{Category, InboxId, StreamName};

use super::*;
use crate::subject_health::HealthState;
use crate::testing::{ACCOUNT, fold, history, obeys_the_law, sealed, second};

const ID: HookId = HookId(3);

fn of(id: HookId, event: impl Into<HookEvent>) -> (StreamName, Event) {
    (StreamName::new(Category::Hook, id), event.into().into())
}

fn created() -> Created {
    Created {
        account: ACCOUNT,
        app: "dialogflow".into(),
        scope: Scope::Inbox(InboxId(42)),
        reference: None,
        settings: "{}".into(),
        credentials: Some(sealed()),
        access_token: None,
        enabled: true,
    }
}

fn required() -> HookEvent {
    let cause = Cause::Prompted { reason: Some("PERMISSION_DENIED".into()) };
    Shared::ReauthorizationRequired(ReauthorizationRequired::from(cause)).into()
}

fn disabled() -> HookEvent {
    Disabled { cause: OffCause::Reauthorization }.into()
}

#[test]
fn a_hook_is_shown_with_its_settings_and_how_it_is_doing() {
    let history = history([
        of(ID, created()),
        of(ID, SettingsChanged { settings: r#"{"region":"eu"}"#.into(), credentials: None }),
        of(ID, AccessTokenReplaced { access_token: sealed() }),
        of(ID, required()),
        of(ID, disabled()),
    ]);
    let health: HookHealth = fold(&history);
    let hook = health.hook(ID).unwrap();
    assert_eq!(hook.facts.settings, r#"{"region":"eu"}"#);
    assert_eq!((hook.account, hook.created_at), (ACCOUNT, second(1)));
    assert_eq!(hook.off, Some(OffCause::Reauthorization));
    assert_eq!((hook.health.state, hook.health.since), (HealthState::ActionNeeded, second(4)));
    assert_eq!(hook.health.cause.as_deref(), Some("prompted: PERMISSION_DENIED"));
    assert_eq!(hook.health.next_action, Some("reauthorize the integration"));
    assert_eq!(hook.health.threshold, 2);
    obeys_the_law::<HookHealth>(&history);
}

#[test]
fn reauthorized_and_enabled_it_is_healthy_again() {
    let reauthorized =
        HookEvent::from(Shared::Reauthorized(Done { was_required: true, by_hand: false }));
    let events = [required(), disabled(), reauthorized, Enabled {}.into()];
    let events = events.map(|event| of(ID, event));
    let health: HookHealth = fold(&history([of(ID, created())].into_iter().chain(events)));
    let hook = health.hook(ID).unwrap();
    assert_eq!((hook.off, hook.health.state), (None, HealthState::Healthy));
}

#[test]
fn a_deleted_hook_is_listed_no_more_and_can_be_asked_about() {
    let other = Created { account: AccountId(2), ..created() };
    let history = history([
        of(ID, created()),
        of(HookId(4), created()),
        of(HookId(5), other),
        of(ID, Deleted {}),
    ]);
    let health: HookHealth = fold(&history);
    let listed: Vec<_> = health.of_account(ACCOUNT).iter().map(|hook| hook.id).collect();
    assert_eq!(listed, [HookId(4)]);
    assert_eq!(health.ever_of_account(ACCOUNT).collect::<Vec<_>>(), [ID, HookId(4)]);
    assert!(health.hook(ID).unwrap().removed);
    obeys_the_law::<HookHealth>(&history);
}

#[test]
fn the_threshold_is_that_of_the_nearest_policy() {
    let policy = |threshold| Policy { threshold: Some(threshold), ..Policy::default() };
    let of_account = events::account::PolicySet { kind: policy::HOOK.into(), policy: policy(5) };
    let of_account = Event::Account(of_account.into());
    let account = (StreamName::new(Category::Account, ACCOUNT), of_account);
    let own = HookEvent::from(Shared::PolicySet(PolicySet { policy: policy(3) }));
    let history = history([account, of(ID, created()), of(HookId(4), created()), of(ID, own)]);
    let health: HookHealth = fold(&history);
    let thresholds = [ID, HookId(4)].map(|id| health.hook(id).unwrap().health.threshold);
    assert_eq!(thresholds, [3, 5]);
    assert_eq!(health.hook(ID).unwrap().policy, &policy(3));
    obeys_the_law::<HookHealth>(&history);
}

#[test]
fn a_credential_that_ends_soon_is_listed_and_owed_a_warning_until_it_is_told() {
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    let (soon, end) = (second(0).after(day * 5), second(0).after(day * 6));
    let expiry = |expires_at| HookEvent::from(Shared::ExpirySet(ExpirySet { expires_at }));
    let told = HookEvent::from(Shared::Expiring(Expiring { expires_at: end, days: 7 }));
    let mut known = vec![of(ID, created()), of(ID, expiry(Some(end)))];
    let health: HookHealth = fold(&history(known.clone()));
    assert_eq!(health.owed_a_warning(second(9)), [(ACCOUNT, ID)]);
    assert_eq!(health.expiring_before(soon).count(), 0);
    assert_eq!(health.expiring_before(end).map(|hook| hook.id).collect::<Vec<_>>(), [ID]);
    known.push(of(ID, told));
    let health: HookHealth = fold(&history(known.clone()));
    assert_eq!(health.owed_a_warning(second(9)), []);
    assert_eq!(health.hook(ID).unwrap().health.state, HealthState::Expiring);
    obeys_the_law::<HookHealth>(&history(known.clone()));
    known.push(of(ID, Deleted {}));
    let health: HookHealth = fold(&history(known));
    assert_eq!(health.expiring_before(end).count(), 0);
}
