//! What has left the list is told by the ledger, read backwards, as it was listed.

use super::*;

/// What reading back finds, up to `left`.
fn found(story: &[(StreamName, DeliveryEvent)], filter: &Filter, left: u64) -> Vec<Delivery> {
    let mut older = Older::new(filter.clone(), Revision(left));
    let records = history::<Event>(story.iter().cloned().map(|(to, event)| (to, event.into())));
    records.iter().rev().filter_map(|record| older.take(record)).collect()
}

fn ids(found: &[Delivery]) -> Vec<DeliveryId> {
    found.iter().map(|delivery| delivery.id).collect()
}

#[test]
fn a_delivery_is_told_as_the_view_told_it() {
    let story = [
        queued(1, "inbox_updated"),
        keyed(2, "a"),
        failed(1, 1, Some(second(50))),
        delivered(2, 1),
        failed(1, 2, None),
        abandoned(1),
    ];
    let all = Filter::newest(9);
    let listed = log(story.to_vec()).list(WEBHOOK, &all).deliveries;
    assert_eq!(found(&story, &all, 9), listed);
    assert_eq!(ids(&found(&story, &all, 0)), [id(1)], "the other is in the view");
}

#[test]
fn only_those_that_are_wanted_are_told() {
    let story = [
        queued(1, "inbox_updated"),
        queued(2, "message_created"),
        queued(3, "inbox_updated"),
        queued(4, "inbox_updated"),
        abandoned(1),
        delivered(2, 1),
        delivered(3, 1),
    ];
    let all = Filter::newest(9);
    let of = |filter: Filter| ids(&found(&story, &filter, 9));
    assert_eq!(of(all.clone()), [id(3), id(2), id(1)], "the fourth is not over");
    let status = Some(DeliveryStatus::Abandoned);
    assert_eq!(of(Filter { status, ..all.clone() }), [id(1)]);
    let event = Some("message_created".to_owned());
    assert_eq!(of(Filter { event, ..all.clone() }), [id(2)]);
    assert_eq!(of(Filter { below: Some(Revision(2)), ..all.clone() }), [id(2), id(1)]);
    let (before, after) = (Some(second(3)), Some(second(1)));
    assert_eq!(of(Filter { before, after, ..all }), [id(2)]);
}

#[test]
fn what_was_owed_once_more_is_told_once_where_it_was_owed_last() {
    let story = [
        queued(1, "x"),
        failed(1, 1, None),
        abandoned(1),
        again(1),
        queued(2, "x"),
        delivered(1, 2),
    ];
    let told = found(&story, &Filter::newest(9), 9);
    assert_eq!((told.len(), told[0].revision), (1, Revision(3)));
    assert_eq!((told[0].status, told[0].attempts), (DeliveryStatus::Delivered, 2));
    assert_eq!((told[0].abandoned_for, told[0].finished_at), (None, Some(second(6))));
    assert_eq!(found(&story, &Filter::newest(9), 2), [], "the view has it");
    let owed = found(&story[..5], &Filter::newest(9), 9);
    assert_eq!(owed, [], "it is not over");
}

#[test]
fn one_that_left_after_it_was_owed_once_more_is_looked_for_there() {
    let many = FINISHED_MAX as u128 + 1;
    let first = [queued(0, "x"), abandoned(0), again(0), delivered(0, 2)];
    let others = (1..many).flat_map(|number| [queued(number, "x"), delivered(number, 1)]);
    let story: Vec<_> = first.into_iter().chain(others).collect();
    let listed = log(story.clone()).list(WEBHOOK, &Filter::newest(1));
    assert_eq!(listed.left, Some(Revision(2)));
    assert_eq!(ids(&found(&story, &Filter::newest(1), 2)), [id(0)]);
}
