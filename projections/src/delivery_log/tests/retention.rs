//! What is listed of a ledger that begins with a summary.

use std::time::Duration;

use events::delivery::{SummedUp, Trim, Trimmed};

use super::*;
use crate::delivery_log::Upkeep;

const KEEP: Duration = Duration::from_secs(100);
const EVERY: Duration = Duration::from_secs(10);

fn summed_up() -> (StreamName, DeliveryEvent) {
    ledger(SummedUp {
        at: second(3),
        queued: 1,
        withdrawn: 0,
        ordering: Ordering::Fifo,
        recent: vec![(id(1), 1)],
        recoveries: vec![],
        tally: Box::default(),
        trimmed: None,
    })
}

fn upkeep(log: &DeliveryLog, at: u64) -> Upkeep {
    let all = log.upkeep(second(at), KEEP, EVERY);
    assert_eq!(all.len(), 1);
    all[0]
}

#[test]
fn a_ledger_is_summed_up_and_cut_when_it_is_time() {
    let log = log([queued(1, "inbox_updated"), delivered(1, 1)]);
    assert!(!upkeep(&log, 10).sum_up);
    assert!(upkeep(&log, 11).sum_up);
    assert_eq!(upkeep(&log, 900).cut, None, "there is no summary");
    let log = super::log([queued(1, "inbox_updated"), delivered(1, 1), summed_up()]);
    assert!(!upkeep(&log, 900).sum_up);
    assert_eq!(upkeep(&log, 102).cut, None);
    assert_eq!(upkeep(&log, 103).cut, Some(Revision(2)));
}

#[test]
fn what_is_owed_is_not_cut_off() {
    let log = log([queued(1, "inbox_updated"), failed(1, 1, Some(second(50))), summed_up()]);
    assert_eq!(upkeep(&log, 900).cut, None);
}

#[test]
fn what_ended_late_is_kept_from_its_end_on() {
    let log = log([
        queued(1, "inbox_updated"),
        failed(1, 1, Some(second(50))),
        summed_up(),
        delivered(1, 2),
    ]);
    assert_eq!(upkeep(&log, 103).cut, None);
    assert_eq!(upkeep(&log, 104).cut, Some(Revision(2)));
}

#[test]
fn what_was_owed_again_behind_a_cut_is_still_there() {
    let trim = Trim { before: Revision(2), summed_at: second(3), at: second(6) };
    let story = [queued(1, "inbox_updated"), abandoned(1), summed_up(), again(1), delivered(1, 2)];
    let trimmed = Trimmed { trim, outcomes: vec![] };
    let log = log(story.into_iter().chain([ledger(trimmed)]));
    let shown = log.delivery(id(1)).unwrap();
    assert_eq!((shown.status, shown.removed_at), (DeliveryStatus::Delivered, None));
    assert_eq!(shown.revision, Revision(3));
    assert_eq!(log.list(WEBHOOK, &Filter::newest(9)).deliveries, [shown]);
}

#[test]
fn whoever_missed_an_end_learns_of_it_from_the_cut() {
    let story = [queued(1, "inbox_updated"), abandoned(1), queued(2, "inbox_updated")];
    let story = story.into_iter().chain([abandoned(2), summed_up()]);
    let outcomes = log(story.clone()).outcomes(WEBHOOK.into(), Revision(4));
    assert_eq!(outcomes[0].reason, Some(AbandonReason::Exhausted));
    let trim = Trim { before: Revision(4), summed_at: second(5), at: second(105) };
    let only_first = outcomes[..1].to_vec();
    let whole = history(story.chain([ledger(Trimmed { trim, outcomes: only_first })]));
    let holey: Vec<_> = [0, 2, 4, 5].map(|place: usize| whole[place].clone()).to_vec();
    let log = fold::<DeliveryLog>(&holey);
    let shown = log.delivery(id(1)).unwrap();
    assert_eq!((shown.status, shown.removed_at), (DeliveryStatus::Abandoned, Some(second(105))));
    assert_eq!(log.delivery(id(2)), None, "that it ended is all that is known of it");
}

