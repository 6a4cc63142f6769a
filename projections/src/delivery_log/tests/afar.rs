//! Where a ledger tells of deliveries that have left the view, held against the whole of it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::stretches::Stretches;
use super::*;

/// More than all that happens to the few.
const MANY: u128 = 1_000_000;

fn stretch(first: u64, last: u64) -> Stretch {
    (Revision(first), Revision(last))
}

#[test]
fn stretches_are_few_and_hold_each_place_whatever_their_order() {
    let mut all = Stretches::default();
    let places = || (1..500_u64).map(|nth| Revision((nth * 7 % 500).pow(2) * 100));
    places().for_each(|place| all.take((place, place), 64));
    let stretches: Vec<_> = all.all().collect();
    assert_eq!(stretches.len(), 64);
    assert!(stretches.is_sorted_by(|one, next| one.1 < next.0));
    assert!(places().all(|place| stretches.iter().any(|it| (it.0..=it.1).contains(&place))));
    let last = Revision(499 * 499 * 100);
    assert_eq!(stretches.last(), Some(&(last, last)), "what is far from all is by itself");
    all.removed_before(last);
    assert_eq!(all.all().collect::<Vec<_>>(), [(last, last)]);
    all.take(stretch(0, last.0 - 4_096), 64);
    assert_eq!(all.all().collect::<Vec<_>>(), [stretch(0, last.0)]);
}

#[test]
fn of_stretches_that_are_put_together_no_room_is_kept() {
    let mut all = Stretches::default();
    for nth in 0..20 {
        let place = Revision(nth * 10_000);
        all.take((place, place), 8);
    }
    assert_eq!((all.all().count(), all.room()), (8, 8));
}

#[test]
fn what_was_brought_back_while_it_was_known_is_read_by_nobody_who_asks_of_others() {
    // Given some that were brought back soon after they were given up, here and there
    let brought_back = 0..20;
    let story = brought_back.clone().flat_map(|number| {
        let others = MANY + number * 3_000..MANY + (number + 1) * 3_000;
        let others = others.flat_map(|other| [queued(other, "x"), delivered(other, 1)]);
        let one = [queued(number, "x"), abandoned(number), again(number), abandoned(number)];
        one.into_iter().chain(others)
    });
    let more = MANY * 2..MANY * 2 + FINISHED_MAX as u128;
    let story = story.chain(more.flat_map(|other| [queued(other, "x"), abandoned(other)]));
    let log = log(story.collect::<Vec<_>>());
    assert!(brought_back.clone().all(|number| log.delivery(id(number)).is_none()));
    // When somebody asks of what was queued elsewhere
    let elsewhere = Revision(3_100);
    assert_eq!(log.afar(WEBHOOK.into(), (elsewhere, elsewhere), elsewhere), []);
    // Then only who asks of them reads where they ended
    for number in brought_back {
        let place = Revision(number as u64 * 6_004);
        let told = log.afar(WEBHOOK.into(), (place, place), Revision(place.0 + 2));
        let end = Revision(place.0 + 3);
        assert!(told.iter().any(|it| (it.0..=it.1).contains(&end)), "{number}: {told:?}");
        assert!(told.len() <= 2, "{number}: {told:?}");
    }
}

#[test]
fn a_delivery_that_is_over_is_told_up_to_its_end_or_its_last_attempt() {
    let mut story = vec![queued(1, "x"), failed(1, 1, None), abandoned(1), queued(2, "x")];
    assert_eq!(log(story.clone()).told_to(id(1)), Some(Revision(2)));
    assert_eq!(log(story.clone()).told_to(id(2)), None);
    story.push(again(1));
    assert_eq!(log(story.clone()).told_to(id(1)), None, "it is owed again");
    story.push(abandoned(1));
    assert_eq!(log(story).told_to(id(1)), Some(Revision(5)));
}

#[test]
fn of_a_ledger_with_far_ends_everywhere_parts_are_told_together_and_none_is_missed() {
    let mut afar = Afar::default();
    let queued = |nth: u64| Revision(nth * 3_000);
    let over = |nth: u64| Revision(nth * 3_000 + 1_000_000);
    let pattern = log([super::queued(1, "x")]).delivery(id(1)).unwrap();
    for nth in 0..6_000 {
        let (revision, attempted) = (queued(nth), queued(nth));
        afar.left(&Delivery { revision, attempted, over: over(nth), ..pattern.clone() });
    }
    for nth in [0, 1, 77, 2_999, 5_999] {
        let told = afar.of((queued(nth), queued(nth)), queued(nth));
        assert!(told.iter().any(|it| (it.0..=it.1).contains(&over(nth))), "{nth}: {told:?}");
        let long: u64 = told.iter().map(|it| it.1.0 - it.0.0).sum();
        assert!(long < 100_000, "{nth}: {told:?}");
    }
    afar.removed_before(Revision(20_000_000));
    assert_eq!(afar.of((queued(0), queued(6)), Revision(0)), []);
}

