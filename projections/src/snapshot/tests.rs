use super::*;
use crate::accounts::Accounts;
use crate::cache_keys::CacheKeys;
use crate::testing::fold;

const HEAD: Position = Position(10);

fn header(version: u32) -> Header {
    let name = Accounts::NAME.to_owned();
    let as_of = Some(Timestamp::from_micros(5));
    Header { name, version, position: HEAD, as_of, hash: [9; 32] }
}

fn bytes(version: u32) -> Vec<u8> {
    encode(&header(version), &fold::<Accounts>(&[])).unwrap()
}

#[test]
fn what_was_encoded_is_decoded() {
    let (found, accounts) = decode::<Accounts>(&bytes(Accounts::VERSION), HEAD).unwrap();
    assert_eq!((found, accounts), (header(Accounts::VERSION), Accounts::default()));
}

#[test]
fn every_flipped_byte_and_every_cut_is_noticed() {
    let whole = bytes(Accounts::VERSION);
    for place in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[place] ^= 0x10;
        assert_eq!(decode::<Accounts>(&flipped, HEAD).unwrap_err(), Useless::Checksum);
        assert_eq!(decode::<Accounts>(&whole[..place], HEAD).unwrap_err(), Useless::Checksum);
    }
}

#[test]
fn another_version_or_view_and_a_place_beyond_the_log_are_refused() {
    let other = |version| Useless::Other { name: "accounts".into(), version };
    assert_eq!(decode::<Accounts>(&bytes(99), HEAD).unwrap_err(), other(99));
    assert_eq!(decode::<CacheKeys>(&bytes(1), HEAD).unwrap_err(), other(1));
    let shorter = Position(9);
    let beyond = Useless::Beyond { position: HEAD, head: shorter };
    assert_eq!(decode::<Accounts>(&bytes(Accounts::VERSION), shorter).unwrap_err(), beyond);
}

#[test]
fn bytes_left_over_are_refused() {
    let longer = (fold::<Accounts>(&[]), 7_u8);
    let bytes = encode(&header(Accounts::VERSION), &longer).unwrap();
    assert_eq!(decode::<Accounts>(&bytes, HEAD).unwrap_err(), Useless::Rest(1));
}
