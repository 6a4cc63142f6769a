use std::time::Duration;

use futures_util::FutureExt;

use super::*;

const ONE: Sharer = Sharer::Account(AccountId(1));
const TWO: Sharer = Sharer::Account(AccountId(2));
const THREE: Sharer = Sharer::Mail;

/// Those that it gets at once.
fn all_for(places: &Places, sharer: Sharer) -> Vec<Place> {
    std::iter::from_fn(|| places.take(sharer).now_or_never()).take(1_000).collect()
}

/// Who waits from here on, and says so when it has one, which it keeps.
fn waiting(places: &Places, sharer: Sharer) -> tokio::task::JoinHandle<Place> {
    let places = places.clone();
    tokio::spawn(async move { places.take(sharer).await })
}

async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[test]
fn who_is_alone_gets_three_quarters_and_each_further_one_some() {
    let places = Places::new(256);
    let held: Vec<_> = [ONE, TWO, THREE].map(|sharer| all_for(&places, sharer)).into();
    assert_eq!(held.iter().map(Vec::len).collect::<Vec<_>>(), [192, 48, 12]);
    drop(held);
    assert_eq!(places.state().free, 256);
    assert!(places.state().sharers.is_empty(), "who has none is forgotten");
}

#[test]
fn of_few_places_nobody_has_more_than_three_quarters_and_the_next_who_comes_has_one() {
    for count in 2..=64 {
        let places = Places::new(count);
        let held: Vec<_> = [ONE, TWO, THREE].map(|sharer| all_for(&places, sharer)).into();
        let had: Vec<_> = held.iter().map(Vec::len).collect();
        assert!(had[0] * 4 <= count * 3 && had[0] >= count / 2, "{had:?} of {count}");
        // Who comes when one is left has it; who comes later is the next to get one.
        assert!(had[1] > 0 && (had[2] > 0 || had[0] + had[1] == count), "{had:?} of {count}");
    }
}

#[test]
fn of_a_single_place_everybody_has_a_part() {
    let places = Places::new(1);
    let one = all_for(&places, ONE);
    assert_eq!((one.len(), all_for(&places, TWO).len()), (1, 0));
    drop(one);
    assert_eq!(all_for(&places, TWO).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_becomes_free_is_given_to_who_has_the_fewest_in_turn() {
    let places = Places::new(1);
    let first = places.take(ONE).await;
    let [one, two, three] = [ONE, TWO, THREE].map(|sharer| waiting(&places, sharer));
    let again = waiting(&places, ONE);
    settle().await;
    drop(first);
    // All have none now: who has waited longest is the first, and behind the others the next time.
    for next in [one, two, three, again] {
        settle().await;
        assert!(next.is_finished());
        drop(next.await.unwrap());
    }
    settle().await;
    assert_eq!(places.state().free, 1);
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_while_it_waits_takes_nobodys_place() {
    let places = Places::new(1);
    let first = places.take(ONE).await;
    let (gone, next) = (waiting(&places, ONE), waiting(&places, ONE));
    settle().await;
    gone.abort();
    settle().await;
    drop(first);
    drop(next.await.unwrap());
    assert_eq!(places.state().free, 1);
}

#[tokio::test]
async fn however_many_have_gone_away_the_next_one_is_given_the_place() {
    let places = Places::new(1);
    let first = places.take(ONE).await;
    for _ in 0..100_000 {
        assert!(places.take(ONE).now_or_never().is_none());
    }
    let next = waiting(&places, ONE);
    tokio::task::yield_now().await;
    drop(first);
    drop(next.await.unwrap());
    assert_eq!(places.state().free, 1);
    assert!(places.state().sharers.is_empty());
}

/// Takes one place after the other, with a moment between; counts them.
fn busy(places: &Places, sharer: Sharer, counts: &Arc<Mutex<BTreeMap<Sharer, usize>>>) {
    let (places, counts) = (places.clone(), counts.clone());
    tokio::spawn(async move {
        loop {
            let place = places.take(sharer).await;
            settle().await;
            drop(place);
            *counts.lock().unwrap().entry(sharer).or_default() += 1;
            settle().await;
        }
    });
}

#[tokio::test(start_paused = true)]
async fn nobody_starves_behind_those_who_come_and_go() {
    for (count, accounts) in [(1, 3), (64, 200)] {
        let (places, counts) = (Places::new(count), Arc::default());
        let sharers = (1..=accounts).map(|number| Sharer::Account(AccountId(number)));
        for sharer in sharers.clone() {
            busy(&places, sharer, &counts);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let counts = counts.lock().unwrap();
        let of = |sharer| counts.get(&sharer).copied().unwrap_or_default();
        let (least, most) = (sharers.clone().map(of).min(), sharers.map(of).max());
        assert!(least > most.map(|most| most / 2), "{least:?} and {most:?} of {count}");
    }
}
