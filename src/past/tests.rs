use std::sync::atomic::{AtomicUsize, Ordering};

use events::delivery::{Delivered, Queued, Response};
use events::inbox::{Registered, Removed, Renamed};
use events::store::Slice;
use events::store::memory::MemoryStore;
use events::webhook::{Created, Policy};
use events::{AccountId, DeliveryId, EventId, KeyId, Revision, Sealed};
use uuid::Uuid;

use super::*;
use crate::history::{Staged, append, append_altered, second};
use crate::store::embedded::{Embedded, Options};

const INBOX: InboxId = InboxId(42);
const HOOK: WebhookId = WebhookId(7);

fn registered(name: &str) -> events::inbox::Event {
    Registered {
        account: AccountId(1),
        name: name.to_owned(),
        channel_type: "Channel::Email".to_owned(),
        attributes: "{}".to_owned(),
        credentials: None,
        threshold: None,
    }
    .into()
}

async fn inbox_history() -> Arc<dyn EventStore> {
    let store = MemoryStore::default();
    let stream = Subject::Inbox(INBOX).stream();
    append(&store, &stream, registered("first"), 10).await;
    let renamed = events::inbox::Event::from(Renamed { name: "second".to_owned() });
    append(&store, &stream, renamed, 20).await;
    append(&store, &stream, events::inbox::Event::from(Removed {}), 30).await;
    Arc::new(store)
}

fn queued(delivery: DeliveryId) -> events::delivery::Event {
    Queued {
        delivery,
        account: AccountId(1),
        event: "inbox_updated".to_owned(),
        source: EventId(Uuid::from_u128(1)),
        body: "{}".to_owned(),
        due: second(20),
        key: None,
    }
    .into()
}

async fn webhook_history() -> Arc<dyn EventStore> {
    let store = MemoryStore::default();
    let created = Created {
        account: AccountId(1),
        url: "https://example.test/".to_owned(),
        name: None,
        inbox: None,
        subscriptions: vec![],
        secret: Sealed { key: KeyId([0; 8]), nonce: [0; 24], text: vec![] },
        policy: Policy::default(),
    };
    let created = events::webhook::Event::from(created);
    append(&store, &Subject::Webhook(HOOK).stream(), created, 10).await;
    let ledger = StreamName::new(Category::Ledger, HOOK);
    let delivery = DeliveryId::of(EventId(Uuid::from_u128(1)), HOOK);
    append(&store, &ledger, queued(delivery), 20).await;
    let delivered = Delivered {
        delivery,
        attempt: 1,
        response: Response { status: 200, body: String::new(), truncated: false },
        started_at: second(29),
        duration_us: 1,
        address: None,
    };
    append(&store, &ledger, events::delivery::Event::from(delivered), 30).await;
    Arc::new(store)
}

#[test]
fn a_moment_is_a_time_or_a_position() {
    assert_eq!(moment("17"), Ok(Until::Position(Position(17))));
    assert_eq!(moment("1970-01-01T00:00:05Z"), Ok(Until::Time(second(5))));
    assert_eq!(moment("1970-01-01T01:00:05 01:00"), Ok(Until::Time(second(5))));
    let bad = moment("yesterday").unwrap_err();
    assert!(bad.to_string().contains("\"yesterday\""), "{bad}");
}

#[tokio::test]
async fn an_inbox_is_known_as_it_was() {
    let store = inbox_history().await;
    let names = [(9, None), (10, Some("first")), (19, Some("first")), (20, Some("second"))];
    for (at, name) in names {
        let known = inbox(&*store, INBOX, Until::Time(second(at))).await.unwrap();
        assert_eq!(known.view.inbox(INBOX).map(|inbox| inbox.name), name, "at second {at}");
    }
}

