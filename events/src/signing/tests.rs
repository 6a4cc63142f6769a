use super::*;
use crate::KeyId;

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

fn sealed(number: u8) -> Sealed {
    Sealed { key: KeyId([1; 8]), nonce: [number; 24], text: vec![number] }
}

fn secret(number: u8) -> SigningKey {
    let algorithm = Algorithm::Hmac;
    SigningKey { algorithm, secret: sealed(number), public: None, until: None }
}

fn pair(number: u8) -> SigningKey {
    let (algorithm, public) = (Algorithm::Ed25519, Some(format!("whpk_{number}")));
    SigningKey { algorithm, secret: sealed(number), public, until: None }
}

fn live(keys: &SigningKeys, now: i64) -> Vec<u8> {
    keys.live(at(now)).map(|key| key.secret.nonce[0]).collect()
}

#[test]
fn both_secrets_sign_until_the_time_of_the_old_one_is_over() {
    let mut keys = SigningKeys::of(sealed(1));
    keys.take(secret(2), at(100));
    assert_eq!(keys.secret(), &sealed(2));
    assert_eq!(live(&keys, 99), [2, 1]);
    assert_eq!(live(&keys, 100), [2]);
    assert_eq!((keys.former(at(99)), keys.former(at(100))), (1, 0));
}

#[test]
fn a_shorter_overlap_ends_older_keys_too() {
    let mut keys = SigningKeys::of(sealed(1));
    keys.take(secret(2), at(100));
    keys.take(secret(3), at(50));
    assert_eq!(live(&keys, 49), [3, 2, 1]);
    assert_eq!(live(&keys, 50), [3]);
}

#[test]
fn a_key_pair_comes_and_goes_beside_the_secret() {
    let mut keys = SigningKeys::of(sealed(1));
    keys.take(pair(2), at(0));
    assert_eq!(live(&keys, 0), [2, 1]);
    assert_eq!((keys.secret(), keys.pair().unwrap()), (&sealed(1), &pair(2)));
    keys.take(secret(3), at(10));
    assert_eq!(live(&keys, 20), [3, 2], "kinds do not end each other");
    keys.retire(Algorithm::Ed25519, at(30));
    assert_eq!((live(&keys, 29), live(&keys, 30)), (vec![3, 2], vec![3]));
    assert_eq!(keys.pair(), None);
}

#[test]
fn keys_that_are_long_over_are_forgotten() {
    let mut keys = SigningKeys::of(sealed(0));
    for number in 1..=200 {
        keys.take(secret(number), at(i64::from(number)));
    }
    assert_eq!(keys.0.len(), 1 + 2 * FORMER_MAX);
    assert_eq!(keys.secret(), &sealed(200));
}
