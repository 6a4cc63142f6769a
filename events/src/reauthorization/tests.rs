use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::Fold;
use crate::evidence::Scope;
use crate::policy::Rules;

const NOON: Timestamp = Timestamp::from_micros(1_795_262_400_000_000);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn of_scope(class: Class, scope: Scope) -> Command {
    let verdict = Verdict { class, scope, rule: None };
    Command::RecordError { evidence: Evidence::default(), verdict, table: 1, at: NOON }
}

fn error(class: Class) -> Command {
    of_scope(class, Scope::Account)
}

fn error_at(at: Timestamp) -> Command {
    let verdict = Verdict { class: Class::Auth, scope: Scope::Account, rule: None };
    Command::RecordError { evidence: Evidence::default(), verdict, table: 1, at }
}

fn by(rules: &Rules<'_>, commands: impl IntoIterator<Item = Command>) -> Reauthorization {
    let mut state = Reauthorization::default();
    for command in commands {
        for event in state.decide(command, rules) {
            state.evolve(&event);
        }
    }
    state
}

fn after(commands: impl IntoIterator<Item = Command>, threshold: u32) -> Reauthorization {
    by(&Rules::chatwoots(threshold), commands)
}

fn decided(state: &Reauthorization, command: Command, threshold: u32) -> Vec<Event> {
    state.decide(command, &Rules::chatwoots(threshold))
}

fn transitions(events: &[Event]) -> Vec<bool> {
    let mut found = vec![];
    for event in events {
        match event {
            Event::ReauthorizationRequired(_) => found.push(true),
            Event::Reauthorized(Reauthorized { was_required: true, .. }) => found.push(false),
            Event::Reauthorized(_)
            | Event::AuthorizationErrorRecorded(_)
            | Event::AuthorizationSucceeded(_)
            | Event::PolicySet(_)
            | Event::ExpirySet(_)
            | Event::Expiring(_)
            | Event::IncidentMuted(_)
            | Event::IncidentUnmuted(_) => {}
        }
    }
    found
}

#[test]
fn one_error_counts_and_the_threshold_makes_it_required() {
    let once = after([error(Class::Auth)], 2);
    assert_eq!((once.error_count, once.required), (1, false));
    let events = decided(&once, error(Class::Permission), 2);
    assert_eq!(transitions(&events), [true]);
    assert_eq!(events.len(), 2);
}

#[test]
fn an_error_past_the_threshold_is_recorded_without_a_second_transition() {
    let required = after([error(Class::Auth)], 1);
    let events = decided(&required, error(Class::Auth), 1);
    assert!(matches!(
        &events[..],
        [Event::AuthorizationErrorRecorded(AuthorizationErrorRecorded { count: 2, .. })]
    ));
}

#[test]
fn only_auth_and_permission_count_and_nothing_that_the_whole_app_has() {
    for class in Class::ALL.iter().copied() {
        let state = after([error(class)], 9);
        let expected = u32::from(matches!(class, Class::Auth | Class::Permission));
        assert_eq!(state.error_count, expected, "{class}");
        let state = after([of_scope(class, Scope::App)], 1);
        assert_eq!((state.error_count, state.required), (0, false), "{class}");
        assert_eq!(state.incident, None, "{class}: it is the installation's");
    }
}

#[test]
fn a_transition_names_the_errors_and_the_policy_that_decided_it() {
    let rules = Rules {
        version: Version { installation: 3, account: 0, subject: 1 },
        ..Rules::chatwoots(2)
    };
    let state = by(&rules, [error(Class::Rate), error(Class::Auth), error(Class::Transient)]);
    let events = state.decide(error(Class::Permission), &rules);
    let Some(Event::ReauthorizationRequired(required)) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!((required.policy.to_string().as_str(), &required.evidence), ("3.0.1", &vec![2, 4]));
}