/// What happens in a ledger: to one of a few deliveries, or to many that nobody asks of.
#[derive(Debug, Clone, Copy)]
enum Step {
    Queue(u128),
    Fail(u128),
    Deliver(u128),
    Abandon(u128),
    Again(u128),
    Others(u128),
}

fn step() -> impl Strategy<Value = Step> {
    let one = 0..4_u128;
    prop_oneof![
        3 => one.clone().prop_map(Step::Queue),
        1 => one.clone().prop_map(Step::Fail),
        2 => one.clone().prop_map(Step::Deliver),
        2 => one.clone().prop_map(Step::Abandon),
        3 => one.prop_map(Step::Again),
        1 => (1..2_500_u128).prop_map(Step::Others),
    ]
}

/// How a ledger decides: only what is owed is attempted or over, and only what is over is owed
/// again.
fn story(steps: &[Step]) -> Vec<(StreamName, DeliveryEvent)> {
    let (mut owed, mut story, mut others) = (BTreeMap::<u128, (bool, u32)>::new(), vec![], MANY);
    for step in steps.iter().copied().chain([Step::Others(2 * FINISHED_MAX as u128 + 2)]) {
        let of = |number| owed.get(&number).copied();
        match step {
            Step::Queue(number) if of(number).is_none() => {
                owed.insert(number, (true, 0));
                story.push(queued(number, "x"));
            }
            Step::Fail(number) if let Some((true, attempts)) = of(number) => {
                owed.insert(number, (true, attempts + 1));
                story.push(failed(number, attempts + 1, Some(second(50))));
            }
            Step::Deliver(number) if let Some((true, attempts)) = of(number) => {
                owed.insert(number, (false, attempts + 1));
                story.push(delivered(number, attempts + 1));
            }
            Step::Abandon(number) if let Some((true, attempts)) = of(number) => {
                owed.insert(number, (false, attempts));
                story.push(abandoned(number));
            }
            Step::Again(number) if let Some((false, attempts)) = of(number) => {
                owed.insert(number, (true, attempts));
                let (stream, mut event) = again(number);
                if let DeliveryEvent::Reopened(it) = &mut event {
                    it.attempts = attempts;
                }
                story.push((stream, event));
            }
            Step::Others(many) => {
                for number in others..others + many {
                    let end =
                        if number % 2 == 0 { delivered(number, 1) } else { abandoned(number) };
                    story.extend([queued(number, "x"), end]);
                }
                others += many;
            }
            Step::Queue(_)
            | Step::Fail(_)
            | Step::Deliver(_)
            | Step::Abandon(_)
            | Step::Again(_) => {}
        }
    }
    story
}

type Shown = (DeliveryStatus, u32, Option<Timestamp>, Option<AttemptClass>, Option<u16>);

fn shown(delivery: &Delivery) -> Shown {
    let Delivery { status, attempts, finished_at, last_class, last_status_code, .. } = *delivery;
    (status, attempts, finished_at, last_class, last_status_code)
}

/// How it is after its records from one on, where those are read that are said to tell of it:
/// what is near up to the first end, and what is far.
fn read(log: &DeliveryLog, own: &[Recorded<Event>]) -> DeliveryLog {
    let place = own[0].revision;
    let is_end = |it: &&Recorded<Event>| {
        matches!(
            &it.event,
            Event::Delivery(DeliveryEvent::Delivered(_) | DeliveryEvent::Abandoned(_))
        )
    };
    let end = own.iter().find(is_end).map_or(u64::MAX, |it| it.revision.0);
    let near = stretch(place.0, end.min(place.0 + NEAR));
    let told = log.afar(WEBHOOK.into(), (place, place), near.1.next());
    assert!(told.iter().all(|it| near.1 < it.0), "nothing twice: {told:?}");
    let is_told = |it: &&Recorded<Event>| {
        told.iter().chain([&near]).any(|one| (one.0..=one.1).contains(&it.revision))
    };
    fold(&own.iter().filter(is_told).cloned().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_near_and_what_is_said_to_be_far_tell_how_each_ended_as_the_whole_ledger_does(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let history = history(story(&steps));
        let log: DeliveryLog = fold(&history);
        for number in (0..4).filter(|number| log.delivery(id(*number)).is_none()) {
            let of = |it: &&Recorded<Event>| {
                matches!(&it.event, Event::Delivery(event) if event.delivery() == Some(id(number)))
            };
            let own: Vec<_> = history.iter().filter(of).cloned().collect();
            let begins = |it: &Recorded<Event>| {
                let Event::Delivery(event) = &it.event else { return false };
                matches!(event, DeliveryEvent::Queued(_) | DeliveryEvent::Reopened(_))
            };
            // Retention may have removed what stands before.
            for from in (0..own.len()).filter(|nth| begins(&own[*nth])) {
                let (whole, part) = (fold::<DeliveryLog>(&own[from..]), read(&log, &own[from..]));
                let (whole, part) = (whole.delivery(id(number)), part.delivery(id(number)));
                prop_assert_eq!(part.as_ref().map(shown), whole.as_ref().map(shown), "{}", number);
            }
        }
    }
}
