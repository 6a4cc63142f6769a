//! What has left the list is told by the ledger, read backwards, as it was listed.

use super::*;

/// What reading back finds.
fn found(story: &[(StreamName, DeliveryEvent)]) -> Vec<Delivery> {
    let mut older = Older::default();
    records(story).iter().rev().filter_map(|record| older.take(record)).collect()
}

fn records(story: &[(StreamName, DeliveryEvent)]) -> Vec<Recorded<Event>> {
    history::<Event>(story.iter().cloned().map(|(to, event)| (to, event.into())))
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
    assert_eq!(found(&story), listed);
}

#[test]
fn only_those_that_are_wanted_are_taken() {
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
    let of = |filter: Filter| {
        let wanted = found(&story).into_iter().filter(|delivery| filter.takes(delivery));
        wanted.map(|delivery| delivery.id).collect::<Vec<_>>()
    };
    assert_eq!(of(all.clone()), [id(3), id(2), id(1)], "the fourth is not over");
    let status = Some(DeliveryStatus::Abandoned);
    assert_eq!(of(Filter { status, ..all.clone() }), [id(1)]);
    let event = Some("message_created".to_owned());
    assert_eq!(of(Filter { event, ..all.clone() }), [id(2)]);
    assert_eq!(of(Filter { below: Some(Revision(2)), ..all.clone() }), [id(2), id(1)]);
    let (before, after) = (Some(second(3)), Some(second(1)));
    assert_eq!(of(Filter { before, after, ..all }), [id(2)]);
}

/// Given up, brought back and then delivered, while another waits.
fn brought_back() -> [(StreamName, DeliveryEvent); 6] {
    let (first, last) = (queued(1, "x"), delivered(1, 2));
    [first, failed(1, 1, None), abandoned(1), again(1), queued(2, "x"), last]
}

#[test]
fn what_was_owed_once_more_is_told_as_the_view_tells_it_where_it_was_queued() {
    let story = brought_back();
    let delivered = Filter { status: Some(DeliveryStatus::Delivered), ..Filter::newest(9) };
    let listed = log(story.clone()).list(WEBHOOK, &delivered).deliveries;
    assert_eq!((found(&story), listed[0].revision), (listed, Revision(0)));
    assert_eq!(found(&story[..5]), [], "it is not over");
    assert_eq!(found(&story[1..]), [], "retention has removed what would tell");
}

#[test]
fn one_that_left_after_it_was_owed_once_more_is_looked_for_where_it_was_queued() {
    let many = FINISHED_MAX as u128 + 1;
    let first = [queued(0, "x"), abandoned(0), again(0), delivered(0, 2)];
    let others = (1..many).flat_map(|number| [queued(number, "x"), delivered(number, 1)]);
    let story: Vec<_> = first.into_iter().chain(others).collect();
    let listed = log(story.clone()).list(WEBHOOK, &Filter::newest(1));
    assert_eq!(listed.left, Some(Revision(0)));
    assert_eq!(ids(&found(&story)).last(), Some(&id(0)));
}

#[test]
fn what_was_read_back_to_a_place_is_taken_together_with_what_was_written_since() {
    let story = brought_back();
    let records = records(&story);
    for end in 0..=records.len() {
        for middle in 0..=end {
            let (mut older, mut newer) = (Older::default(), Older::default());
            for record in records[middle..end].iter().rev() {
                older.take(record);
            }
            for record in records[end..].iter().rev() {
                newer.take(record);
            }
            let mut older = older.behind(newer);
            let told = records[..middle].iter().rev().filter_map(|record| older.take(record));
            let whole = found(&story).into_iter();
            let expected: Vec<_> = whole.filter(|it| it.revision.0 < middle as u64).collect();
            assert_eq!(told.collect::<Vec<_>>(), expected, "{middle} of {end}");
        }
    }
}
