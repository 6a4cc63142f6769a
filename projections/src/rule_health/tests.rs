use events::reauthorization::{Cause, Event as Shared, ReauthorizationRequired};
use events::rule::{
    ActionsChanged, Activated, ConditionsChanged, Deactivated, Deleted, Described,
    EventNameChanged, Renamed,
};
use events::switch::OffCause;
use events::{Category, StreamName};

use super::*;
use crate::subject_health::HealthState;
use crate::testing::{ACCOUNT, fold, history, obeys_the_law, second};

const ID: RuleId = RuleId(5);

fn after(events: impl IntoIterator<Item = RuleEvent>) -> Vec<Recorded<Event>> {
    let created = Created {
        account: ACCOUNT,
        name: "Label them".into(),
        description: None,
        event_name: "conversation_created".into(),
        conditions: "[]".into(),
        actions: "[]".into(),
        active: true,
    };
    let stream = StreamName::new(Category::Rule, ID);
    let events = std::iter::once(RuleEvent::from(created)).chain(events);
    history(events.map(|event| (stream.clone(), event)))
}

#[test]
fn a_rule_is_shown_as_it_was_last_changed() {
    let history = after([
        Renamed { name: "Labels".into() }.into(),
        Described { description: Some("For all".into()) }.into(),
        EventNameChanged { event_name: "message_created".into() }.into(),
        ConditionsChanged { conditions: "[1]".into() }.into(),
        ActionsChanged { actions: "[2]".into() }.into(),
        Deactivated { cause: OffCause::ByHand }.into(),
        Activated {}.into(),
    ]);
    let health: RuleHealth = fold(&history);
    let rule = health.rule(ID).unwrap();
    let Created { account, name, description, event_name, conditions, actions, .. } = rule.facts;
    assert_eq!(
        (*account, name.as_str(), description.as_deref()),
        (ACCOUNT, "Labels", Some("For all"))
    );
    assert_eq!((event_name.as_str(), conditions.as_str()), ("message_created", "[1]"));
    assert_eq!((actions.as_str(), rule.off, rule.created_at), ("[2]", None, second(1)));
    assert_eq!(rule.health.state, HealthState::Unknown);
    obeys_the_law::<RuleHealth>(&history);
}

#[test]
fn a_rule_that_is_needed_tells_what_to_do() {
    let cause = Cause::Prompted { reason: None };
    let required = Shared::ReauthorizationRequired(ReauthorizationRequired::from(cause));
    let deactivated = Deactivated { cause: OffCause::Reauthorization };
    let health: RuleHealth = fold(&after([required.into(), deactivated.into()]));
    let rule = health.rule(ID).unwrap();
    assert_eq!(rule.off, Some(OffCause::Reauthorization));
    assert_eq!((rule.health.state, rule.health.since), (HealthState::ActionNeeded, second(2)));
    let action = "correct the rule's conditions, then activate it";
    assert_eq!(rule.health.next_action, Some(action));
}

#[test]
fn a_deleted_rule_is_listed_no_more() {
    let history = after([Deleted {}.into()]);
    let health: RuleHealth = fold(&history);
    assert!(health.of_account(ACCOUNT).is_empty());
    assert_eq!(health.ever_of_account(ACCOUNT).collect::<Vec<_>>(), [ID]);
    obeys_the_law::<RuleHealth>(&history);
}