#[test]
fn outcomes_are_the_same_for_who_cannot_read_what_was_removed() {
    let story = [queued(1, "inbox_updated"), delivered(1, 2), summed_up()];
    let outcomes = log(story.clone()).outcomes(WEBHOOK.into(), Revision(2));
    assert_eq!(outcomes.len(), 1);
    let trim = Trim { before: Revision(2), summed_at: second(3), at: second(103) };
    let whole = history(story.into_iter().chain([ledger(Trimmed { trim, outcomes })]));
    obeys_the_law::<DeliveryLog>(&whole);
    let (all, left): (DeliveryLog, DeliveryLog) = (fold(&whole), fold(&whole[2..]));
    let shown = all.delivery(id(1)).unwrap();
    assert_eq!((shown.status, shown.attempts), (DeliveryStatus::Delivered, 2));
    assert_eq!(shown.removed_at, Some(second(103)));
    assert_eq!(left.delivery(id(1)), Some(shown));
    assert_eq!(left.trimmed(WEBHOOK.into()), Some(trim));
    assert_eq!(left.removed_at(id(9)), Some(second(103)), "nothing is known of it");
    assert_eq!(upkeep(&all, 900), upkeep(&left, 900));
}

#[test]
fn what_retention_removed_is_not_looked_for() {
    let many = FINISHED_MAX as u128 + 5;
    let story: Vec<_> = (0..many).flat_map(|it| [queued(it, "x"), delivered(it, 1)]).collect();
    let left = |before| {
        let trim = Trim { before, summed_at: second(3), at: second(6) };
        let story = story.iter().cloned().chain([ledger(Trimmed { trim, outcomes: vec![] })]);
        log(story).list(WEBHOOK, &Filter::newest(1)).left
    };
    assert_eq!(left(Revision(8)), Some(Revision(8)));
    assert_eq!(left(Revision(9)), None);
}

/// As many outcomes of each kind are told where so many were given up, and then so many taken.
fn told(given_up: usize, taken: usize) -> (usize, usize) {
    let (given_up, all) = (given_up as u128, (given_up + taken) as u128);
    let abandoned = (0..given_up).flat_map(|number| [queued(number, "x"), abandoned(number)]);
    let delivered = (given_up..all).flat_map(|number| [queued(number, "x"), delivered(number, 1)]);
    let outcomes = log(abandoned.chain(delivered)).outcomes(WEBHOOK.into(), Revision(u64::MAX));
    let abandoned = outcomes.iter().filter(|outcome| !outcome.delivered);
    (abandoned.count(), outcomes.iter().filter(|outcome| outcome.delivered).count())
}

#[test]
fn as_many_outcomes_are_told_as_one_record_takes_and_half_are_of_what_was_given_up() {
    let half = FINISHED_MAX / 2;
    assert_eq!(told(3, 4), (3, 4));
    assert_eq!(told(FINISHED_MAX, FINISHED_MAX), (half, half));
    assert_eq!(told(10, FINISHED_MAX), (10, FINISHED_MAX - 10));
    assert_eq!(told(FINISHED_MAX, 10), (FINISHED_MAX - 10, 10));
}

#[test]
fn of_what_was_given_up_and_taken_the_last_are_told() {
    let many = FINISHED_MAX as u128;
    let both = |number| {
        let (other, number) = (many + number, number);
        [queued(number, "x"), queued(other, "x"), abandoned(number), delivered(other, 1)]
    };
    let outcomes = log((0..many).flat_map(both)).outcomes(WEBHOOK.into(), Revision(u64::MAX));
    let ids: Vec<_> = outcomes.iter().map(|outcome| outcome.delivery).collect();
    let last = (many / 2..many).flat_map(|number| [id(number), id(many + number)]);
    assert_eq!(ids, last.collect::<Vec<_>>());
}

#[test]
fn what_retention_moved_is_listed_by_when_it_was_queued_and_so_are_all_others() {
    let trim = Trim { before: Revision(2), summed_at: second(3), at: second(6) };
    let story = [queued(1, "inbox_updated"), abandoned(1), summed_up(), queued(2, "x"), again(1)];
    let trimmed = Trimmed { trim, outcomes: vec![] };
    let log = log(story.into_iter().chain([ledger(trimmed)]));
    let listed = |filter: &Filter| -> Vec<_> {
        log.list(WEBHOOK, filter).deliveries.iter().map(|delivery| delivery.id).collect()
    };
    assert_eq!(listed(&Filter { after: Some(second(3)), ..Filter::newest(9) }), [id(2)]);
    assert_eq!(listed(&Filter { before: Some(second(3)), ..Filter::newest(9) }), [id(1)]);
}
