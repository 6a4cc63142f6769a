use super::*;

const HEAD: Position = Position(10);
const ACCOUNTS: (&str, u32) = ("accounts", 1);

fn header(version: u32) -> Header {
    let name = "accounts".to_owned();
    let as_of = Some(Timestamp::from_micros(5));
    Header { name, version, position: HEAD, as_of, hash: [9; 32] }
}

fn bytes(version: u32) -> Vec<u8> {
    encode(&header(version), &7_u32).unwrap()
}

#[test]
fn what_was_encoded_is_decoded() {
    let (found, state) = decode::<u32>(&bytes(1), ACCOUNTS, HEAD).unwrap();
    assert_eq!((found, state), (header(1), 7));
}

#[test]
fn every_flipped_byte_and_every_cut_is_noticed() {
    let whole = bytes(1);
    for place in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[place] ^= 0x10;
        assert_eq!(decode::<u32>(&flipped, ACCOUNTS, HEAD).unwrap_err(), Useless::Checksum);
        assert_eq!(decode::<u32>(&whole[..place], ACCOUNTS, HEAD).unwrap_err(), Useless::Checksum);
    }
}

#[test]
fn another_version_or_view_and_a_place_beyond_the_log_are_refused() {
    let other = |version| Useless::Other { name: "accounts".into(), version };
    assert_eq!(decode::<u32>(&bytes(99), ACCOUNTS, HEAD).unwrap_err(), other(99));
    assert_eq!(decode::<u32>(&bytes(1), ("cache_keys", 1), HEAD).unwrap_err(), other(1));
    let shorter = Position(9);
    let beyond = Useless::Beyond { position: HEAD, head: shorter };
    assert_eq!(decode::<u32>(&bytes(1), ACCOUNTS, shorter).unwrap_err(), beyond);
}

#[test]
fn bytes_left_over_are_refused() {
    let longer = (7_u32, 7_u8);
    let bytes = encode(&header(1), &longer).unwrap();
    assert_eq!(decode::<u32>(&bytes, ACCOUNTS, HEAD).unwrap_err(), Useless::Rest(1));
}