#[test]
fn an_error_decays_only_when_a_window_is_set() {
    let late = NOON.after(HOUR * 2);
    let rules = Rules::chatwoots(2);
    let state = by(&rules, [error_at(NOON)]);
    assert_eq!(transitions(&state.decide(error_at(late), &rules)), [true]);
    let rules = Rules { window: Some(HOUR), ..rules };
    let events = state.decide(error_at(late), &rules);
    assert!(matches!(
        &events[..],
        [Event::AuthorizationErrorRecorded(AuthorizationErrorRecorded { count: 1, .. })]
    ));
    assert_eq!(transitions(&state.decide(error_at(NOON.after(HOUR)), &rules)), [true]);
    let thrice = by(&rules, [error_at(NOON), error_at(late)]);
    let events = thrice.decide(error_at(late), &rules);
    let Some(Event::ReauthorizationRequired(required)) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!(required.evidence, [2, 3], "the first one is too old to have decided it");
}

#[test]
fn a_code_of_the_policy_acts_at_once() {
    let at_once = ["invalid_grant".to_owned()];
    let rules = Rules { at_once: &at_once, ..Rules::chatwoots(10) };
    let evidence = Evidence { code: Some("invalid_grant".into()), ..Evidence::default() };
    let hard = |scope| Command::RecordError {
        evidence: evidence.clone(),
        verdict: Verdict { class: Class::Auth, scope, rule: None },
        table: 1,
        at: NOON,
    };
    let events = Reauthorization::default().decide(hard(Scope::Account), &rules);
    let Some(Event::ReauthorizationRequired(required)) = events.last() else {
        panic!("{events:?}")
    };
    assert!(matches!(&required.cause, Cause::AtOnce { code, .. } if code == "invalid_grant"));
    assert_eq!(required.evidence, [1]);
    let events = Reauthorization::default().decide(hard(Scope::App), &rules);
    assert!(transitions(&events).is_empty(), "what the app has is not the subject's");
}

#[test]
fn a_prompt_requires_once() {
    let prompt = || Command::Prompt { reason: Some("token is gone".into()) };
    let events = decided(&Reauthorization::default(), prompt(), 10);
    assert_eq!(transitions(&events), [true]);
    assert_eq!(decided(&after([prompt()], 10), prompt(), 10), []);
}

#[test]
fn reauthorizing_clears_the_count_and_is_a_transition_only_when_required() {
    assert_eq!(decided(&Reauthorization::default(), Command::Reauthorize, 2), []);
    let counted = after([error(Class::Auth)], 2);
    let events = decided(&counted, Command::Reauthorize, 2);
    let cleared = Reauthorized { was_required: false, by_hand: false };
    assert_eq!(events, [Event::Reauthorized(cleared)]);
    let required = after([error(Class::Auth), error(Class::Auth)], 2);
    let events = decided(&required, Command::Reauthorize, 2);
    assert_eq!(transitions(&events), [false]);
}

#[test]
fn success_resets_the_count_once_and_leaves_a_mark_standing() {
    let healed = after([error(Class::Auth), Command::RecordSuccess], 2);
    assert_eq!((healed.error_count, healed.required), (0, false));
    assert_eq!(decided(&healed, Command::RecordSuccess, 2), []);
    let marked = after([error(Class::Auth), Command::RecordSuccess], 1);
    assert_eq!((marked.error_count, marked.required), (1, true));
}

#[test]
fn what_reauthorizing_will_not_mend_blocks_until_a_success_or_a_reauthorization() {
    for class in [Class::Policy, Class::Billing, Class::UserAction] {
        let blocked = || vec![error(class), error(Class::Rate)];
        assert_eq!(after(blocked(), 2).blocked, Some(class));
        for end in [Command::RecordSuccess, Command::Reauthorize] {
            let state = after(blocked().into_iter().chain([end]), 2);
            assert_eq!((state.blocked, state.incident), (None, None));
        }
    }
}

