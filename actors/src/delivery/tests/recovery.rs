//! How many recoveries a ledger remembers, and which it lets go of.

use events::delivery::{RecoveryCancelled, RecoveryFilter, RecoveryPlanned, RecoveryStarted};
use events::{Revision, WebhookId};

use super::*;

fn recovery(number: u128) -> RecoveryId {
    RecoveryId::of(Uuid::from_u128(number), WebhookId(7))
}

fn planned(number: u128) -> RecoveryPlanned {
    let filter = RecoveryFilter {
        since: NOON,
        until: None,
        event: None,
        key: None,
        abandoned: true,
        delivered: false,
    };
    let (head, count, bytes) = (Revision::FIRST, 1, 1);
    RecoveryPlanned { recovery: recovery(number), filter, head, count, bytes }
}

fn plan(number: u128) -> Command {
    Command::Plan(Box::new(planned(number)))
}

fn started(number: u128) -> Event {
    RecoveryStarted { recovery: recovery(number) }.into()
}

#[test]
fn where_there_are_too_many_the_oldest_that_was_only_planned_is_cancelled_aloud() {
    let history = (0..32).map(|number| planned(number).into()).chain([0, 1].map(started));
    given::<Ledger>(history)
        .when(plan(32))
        .then([Event::from(RecoveryCancelled { recovery: recovery(2) }), planned(32).into()])
        .and_when(Command::Recovery(recovery(0), Ask::Pause))
        .then([events::delivery::RecoveryPaused { recovery: recovery(0) }])
        .and_when(Command::Recovery(recovery(2), Ask::Look))
        .then_refused(&Rejection::UnknownRecovery(recovery(2)));
}

#[test]
fn where_all_are_under_way_no_more_are_planned() {
    let history = (0..32).flat_map(|number| [planned(number).into(), started(number)]);
    given::<Ledger>(history)
        .when(plan(32))
        .then_refused(&Rejection::TooManyRecoveries(32))
        .and_when(Command::Recovery(recovery(0), Ask::Cancel))
        .then([RecoveryCancelled { recovery: recovery(0) }])
        .and_when(plan(32))
        .then([planned(32)]);
}

#[test]
fn what_others_bring_back_is_remembered_by_a_recovery_that_has_begun_and_by_no_mere_plan() {
    let story = [queued(FIRST).into(), abandoned(FIRST, AbandonReason::Exhausted)];
    let plans = [planned(0).into(), planned(1).into(), started(1)];
    let mut ledger = given::<Ledger>(story.into_iter().chain(plans)).state().clone();
    let again = Reopened { queued: queued(FIRST), attempts: 1, recovery: None };
    ledger.evolve(&again.into());
    let remembered = [0, 1].map(|number| ledger.recovery(recovery(number)).unwrap().again.len());
    assert_eq!(remembered, [0, 1]);
}
