use proptest::prelude::*;

use super::*;
use crate::evidence::Scope;

fn verdict(class: Class) -> Verdict {
    Verdict { class, scope: Scope::Account, rule: None }
}

fn error(class: Class) -> Command {
    Command::RecordError { evidence: Evidence::default(), verdict: verdict(class) }
}

fn after(commands: impl IntoIterator<Item = Command>, threshold: u32) -> Reauthorization {
    let mut state = Reauthorization::default();
    for command in commands {
        for event in state.decide(command, threshold) {
            state.evolve(&event);
        }
    }
    state
}

fn transitions(events: &[Event]) -> Vec<bool> {
    let mut found = vec![];
    for event in events {
        match event {
            Event::ReauthorizationRequired(_) => found.push(true),
            Event::Reauthorized(Reauthorized { was_required: true }) => found.push(false),
            Event::Reauthorized(_)
            | Event::AuthorizationErrorRecorded(_)
            | Event::AuthorizationSucceeded(_) => {}
        }
    }
    found
}

#[test]
fn one_error_counts_and_the_threshold_makes_it_required() {
    let once = after([error(Class::Auth)], 2);
    assert_eq!((once.error_count, once.required), (1, false));
    let events = once.decide(error(Class::Permission), 2);
    assert_eq!(transitions(&events), [true]);
    assert_eq!(events.len(), 2);
}

#[test]
fn an_error_past_the_threshold_is_recorded_without_a_second_transition() {
    let required = after([error(Class::Auth)], 1);
    let events = required.decide(error(Class::Auth), 1);
    assert!(matches!(
        &events[..],
        [Event::AuthorizationErrorRecorded(AuthorizationErrorRecorded { count: 2, .. })]
    ));
}

#[test]
fn only_auth_and_permission_count() {
    for class in Class::ALL.iter().copied() {
        let state = after([error(class)], 9);
        let expected = u32::from(matches!(class, Class::Auth | Class::Permission));
        assert_eq!(state.error_count, expected, "{class}");
    }
}

#[test]
fn a_prompt_requires_once() {
    let prompt = || Command::Prompt { reason: Some("token is gone".into()) };
    let events = Reauthorization::default().decide(prompt(), 10);
    assert_eq!(transitions(&events), [true]);
    assert_eq!(after([prompt()], 10).decide(prompt(), 10), []);
}

#[test]
fn reauthorizing_clears_the_count_and_is_a_transition_only_when_required() {
    assert_eq!(Reauthorization::default().decide(Command::Reauthorize, 2), []);
    let counted = after([error(Class::Auth)], 2);
    let events = counted.decide(Command::Reauthorize, 2);
    assert_eq!(events, [Event::Reauthorized(Reauthorized { was_required: false })]);
    let required = after([error(Class::Auth), error(Class::Auth)], 2);
    let events = required.decide(Command::Reauthorize, 2);
    assert_eq!(transitions(&events), [false]);
}

#[test]
fn success_resets_the_count_once_and_leaves_a_mark_standing() {
    let healed = after([error(Class::Auth), Command::RecordSuccess], 2);
    assert_eq!((healed.error_count, healed.required), (0, false));
    assert_eq!(healed.decide(Command::RecordSuccess, 2), []);
    let marked = after([error(Class::Auth), Command::RecordSuccess], 1);
    assert_eq!((marked.error_count, marked.required), (1, true));
}

#[test]
fn thresholds_are_chatwoots() {
    assert_eq!(threshold("Channel::Email"), 10);
    assert_eq!(threshold("Channel::Instagram"), 1);
    assert_eq!(threshold("Channel::Tiktok"), 1);
    assert_eq!(threshold("Channel::FacebookPage"), 2);
    assert_eq!(threshold("Channel::Whatsapp"), 2);
}

fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        proptest::sample::select(Class::ALL).prop_map(error),
        Just(Command::RecordSuccess),
        Just(Command::Prompt { reason: None }),
        Just(Command::Reauthorize),
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
            let events = state.decide(command, threshold);
            events.iter().for_each(|event| state.evolve(event));
            seen.extend(transitions(&events));
            prop_assert!(state.required || state.error_count < threshold);
        }
        for (index, required) in seen.iter().enumerate() {
            prop_assert_eq!(*required, index % 2 == 0);
        }
    }
}
