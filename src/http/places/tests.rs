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
    assert!(places.taken.is_empty(), "nothing is kept of those who left");
}

#[tokio::test]
async fn who_comes_too_much_waits_until_another_leaves() {
    let service = Service::start().await;
    let places = Places::new(3, 1);
    let first = places.take(AccountId(1)).unwrap();
    let mut second = std::pin::pin!(places.wait(&service.app, AccountId(1)));
    tokio::select! {
        biased;
        _ = second.as_mut() => panic!("there is no place"),
        () = std::future::ready(()) => {}
    }
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
    tokio::select! {
        biased;
        () = waiting.as_mut() => panic!("there is no place"),
        () = std::future::ready(()) => {}
    }
    tokio::join!(passing, waiting);
    assert_eq!(*turns.borrow(), ["the second", "the first again"]);
    drop(places.take(AccountId(3)).unwrap());
}