#[tokio::test]
async fn a_removed_inbox_was_there_before() {
    let store = inbox_history().await;
    let then = inbox(&*store, INBOX, Until::Position(Position(2))).await.unwrap();
    assert_eq!(then.view.of_account(AccountId(1)).count(), 1);
    assert_eq!(then.last, Some((Position(2), second(20))));
    let now = inbox(&*store, INBOX, Until::Now).await.unwrap();
    assert_eq!(now.view.of_account(AccountId(1)).count(), 0);
}

#[tokio::test]
async fn a_webhook_is_known_with_what_it_was_owed() {
    let store = webhook_history().await;
    let counts = [(10, (0, 0)), (20, (1, 0)), (30, (0, 1))];
    for (at, expected) in counts {
        let known = webhook(&*store, HOOK, Until::Time(second(at))).await.unwrap();
        let counts = known.view.webhook(HOOK).unwrap().counts;
        assert_eq!((counts.pending, counts.delivered), expected, "at second {at}");
    }
}

#[tokio::test]
async fn many_subjects_are_told_in_the_order_asked() {
    let store = inbox_history().await;
    let ids: Vec<_> = (20..60).rev().map(InboxId).collect();
    let past = {
        let subjects =
            Subjects { inboxes: ids.clone(), webhooks: vec![HOOK], ..Subjects::default() };
        health(&store, subjects, Until::Now).await.unwrap()
    };
    assert_eq!(past.inboxes.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
    assert_eq!(past.last(), Some((Position(3), second(30))));
}

#[tokio::test]
async fn a_history_longer_than_a_page_is_read_to_its_end() {
    let store = MemoryStore::default();
    let stream = Subject::Inbox(INBOX).stream();
    append(&store, &stream, registered("0"), 0).await;
    for number in 1..1_100 {
        let renamed = events::inbox::Event::from(Renamed { name: number.to_string() });
        append(&store, &stream, renamed, number).await;
    }
    let known = inbox(&store, INBOX, Until::Time(second(1_050))).await.unwrap();
    assert_eq!(known.view.inbox(INBOX).unwrap().name, "1050");
}

/// A renaming whose record is changed, between two good ones: positions 1, 2 and 3.
async fn damaged_history(alter: impl FnOnce(&mut events::store::Proposed)) -> Arc<dyn EventStore> {
    let store = MemoryStore::default();
    let stream = Subject::Inbox(INBOX).stream();
    append(&store, &stream, registered("first"), 10).await;
    let renamed = |name: &str| events::inbox::Event::from(Renamed { name: name.to_owned() });
    append_altered(&store, &stream, renamed("second"), 20, alter).await;
    append(&store, &stream, renamed("third"), 30).await;
    Arc::new(store)
}

/// What is known is told up to the second record, and that record is named.
async fn is_known_up_to_the_damage(store: &dyn EventStore) {
    let before = inbox(store, INBOX, Until::Position(Position(1))).await.unwrap();
    assert_eq!(before.clone().whole(), Ok(before), "nothing was wrong yet");
    for until in [Until::Position(Position(2)), Until::Time(second(25)), Until::Now] {
        let known = inbox(store, INBOX, until).await.unwrap();
        assert_eq!(known.view.inbox(INBOX).unwrap().name, "first", "{until:?}");
        let damage = known.whole().unwrap_err();
        assert_eq!((damage.stream.as_str(), damage.position), ("inbox-42", Position(2)));
    }
}

#[tokio::test]
async fn what_a_changed_record_says_is_not_believed() {
    let store = damaged_history(|record| {
        let renamed = events::inbox::Event::from(Renamed { name: "forged".to_owned() }).into();
        record.data = events::codec::encode(&renamed).data.into();
    });
    is_known_up_to_the_damage(&*store.await).await;
}

#[tokio::test]
async fn a_record_that_means_nothing_is_named_and_not_passed_over() {
    let store = damaged_history(|record| record.kind = "inbox.from_the_future".into());
    is_known_up_to_the_damage(&*store.await).await;
}

#[tokio::test]
async fn a_record_that_is_missing_is_noticed_by_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(Embedded::serve(folder.path(), Options::default()).unwrap());
    let stream = Subject::Inbox(INBOX).stream();
    append(&*log, &stream, registered("first"), 10).await;
    for (name, at) in [("second", 20), ("third", 30)] {
        let renamed = events::inbox::Event::from(Renamed { name: name.to_owned() });
        append(&*log, &stream, renamed, at).await;
    }
    log.close().await;
    drop(log);
    let raw = rusqlite::Connection::open(folder.path().join("relink.db")).unwrap();
    let gone = "DELETE FROM events WHERE position = 2; DELETE FROM places WHERE position = 2;";
    raw.execute_batch(gone).unwrap();
    drop(raw);
    let log = Embedded::read_only(folder.path()).unwrap();
    // Also of a moment at which only the missing one may have been there.
    for until in [Until::Time(second(20)), Until::Now] {
        let known = inbox(&log, INBOX, until).await.unwrap();
        assert_eq!(known.whole().unwrap_err().position, Position(3), "{until:?}");
    }
}

