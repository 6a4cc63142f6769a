use events::store::memory::MemoryStore;
use events::{AccountId, Category, InboxId, StreamName, Subject, platform};

use super::*;
use crate::history::{append, second};

#[tokio::test]
async fn events_and_bytes_are_counted_by_category_and_kind() {
    let store = MemoryStore::default();
    let received = |data: &str| platform::EventReceived {
        account: AccountId(1),
        event: "message_created".to_owned(),
        data: data.to_owned(),
    };
    let platform = StreamName::new(Category::Platform, 1);
    append(&store, &platform, platform::Event::from(received("{}")), 1).await;
    append(&store, &platform, platform::Event::from(received(r#"{"id":5}"#)), 2).await;
    let inbox = Subject::Inbox(InboxId(42)).stream();
    append(&store, &inbox, events::inbox::Event::from(events::inbox::Removed {}), 3).await;
    let mut seen = vec![];
    let stats = of(&store, Some(second(2)), |position| seen.push(position.0)).await.unwrap();
    assert_eq!(seen, [3]);
    let events: Vec<_> =
        stats.categories.iter().map(|(name, used)| (name.as_str(), used.events)).collect();
    assert_eq!(events, [("inbox", 1), ("platform", 2)]);
    assert_eq!(stats.kinds["platform.event_received"], stats.categories["platform"]);
    let bytes: u64 = stats.categories.values().map(|used| used.bytes).sum();
    assert_eq!((stats.total.events, stats.total.bytes), (3, bytes));
    assert!(bytes > 0);
    let streams: Vec<_> = stats.streams.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(streams, ["platform-1", "inbox-42"]);
    // The first of the platform's is older than it is kept; the inbox is kept for ever.
    assert_eq!(stats.old.events, 1);
}

#[tokio::test]
async fn an_empty_log_uses_nothing() {
    assert_eq!(of(&MemoryStore::default(), None, |_| {}).await, Ok(Stats::default()));
}
