use super::*;
use crate::http::testing::Service;

#[test]
fn no_account_takes_all_places() {
    let places = Places::new(3, 2);
    let of = |account| places.take(AccountId(account));
    let first = of(1).unwrap();
    let second = of(1).unwrap();
    assert!(of(1).is_none(), "an account has two");
    let third = of(2).unwrap();
    assert!(of(2).is_none() && of(3).is_none(), "and there are three");
    drop(first);
    let again = of(1).unwrap();
    assert!(of(1).is_none());
    let of_none = || places.take(None::<AccountId>);
    drop((second, third));
    let whole = of_none().unwrap();
    assert!(of(2).is_some(), "the installation is none of the accounts");
    drop(again);
    let more = of_none().unwrap();
    assert!(of_none().is_none(), "it has two as well");
    drop((whole, more));
    assert!(places.accounts.is_empty(), "nothing is kept of those who left");
}

#[tokio::test]
async fn who_comes_too_much_waits_until_another_leaves() {
    let service = Service::start().await;
    let places = Places::new(3, 1);
    let first = places.take(AccountId(1)).unwrap();
    let mut second = std::pin::pin!(places.wait(&service.app, AccountId(1)));
    begun(second.as_mut()).await;
    drop(first);
    assert!(second.await.is_ok());
}

#[tokio::test]
async fn nobody_waits_for_a_place_for_ever() {
    let service = Service::start().await;
    let places = Places::new(1, 1);
    let _first = places.take(AccountId(1)).unwrap();
    tokio::time::pause();
    assert_eq!(places.wait(&service.app, AccountId(2)).await.unwrap_err(), Problem::Busy);
    service.app.stopping.send_replace(true);
    let told = places.wait(&service.app, AccountId(2)).await.unwrap_err();
    assert!(matches!(told, Problem::Unavailable(_)), "{told}");
}

/// Comes to the point where it waits.
async fn begun(waiting: std::pin::Pin<&mut impl Future>) {
    tokio::select! {
        biased;
        _ = waiting => panic!("there is no place"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn who_passes_a_place_on_goes_on_behind_those_who_wait() {
    let service = Service::start().await;
    let places = Places::new(1, 1);
    let first = places.take(AccountId(1)).unwrap();
    let turns = std::cell::RefCell::new(vec![]);
    let passing = async {
        let _place = places.pass(first).await;
        turns.borrow_mut().push("the first again");
    };
    let waiting = async {
        let _place = places.wait(&service.app, AccountId(2)).await.unwrap();
        turns.borrow_mut().push("the second");
    };
    // The second waits by the time that the first passes its place on.
    let mut waiting = std::pin::pin!(waiting);
    begun(waiting.as_mut()).await;
    tokio::join!(passing, waiting);
    assert_eq!(*turns.borrow(), ["the second", "the first again"]);
    drop(places.take(AccountId(3)).unwrap());
}

#[tokio::test]
async fn whoever_comes_later_goes_on_later_also_behind_those_who_passed_their_place_on() {
    let service = Service::start().await;
    let places = Places::new(1, 1);
    let first = places.take(AccountId(1)).unwrap();
    let turns = std::cell::RefCell::new(vec![]);
    let waits = async |account| {
        let _place = places.wait(&service.app, AccountId(account)).await.unwrap();
        turns.borrow_mut().push(account);
    };
    let passes = async {
        let _place = places.pass(first).await;
        turns.borrow_mut().push(1);
    };
    let mut second = std::pin::pin!(waits(2));
    begun(second.as_mut()).await;
    let mut passes = std::pin::pin!(passes);
    // Before it waits, it lets others come.
    begun(passes.as_mut()).await;
    begun(passes.as_mut()).await;
    assert!(places.take(AccountId(3)).is_none(), "it is the second's already");
    // Asked before the others, who wait for longer.
    let third = waits(3);
    tokio::join!(third, passes, second);
    assert_eq!(*turns.borrow(), [2, 1, 3]);
    assert!(places.accounts.is_empty());
}

#[tokio::test]
async fn so_many_of_an_account_wait_and_no_more_and_others_do_all_the_same() {
    let service = Service::start().await;
    tokio::time::pause();
    let places = Places::new(1, 1);
    let first = places.take(AccountId(1)).unwrap();
    let wait = |account| Box::pin(places.wait(&service.app, AccountId(account)));
    let mut waiting: Vec<_> = (0..WAITING_MAX).map(|_| wait(1)).collect();
    for one in &mut waiting {
        begun(one.as_mut()).await;
    }
    let asked = tokio::time::Instant::now();
    assert_eq!(wait(1).await.unwrap_err(), Problem::Busy);
    assert_eq!(asked.elapsed(), Duration::ZERO, "it is told at once");
    let mut other = wait(2);
    begun(other.as_mut()).await;
    // Who does not wait any longer is in nobody's way.
    drop(waiting);
    drop(first);
    drop(other.await.unwrap());
    drop(wait(1).await.unwrap());
    assert!(places.accounts.is_empty());
}