#[tokio::test]
async fn a_truncated_stream_is_whole_behind_its_beginning() {
    let store = inbox_history().await;
    store.truncate(&Subject::Inbox(INBOX).stream(), events::Revision(1)).await.unwrap();
    let known = inbox(&*store, INBOX, Until::Now).await.unwrap();
    assert_eq!((known.last, known.damage), (Some((Position(3), second(30))), None));
}

#[tokio::test]
async fn among_many_subjects_the_damaged_one_is_told() {
    let store = damaged_history(|record| record.kind = "inbox.from_the_future".into()).await;
    let inboxes = vec![InboxId(41), INBOX];
    let subjects = Subjects { inboxes, ..Subjects::default() };
    let past = health(&store, subjects, Until::Now).await.unwrap();
    let damaged: Vec<_> = past.damage().map(|it| (it.stream.as_str(), it.position)).collect();
    assert_eq!(damaged, [("inbox-42", Position(2))]);
}

#[tokio::test]
async fn damaged_ledgers_of_all_endpoints_are_told() {
    let store = MemoryStore::default();
    let ids = [EndpointId::Webhook(HOOK), EndpointId::Inbox(INBOX), EndpointId::Mail(AccountId(1))];
    for id in ids {
        let ledger = StreamName::new(Category::Ledger, id);
        let queued = queued(DeliveryId::of(EventId(Uuid::from_u128(1)), id));
        let alter = |record: &mut events::store::Proposed| record.kind = "delivery.unheard".into();
        append_altered(&store, &ledger, queued, 20, alter).await;
    }
    let (webhooks, endpoints) = (vec![HOOK], ids[1..].to_vec());
    let subjects = Subjects { webhooks, endpoints, ..Subjects::default() };
    let store: Arc<dyn EventStore> = Arc::new(store);
    let past = health(&store, subjects, Until::Now).await.unwrap();
    let damaged: Vec<_> = past.damage().map(|it| it.stream.as_str()).collect();
    assert_eq!(damaged, ["ledger-7", "ledger-inbox.42", "ledger-mail.1"]);
}

/// Renamings "1" to "599" behind the registration, a record a position, in a closed log.
async fn long_log() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(Embedded::serve(folder.path(), Options::default()).unwrap());
    let stream = Subject::Inbox(INBOX).stream();
    append(&*log, &stream, registered("0"), 1).await;
    for number in 1..600 {
        let renamed = events::inbox::Event::from(Renamed { name: number.to_string() });
        append(&*log, &stream, renamed, number + 1).await;
    }
    log.close().await;
    folder
}