#[test]
fn consecutive_trouble_is_one_incident_that_can_be_muted_and_closed_by_hand() {
    let mute = |muted| Command::MuteIncident { incident: 1, muted };
    let close = Command::CloseIncident { incident: 1 };
    let state = after([error(Class::Rate), error(Class::Auth), mute(true)], 9);
    assert_eq!(state.incident, Some(Incident { number: 1, muted: true }));
    assert_eq!(decided(&state, mute(true), 9), []);
    let events = decided(&state, close.clone(), 9);
    let by_hand = Reauthorized { was_required: false, by_hand: true };
    assert_eq!(events, [Event::Reauthorized(by_hand)]);
    let again = [error(Class::Auth), mute(true), close.clone(), error(Class::Auth), close.clone()];
    assert_eq!(after(again, 9).incident, Some(Incident { number: 2, muted: false }));
    let calm = Reauthorization::default();
    assert_eq!(decided(&calm, mute(true), 9), []);
    assert_eq!(decided(&calm, close, 9), []);
}

#[test]
fn what_concerns_one_contact_or_one_call_is_no_incident() {
    for command in [
        error(Class::Recipient),
        error(Class::Request),
        of_scope(Class::Rate, Scope::Recipient),
        of_scope(Class::Config, Scope::Template),
    ] {
        assert_eq!(after([command], 1).incident, None);
    }
}

#[test]
fn the_end_of_a_credential_is_told_once_for_each_step() {
    let end = NOON.after(DAY * 40);
    let mut state = after([Command::SetExpiry(Some(end))], 2);
    let mut told = vec![];
    for day in 0..50 {
        for now in [NOON.after(DAY * day), NOON.after(DAY * day)] {
            for event in decided(&state, Command::WarnOfExpiry { now }, 2) {
                state.evolve(&event);
                told.push((day, event));
            }
        }
    }
    let expiring = |days| Event::Expiring(Expiring { expires_at: end, days });
    assert_eq!(told, [(10, expiring(30)), (33, expiring(7)), (39, expiring(1))]);
    let later = Command::SetExpiry(Some(end.after(DAY)));
    assert_eq!(decided(&state, Command::SetExpiry(Some(end)), 2), []);
    for event in decided(&state, later, 2) {
        state.evolve(&event);
    }
    let events = decided(&state, Command::WarnOfExpiry { now: end }, 2);
    assert_eq!(events.len(), 1, "another end is another matter");
}

#[test]
fn a_step_that_was_slept_through_is_not_made_up_for() {
    let state = after([Command::SetExpiry(Some(NOON.after(DAY * 3)))], 2);
    let events = decided(&state, Command::WarnOfExpiry { now: NOON }, 2);
    assert!(matches!(&events[..], [Event::Expiring(Expiring { days: 7, .. })]), "{events:?}");
}

fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        proptest::sample::select(Class::ALL).prop_map(error),
        Just(Command::RecordSuccess),
        Just(Command::Prompt { reason: None }),
        Just(Command::Reauthorize),
        (0..3_u64).prop_map(|incident| Command::CloseIncident { incident }),
        (0..3_u64, any::<bool>())
            .prop_map(|(incident, muted)| Command::MuteIncident { incident, muted }),
    ]
}

proptest! {
    /// Transitions alternate, beginning with required, whatever is said in whatever order.
    #[test]
    fn transitions_alternate(
        commands in proptest::collection::vec(any_command(), 0..40),
        threshold in 1u32..5,
    ) {
        let mut state = Reauthorization::default();
        let mut seen = vec![];
        for command in commands {
            let events = decided(&state, command, threshold);
            events.iter().for_each(|event| state.evolve(event));
            seen.extend(transitions(&events));
            prop_assert!(state.required || state.error_count < threshold);
            prop_assert!(!state.required || state.incident.is_some());
        }
        for (index, required) in seen.iter().enumerate() {
            prop_assert_eq!(*required, index % 2 == 0);
        }
    }
}
