use std::sync::Arc;

use events::evidence::{Class, Evidence, Scope, Verdict};
use events::reauthorization::{
    Cause, Command as Report, Event as Shared, ReauthorizationRequired, Reauthorized,
};
use events::switch::OffCause;

use super::*;
use crate::aggregate::Next;
use crate::testing::{Given, NOON, fresh, given};

const OURS: AccountId = AccountId(1);
const THEIRS: AccountId = AccountId(2);

fn made() -> Created {
    Created {
        account: OURS,
        name: "Label them".into(),
        description: None,
        event_name: "conversation_created".into(),
        conditions: "[]".into(),
        actions: "[]".into(),
        active: true,
    }
}

fn command(action: Action) -> Command {
    Command { account: OURS, layers: Arc::default(), action }
}

fn report(report: Report) -> Command {
    command(Action::Report(report))
}

fn prompt() -> Command {
    report(Report::Prompt { reason: None })
}

fn change(change: Change) -> Command {
    command(Action::Change(Box::new(change)))
}

fn prompted() -> Event {
    let cause = Cause::Prompted { reason: None };
    Shared::ReauthorizationRequired(ReauthorizationRequired::from(cause)).into()
}

fn reauthorized() -> Event {
    Shared::Reauthorized(Reauthorized { was_required: true, by_hand: false }).into()
}

fn deactivated(cause: OffCause) -> Event {
    Deactivated { cause }.into()
}

fn needed() -> Given<Rule> {
    given([made().into(), prompted(), deactivated(OffCause::Reauthorization)] as [Event; 3])
}

#[test]
fn a_rule_is_made_once() {
    let create = || command(Action::Create(Box::new(made())));
    fresh::<Rule>()
        .when(create())
        .then([made()])
        .then_owes(NOON, &Next::Idle)
        .and_when(create())
        .then_refused(&Rejection::Exists);
}

#[test]
fn a_rule_that_is_prompted_for_is_deactivated() {
    given::<Rule>([made()])
        .when(prompt())
        .then([prompted(), deactivated(OffCause::Reauthorization)])
        .and_when(prompt())
        .then_nothing();
}

#[test]
fn editing_the_conditions_clears_the_need_and_a_new_name_does_not() {
    let conditions = r#"[{"attribute_key":"status"}]"#;
    needed()
        .when(change(Change { name: Some("Labels".into()), ..Change::default() }))
        .then([Renamed { name: "Labels".into() }])
        .and_when(change(Change { conditions: Some("[]".into()), ..Change::default() }))
        .then_nothing()
        .and_when(change(Change { conditions: Some(conditions.into()), ..Change::default() }))
        .then([Event::from(ConditionsChanged { conditions: conditions.into() }), reauthorized()])
        .and_when(change(Change { active: Some(true), ..Change::default() }))
        .then([Activated {}]);
}

#[test]
fn reauthorizing_clears_the_need_and_leaves_activating_to_its_owner() {
    needed().when(report(Report::Reauthorize)).then([reauthorized()]);
}

#[test]
fn a_rule_that_was_activated_while_it_was_needed_is_deactivated_by_the_next_failure() {
    needed()
        .when(change(Change { active: Some(true), ..Change::default() }))
        .then([Activated {}])
        .and_when(prompt())
        .then([deactivated(OffCause::Reauthorization)]);
}

#[test]
fn only_what_differs_is_changed() {
    let all = || {
        change(Change {
            name: Some("Labels".into()),
            description: Some(Some("For all".into())),
            event_name: Some("message_created".into()),
            conditions: Some("[1]".into()),
            actions: Some("[2]".into()),
            active: Some(false),
        })
    };
    given::<Rule>([made()])
        .when(all())
        .then([
            Event::from(Renamed { name: "Labels".into() }),
            Described { description: Some("For all".into()) }.into(),
            EventNameChanged { event_name: "message_created".into() }.into(),
            ConditionsChanged { conditions: "[1]".into() }.into(),
            ActionsChanged { actions: "[2]".into() }.into(),
            deactivated(OffCause::ByHand),
        ])
        .and_when(all())
        .then_nothing();
}

#[test]
fn the_rule_of_another_account_and_one_that_is_gone_do_not_exist() {
    let actions =
        [Action::Change(Box::default()), Action::Delete, Action::Report(Report::RecordSuccess)];
    for action in actions {
        let theirs = Command { account: THEIRS, layers: Arc::default(), action: action.clone() };
        given::<Rule>([made()]).when(theirs).then_refused(&Rejection::Unknown);
        fresh::<Rule>().when(command(action.clone())).then_refused(&Rejection::Unknown);
        given::<Rule>([Event::from(made()), Deleted {}.into()])
            .when(command(action))
            .then_refused(&Rejection::Unknown);
    }
    given::<Rule>([made()]).when(command(Action::Delete)).then([Deleted {}]);
}

#[test]
fn a_policy_of_rules_decides_and_is_named() {
    let mut layers = Layers::default();
    let policy = events::policy::Policy { threshold: Some(1), ..Default::default() };
    layers.installation.set(policy::RULE, &policy);
    let verdict = Verdict { class: Class::Auth, scope: Scope::Channel, rule: None };
    let (evidence, table, at) = (Evidence::default(), 2, NOON);
    let error = Report::RecordError { evidence, verdict, table, at };
    let error = Command { layers: Arc::new(layers), ..report(error) };
    let rule = given::<Rule>([made()]);
    let events = rule.state().decide(&error).unwrap();
    let required = events.iter().find_map(|event| {
        let Event::Reauthorization(Shared::ReauthorizationRequired(required)) = event else {
            return None;
        };
        Some(required)
    });
    let version = events::policy::Version { installation: 1, ..Default::default() };
    assert_eq!(required.map(|it| it.policy), Some(version), "{events:?}");
    assert_eq!(events.last(), Some(&deactivated(OffCause::Reauthorization)));
}
