use uuid::Uuid;

use super::*;
use crate::{AccountId, Actor, Category, Position, inbox};

const NOON: Timestamp = Timestamp::from_micros(1_795_262_400_000_000);
const EARLIER: Timestamp = Timestamp::from_micros(1_795_262_399_000_000);

fn renamed(name: &str) -> Event {
    inbox::Event::from(inbox::Renamed { name: name.to_owned() }).into()
}

fn metadata(causation: Uuid) -> Metadata {
    let account = Some(AccountId(1));
    Metadata { correlation: Uuid::from_u128(1), causation, actor: Actor::ADMIN, account }
}

fn written(stream: &StreamName, tail: Tail, records: Vec<Proposed>) -> Vec<Record> {
    let revisions = (tail.expected().first().0..).map(Revision);
    let placed = revisions.zip(records).map(|(revision, record)| {
        record.placed(Position(revision.0 + 1), stream.clone(), revision)
    });
    placed.collect()
}

#[test]
fn a_draft_continues_the_chain_and_its_tail_is_the_last_record() {
    let stream = StreamName::new(Category::Inbox, 42);
    let mut tail = Tail::default();
    for cause in [7, 8] {
        let before = tail;
        let mut draft = Draft::new(&stream, before);
        draft.add(&renamed("one"), &metadata(Uuid::from_u128(cause)), NOON, 0);
        draft.add(&renamed("two"), &metadata(Uuid::from_u128(cause)), NOON, 1);
        let (records, after) = draft.finish();
        for record in written(&stream, before, records) {
            tail.follow(&record).unwrap();
        }
        assert_eq!(tail, after);
    }
    assert_eq!(tail.expected(), Expected::Revision(Revision(3)));
}

#[test]
fn the_same_cause_proposes_the_same_ids() {
    let stream = StreamName::new(Category::Inbox, 42);
    let ids = |cause| {
        let mut draft = Draft::new(&stream, Tail::default());
        draft.add(&renamed("one"), &metadata(Uuid::from_u128(cause)), NOON, 0);
        draft.add(&renamed("two"), &metadata(Uuid::from_u128(cause)), NOON, 1);
        draft.finish().0.into_iter().map(|record| record.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(7), ids(7));
    assert_ne!(ids(7), ids(8));
    assert_ne!(ids(7)[0], ids(7)[1]);
}

#[test]
fn time_in_a_stream_never_runs_backwards() {
    let stream = StreamName::new(Category::Inbox, 42);
    let mut draft = Draft::new(&stream, Tail::default());
    draft.add(&renamed("one"), &metadata(Uuid::nil()), NOON, 0);
    draft.add(&renamed("two"), &metadata(Uuid::nil()), EARLIER, 1);
    let (records, tail) = draft.finish();
    assert_eq!(records[1].at, NOON);
    assert_eq!(tail.at, NOON);
}

#[test]
fn a_draft_knows_its_size() {
    let stream = StreamName::new(Category::Inbox, 42);
    let mut draft = Draft::new(&stream, Tail::default());
    assert!(draft.is_empty());
    draft.add(&renamed("one"), &metadata(Uuid::nil()), NOON, 0);
    let (len, size) = (draft.len(), draft.size());
    let (records, _) = draft.finish();
    assert_eq!(len, 1);
    assert_eq!(size, records[0].metadata.len() + records[0].data.len());
}

#[test]
fn metadata_has_the_keys_that_eventstoredb_knows() {
    let stream = StreamName::new(Category::Inbox, 42);
    let mut draft = Draft::new(&stream, Tail::default());
    draft.add(&renamed("one"), &metadata(Uuid::nil()), NOON, 0);
    let (records, _) = draft.finish();
    let json: serde_json::Value = serde_json::from_slice(&records[0].metadata).unwrap();
    assert_eq!(json["$correlationId"], "00000000-0000-0000-0000-000000000001");
    assert_eq!(json["$causationId"], "00000000-0000-0000-0000-000000000000");
    assert_eq!((&json["actor"], &json["account"]), (&"admin".into(), &1.into()));
}
