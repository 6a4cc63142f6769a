use std::borrow::Cow;

use bytes::Bytes;
use events::store::{Draft, Tail};
use events::{Actor, Metadata, Position, Record, Revision, StreamName, Timestamp};
use serde_json::json;

use super::*;

fn record() -> Record {
    let stream = StreamName::from_log("account-1");
    let renamed = events::account::Event::from(events::account::Renamed { name: "Acme".into() });
    let cause = Uuid::from_u128(7);
    let metadata = Metadata {
        correlation: cause,
        causation: cause,
        actor: Actor::ADMIN,
        account: Some(events::AccountId(1)),
    };
    let mut draft = Draft::new(&stream, Tail::default());
    draft.add(&renamed.into(), &metadata, Timestamp::from_micros(1_000_000), 0);
    let (mut records, _) = draft.finish();
    records.remove(0).placed(Position(3), stream.clone(), Revision(0))
}

#[test]
fn a_record_tells_who_did_what_and_why() {
    let rendered = serde_json::to_value(render(&record())).unwrap();
    assert_eq!(rendered["position"], 3);
    assert_eq!(rendered["type"], "account.renamed");
    assert_eq!(rendered["at"], "1970-01-01T00:00:01.000000Z");
    assert_eq!(rendered["actor"], "admin");
    assert_eq!(rendered["account_id"], 1);
    assert_eq!(rendered["correlation_id"], json!(Uuid::from_u128(7)));
    assert_eq!(rendered["data"], json!({ "name": "Acme" }));
    assert!(rendered.get("undecodable").is_none());
}

#[test]
fn a_record_of_another_build_is_shown_without_its_payload() {
    let strange = Record { kind: Cow::Borrowed("account.exploded"), ..record() };
    let rendered = render(&strange);
    assert_eq!(rendered.data, Value::Null);
    assert!(rendered.undecodable.is_some());
}

#[test]
fn metadata_of_another_making_leaves_the_rest_readable() {
    let strange = Record { metadata: Bytes::from_static(b"?"), ..record() };
    let rendered = render(&strange);
    assert_eq!((rendered.actor, rendered.account_id), (None, None));
    assert_eq!(rendered.data, json!({ "name": "Acme" }));
}
