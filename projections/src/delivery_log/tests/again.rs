//! What is known of deliveries that were brought back.

use events::delivery::{Trim, Trimmed};

use super::*;

/// So many that were given up, of which the view has not the first.
fn given_up(many: u128) -> Vec<(StreamName, DeliveryEvent)> {
    (0..many).flat_map(|number| [queued(number, "x"), abandoned(number)]).collect()
}

const MANY: u128 = FINISHED_MAX as u128 + 5;

fn of(status: DeliveryStatus) -> Filter {
    Filter { status: Some(status), ..Filter::newest(usize::MAX) }
}

#[test]
fn what_is_brought_back_after_it_has_left_is_left_to_the_ledger_wherever_it_goes() {
    let mut story = given_up(MANY);
    for (told, status) in [
        (again(0), DeliveryStatus::Pending),
        (delivered(0, 2), DeliveryStatus::Delivered),
        (again(0), DeliveryStatus::Pending),
        (abandoned(0), DeliveryStatus::Abandoned),
    ] {
        story.push(told);
        let log = log(story.clone());
        let is = log.delivery(id(0)).unwrap();
        assert_eq!((is.status, log.queued_at(id(0))), (status, None));
        for filter in [of(status), Filter::newest(usize::MAX)] {
            let listed = log.list(WEBHOOK, &filter);
            assert!(listed.deliveries.iter().all(|it| it.id != id(0)), "{status:?}");
            assert!(listed.left >= Some(Revision(0)), "{status:?}: or nobody looks there");
        }
        let here = log.here(WEBHOOK.into(), &[(id(0), Revision(0))]);
        assert_eq!(here, [Here::Stray(Box::new(is))]);
    }
}

#[test]
fn what_is_brought_back_is_listed_where_it_was_queued_or_where_that_may_be_removed_where_it_was() {
    let near = log([queued(1, "x"), abandoned(1), again(1)]);
    assert_eq!(near.queued_at(id(1)), Some(Revision(0)));
    assert_eq!(near.list(WEBHOOK, &of(DeliveryStatus::Pending)).left, None);
    assert_eq!(near.here(WEBHOOK.into(), &[(id(1), Revision(0))]), [Here::Listed]);
    assert_eq!(near.here(WEBHOOK.into(), &[(id(2), Revision(1))]), [Here::Gone]);

    let trim = Trim { before: Revision(1), summed_at: second(3), at: second(6) };
    let trimmed = ledger(Trimmed { trim, outcomes: vec![] });
    let story = given_up(MANY).into_iter().chain([again(3), trimmed]);
    assert_eq!(listed(&log(story), &of(DeliveryStatus::Pending)), [id(3)]);
}

#[test]
fn the_log_tells_where_a_delivery_was_brought_back_last() {
    let log = log([queued(1, "x"), abandoned(1), again(1), delivered(1, 2)]);
    assert_eq!(log.last_again(WEBHOOK.into()), Some(Revision(2)));
}
