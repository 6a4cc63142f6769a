use bytes::Bytes;
use uuid::Uuid;

use super::*;
use crate::store::{Draft, Tail};
use crate::{Actor, Category, Event, Metadata, Position, inbox};

/// A stream of three records, read back.
fn history() -> Vec<Record> {
    let stream = StreamName::new(Category::Inbox, 42);
    let (correlation, causation) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let metadata = Metadata { correlation, causation, actor: Actor::ADMIN, account: None };
    let mut draft = Draft::new(&stream, Tail::default());
    for (nth, name) in ["one", "two", "three"].into_iter().enumerate() {
        let event: Event = inbox::Event::from(inbox::Renamed { name: name.to_owned() }).into();
        draft.add(&event, &metadata, Timestamp::from_micros(1_795_262_400_000_000), nth);
    }
    let places = (0..).map(|nth| (Position(nth + 1), Revision(nth)));
    let placed = places
        .zip(draft.finish().0)
        .map(|((position, revision), record)| record.placed(position, stream.clone(), revision));
    placed.collect()
}

fn check(history: &[Record]) -> Result<(), BrokenChain> {
    let mut tail = Tail::default();
    history.iter().try_for_each(|record| tail.follow(record))
}

fn altered(revision: u64) -> Result<(), BrokenChain> {
    let stream = StreamName::new(Category::Inbox, 42);
    Err(BrokenChain::Altered { stream, revision: Revision(revision) })
}

fn gap(expected: u64, found: u64) -> Result<(), BrokenChain> {
    let stream = StreamName::new(Category::Inbox, 42);
    Err(BrokenChain::Gap { stream, expected: Revision(expected), found: Revision(found) })
}

fn flipped(bytes: &Bytes, at: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes.into()
}

#[test]
fn an_untouched_history_is_unbroken() {
    assert_eq!(check(&history()), Ok(()));
}

#[test]
fn a_flipped_bit_in_any_field_is_found_where_it_is() {
    let alterations: [fn(&mut Record); 8] = [
        |record| record.data = flipped(&record.data, 1),
        |record| record.metadata = flipped(&record.metadata, 5),
        |record| record.kind = "inbox.renamee".into(),
        |record| record.version ^= 1,
        |record| record.at = Timestamp::from_micros(record.at.as_micros() ^ 1),
        |record| record.id.0 = Uuid::from_u128(record.id.0.as_u128() ^ 1),
        |record| record.hash.0[31] ^= 1,
        |record| record.data = [&record.data[..], &[0]].concat().into(),
    ];
    for (nth, alter) in alterations.into_iter().enumerate() {
        let mut history = history();
        alter(&mut history[1]);
        assert_eq!(check(&history), altered(1), "alteration {nth}");
    }
}

#[test]
fn every_byte_of_the_payload_and_metadata_counts() {
    let original = history();
    for at in 0..original[0].data.len() {
        let mut history = original.clone();
        history[0].data = flipped(&original[0].data, at);
        assert_eq!(check(&history), altered(0), "data byte {at}");
    }
    for at in 0..original[0].metadata.len() {
        let mut history = original.clone();
        history[0].metadata = flipped(&original[0].metadata, at);
        assert_eq!(check(&history), altered(0), "metadata byte {at}");
    }
}

#[test]
fn a_byte_that_moved_from_one_field_to_the_next_is_found() {
    let mut history = history();
    let (metadata, data) = (history[1].metadata.to_vec(), history[1].data.to_vec());
    let (last, rest) = metadata.split_last().unwrap();
    history[1].metadata = rest.to_vec().into();
    history[1].data = [&[*last], &data[..]].concat().into();
    assert_eq!(check(&history), altered(1));
}

#[test]
fn a_record_of_another_stream_is_found() {
    let mut history = history();
    history[0].stream = StreamName::new(Category::Inbox, 43);
    assert!(matches!(check(&history), Err(BrokenChain::Altered { .. })));
}

#[test]
fn a_missing_record_is_a_gap() {
    let mut history = history();
    history.remove(1);
    assert_eq!(check(&history), gap(1, 2));
}

#[test]
fn a_missing_beginning_is_a_gap() {
    assert_eq!(check(&history()[1..]), gap(0, 1));
}

#[test]
fn records_that_changed_places_are_a_gap() {
    let mut history = history();
    history.swap(0, 1);
    assert_eq!(check(&history), gap(0, 1));
}

#[test]
fn a_renumbered_record_is_found() {
    let mut history = history();
    history.remove(1);
    history[1].revision = Revision(1);
    assert_eq!(check(&history), altered(1));
}

#[test]
fn a_record_forged_without_its_predecessor_is_found() {
    let mut history = history();
    let forged = Bytes::from_static(b"\x04evil");
    history[2].data = forged.clone();
    history[2].hash = history[2].link().hash(&Hash::ROOT);
    assert_eq!(check(&history), altered(2));
}

#[test]
fn a_record_rewritten_with_its_hash_breaks_the_next() {
    let mut history = history();
    history[1].data = Bytes::from_static(b"\x04evil");
    history[1].hash = history[1].link().hash(&history[0].hash);
    assert_eq!(check(&history), altered(2));
}

#[test]
fn a_hash_is_shown_in_hexadecimal() {
    assert_eq!(Hash([0xab; 32]).to_string(), "ab".repeat(32));
}
