use super::*;

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
