use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn proposed(metadata: &[u8]) -> Proposed {
    Proposed {
        id: EventId(Uuid::from_u128(7)),
        kind: "inbox.registered".into(),
        version: 3,
        at: Timestamp::from_micros(1_795_253_400_123_457),
        metadata: Bytes::copy_from_slice(metadata),
        data: Bytes::from_static(b"data"),
        hash: Hash::of(metadata),
    }
}

/// What comes back of the metadata, the version, the moment and the hash.
fn back(sent: &Proposed) -> Option<(Bytes, u16, i64, Hash)> {
    let whole = Bytes::from(metadata_to_event(sent));
    let _: serde_json::Value =
        serde_json::from_slice(&whole).expect("metadata on the server is JSON");
    let Apart { version, at, hash, metadata: (metadata, end) } = apart(&whole)?;
    Some((put(&mut BytesMut::new(), &metadata, end), version, at, hash))
}

fn comes_back(metadata: &[u8]) {
    let sent = proposed(metadata);
    let whole = (sent.metadata.clone(), sent.version, sent.at.as_micros(), sent.hash);
    assert_eq!(back(&sent), Some(whole), "{}", String::from_utf8_lossy(metadata));
}

#[test]
fn not_a_byte_of_the_metadata_is_touched() {
    for metadata in [
        &br#"{"$correlationId":"x","$causationId":"y","actor":"admin"}"#[..],
        br#"{ "spaces" : 1 , "twice":1,"twice":2 }"#,
        br#"{"relink":{"version":9}}"#,
        br#"{"note":"\"relink\":"}"#,
        b"{}",
        b"{ }",
        b"",
        b"null",
        b"[1]",
        b"{,}",
        b"{\"a\":1}\n",
        b"\xff\xfe",
    ] {
        comes_back(metadata);
    }
}

proptest! {
    #[test]
    fn whatever_the_metadata_is_it_comes_back(
        metadata in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        comes_back(&metadata);
    }
}

#[test]
fn what_is_written_plainly_is_not_parsed() {
    for metadata in [&b"{}"[..], br#"{"actor":"admin"}"#] {
        let whole = metadata_to_event(&proposed(metadata));
        assert!(plainly_apart(&whole).is_some());
    }
}

#[test]
fn the_records_of_a_page_lie_side_by_side() {
    let mut page = BytesMut::with_capacity(100);
    let one = put(&mut page, b"one", b"}");
    let two = put(&mut page, b"two", b"");
    assert_eq!((&one[..], &two[..]), (&b"one}"[..], &b"two"[..]));
    assert_eq!(one.as_ptr_range().end, two.as_ptr_range().start);
}

#[test]
fn the_servers_own_keys_stay_where_its_projections_look_for_them() {
    let whole = metadata_to_event(&proposed(br#"{"$correlationId":"x"}"#));
    let whole: serde_json::Value = serde_json::from_slice(&whole).unwrap();
    assert_eq!(whole["$correlationId"], "x");
    assert_eq!(whole["relink"]["version"], 3);
}

#[test]
fn metadata_of_somebody_else_is_none_of_ours() {
    for whole in [&b""[..], b"{}", br#"{"relink":7}"#, br#"{"relink":{"version":1}}"#] {
        assert!(apart(whole).is_none());
    }
}
