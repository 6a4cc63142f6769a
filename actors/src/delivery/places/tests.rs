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
    settle().await;
    // All have none; the first had one last.
    assert!(two.is_finished() && !three.is_finished() && !one.is_finished());
    drop(two.await.unwrap());
    let three = three.await.unwrap();
    assert!(!one.is_finished());
    drop(three);
    drop(one.await.unwrap());
    drop(again.await.unwrap());
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
