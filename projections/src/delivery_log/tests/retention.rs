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