#[tokio::test]
async fn what_stands_before_an_unreadable_record_is_told() {
    let folder = long_log().await;
    let raw = rusqlite::Connection::open(folder.path().join("relink.db")).unwrap();
    // Backwards, so that each is the first.
    for bad in [600, 514, 513, 512, 300, 3, 2] {
        raw.execute_batch(&format!("DELETE FROM events WHERE position = {bad}")).unwrap();
        let log = Embedded::read_only(folder.path()).unwrap();
        let (last, bad_at) = (Position(bad - 1), second(i64::try_from(bad).unwrap()));
        for until in [Until::Position(Position(1)), Until::Position(last), Until::Time(second(0))] {
            let known = inbox(&log, INBOX, until).await.unwrap();
            assert_eq!(known.damage, None, "{bad} stands behind {until:?}");
        }
        let last_known = Until::Position(last);
        for until in [last_known, Until::Position(Position(bad)), Until::Time(bad_at), Until::Now] {
            let known = inbox(&log, INBOX, until).await.unwrap();
            assert_eq!(known.view.inbox(INBOX).unwrap().name, (bad - 2).to_string(), "{until:?}");
            assert_eq!(known.last.unwrap().0, last);
            let named = (until != last_known).then_some(Position(bad));
            assert_eq!(known.damage.map(|damage| damage.position), named, "{bad}, {until:?}");
        }
    }
}

#[tokio::test]
async fn reading_comes_to_an_end_though_an_engine_still_shows_what_is_removed() {
    let store = Staged::default();
    let stream = Subject::Inbox(INBOX).stream();
    append(&store, &stream, registered("first"), 10).await;
    for (name, at) in [("second", 20), ("third", 30), ("fourth", 40)] {
        let renamed = events::inbox::Event::from(Renamed { name: name.to_owned() });
        append(&store, &stream, renamed, at).await;
    }
    let shown = store.read_stream(&stream, Slice::From(Revision(1)), 9).await.unwrap();
    store.truncate(&stream, Revision(2)).await.unwrap();
    let asked = AtomicUsize::new(0);
    store.answer(move |_, slice| {
        assert!(asked.fetch_add(1, Ordering::Relaxed) < 9, "it asks for ever");
        let stale = slice == Slice::From(Revision::FIRST);
        stale.then(|| Box::pin(std::future::ready(Ok(shown.clone()))) as _)
    });
    let known = inbox(&store, INBOX, Until::Time(second(25))).await.unwrap();
    assert_eq!((known.damage, known.kept_from), (None, Some(second(30))));
}

#[tokio::test]
async fn of_the_installation_all_is_told_that_stands_before_an_unreadable_record() {
    let folder = long_log().await;
    let raw = rusqlite::Connection::open(folder.path().join("relink.db")).unwrap();
    raw.execute_batch("UPDATE events SET hash = 'short' WHERE position = 300").unwrap();
    let log = Embedded::read_only(folder.path()).unwrap();
    for (until, last) in [(Until::Position(Position(299)), 299), (Until::Time(second(298)), 298)] {
        let (known, damaged) = of_installation(&log, until).await.unwrap();
        assert_eq!((known.last.unwrap().0, damaged), (Position(last), vec![]), "{until:?}");
    }
    for until in [Until::Position(Position(300)), Until::Now] {
        let failure = of_installation(&log, until).await.unwrap_err();
        let Failure::Corrupt { position, .. } = failure else { panic!("{until:?}: {failure}") };
        assert_eq!(position, Some(Position(299)), "{until:?}");
    }
}

#[tokio::test]
async fn of_the_installation_no_changed_record_is_believed() {
    let store = damaged_history(|record| {
        let renamed = Renamed { name: "forged".to_owned() };
        let renamed = events::inbox::Event::from(renamed).into();
        record.data = events::codec::encode(&renamed).data.into();
    });
    let store = store.await;
    let named = async |until| {
        let (known, damaged) = of_installation(&*store, until).await.unwrap();
        let named: Vec<_> = damaged.iter().map(|it| (it.stream.as_str(), it.position)).collect();
        assert_eq!(known.damage.as_ref(), damaged.first());
        format!("{named:?}")
    };
    assert_eq!(named(Until::Position(Position(1))).await, "[]");
    for until in [Until::Position(Position(2)), Until::Now] {
        assert_eq!(named(until).await, r#"[("inbox-42", Position(2))]"#, "{until:?}");
    }
}
