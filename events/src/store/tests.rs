use super::*;
use crate::Category;

fn record(bytes: usize) -> Proposed {
    Proposed {
        id: EventId(uuid::Uuid::nil()),
        kind: "platform.event_received".into(),
        version: 1,
        at: Timestamp::default(),
        metadata: Bytes::new(),
        data: vec![0; bytes].into(),
        hash: Hash::ROOT,
    }
}

#[test]
fn an_append_has_a_least_and_a_greatest_size() {
    assert_eq!(
        check_size(&[], APPEND_BYTES_MAX),
        Err(Failure::Size { bytes: 0, limit: APPEND_BYTES_MAX })
    );
    assert_eq!(check_size(&[record(0)], APPEND_BYTES_MAX), Ok(()));
    assert_eq!(check_size(&[record(1), record(APPEND_BYTES_MAX - 1)], APPEND_BYTES_MAX), Ok(()));
    let over = [record(1), record(APPEND_BYTES_MAX)];
    assert_eq!(
        check_size(&over, APPEND_BYTES_MAX),
        Err(Failure::Size { bytes: APPEND_BYTES_MAX + 1, limit: APPEND_BYTES_MAX })
    );
}

#[test]
fn a_belief_says_where_the_next_record_goes() {
    assert_eq!(Expected::from(None).first(), Revision(0));
    assert_eq!(Expected::from(Some(Revision(6))).first(), Revision(7));
}

#[test]
fn a_failure_says_what_failed() {
    let stream = StreamName::new(Category::Inbox, 42);
    let conflict = Failure::Conflict { stream, current: Some(Revision(3)) };
    assert!(conflict.to_string().starts_with("inbox-42 is at revision"));
    let corrupt = Failure::Corrupt { position: Some(Position(9)), reason: "no json".into() };
    assert_eq!(corrupt.to_string(), "the log is damaged behind position 9: no json");
    let corrupt = Failure::Corrupt { position: None, reason: "no json".into() };
    assert_eq!(corrupt.to_string(), "the log is damaged: no json");
}

#[test]
fn a_wire_name_is_known_where_it_is_one_of_ours() {
    use crate::reauthorization::{self, Reauthorized};
    let reauthorized = Reauthorized { was_required: true, by_hand: false };
    let shared = reauthorization::Event::Reauthorized(reauthorized);
    let event = crate::Event::from(crate::inbox::Event::from(shared));
    assert_eq!(event.kind(), "inbox.reauthorized");
    for kind in [event.kind(), "inbox.registered", "platform.event_received"] {
        assert_eq!(crate::codec::known(kind), Some(kind));
    }
    for kind in ["inbox.painted", "paint.registered", "platform.reauthorized", "inbox", ""] {
        assert_eq!(crate::codec::known(kind), None);
    }
}
