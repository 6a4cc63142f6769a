//! Following: waiting for growth, and subscriptions built on it.

use std::sync::Arc;
use std::time::Duration;

use super::Writer;
use super::writer::{ids, proposed_ids};
use crate::store::{Heard, Subscription};
use crate::{EventId, EventStore, Position, StreamName};

/// Longer than any store may need to notice growth.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads on until something stands behind the position, waiting for growth in between.
async fn awaited(store: &dyn EventStore, behind: Position) {
    let waiting = async {
        while store.read_all(behind, 1).await.expect("the log can be read").is_empty() {
            store.grown(behind).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("growth wakes who waits");
}

async fn head(store: &Arc<dyn EventStore>) -> Position {
    store.head().await.expect("the log has a head")
}

async fn next(subscription: &mut Subscription) -> Heard {
    let heard = tokio::time::timeout(PATIENCE, subscription.next()).await;
    heard.expect("a follower is told").expect("the log can be read")
}

/// What a follower is told of one stream until it has `count` records of it.
async fn heard_of(
    subscription: &mut Subscription,
    stream: &StreamName,
    count: usize,
) -> Vec<EventId> {
    let mut heard = Vec::new();
    while heard.len() < count {
        if let Heard::Page(page) = next(subscription).await {
            assert!(!page.is_empty(), "a page is never empty");
            heard.extend(page.iter().filter(|record| record.stream == *stream).map(|one| one.id));
        }
    }
    heard
}

/// An append by another task ends the waiting.
pub async fn growth_wakes_who_waits(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    let behind = head(&store).await;
    let waiting = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { awaited(&*store, behind).await })
    };
    tokio::task::yield_now().await;
    writer.write(&["one"]).await;
    waiting.await.expect("growth wakes who waits");
}

/// Who asks late does not wait.
pub async fn growth_that_has_happened_is_not_waited_for(store: Arc<dyn EventStore>) {
    let behind = head(&store).await;
    Writer::new(&store).write(&["one"]).await;
    let grown = tokio::time::timeout(PATIENCE, store.grown(behind)).await;
    assert!(grown.is_ok(), "the log has grown already");
}

/// *Caught up* is said once at the end of the log, and not again before there was more.
pub async fn a_follower_is_told_once_that_it_caught_up(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    let behind = head(&store).await;
    let (records, appended) = writer.write(&["one", "two"]).await;
    let mut subscription = Subscription::new(Arc::clone(&store), behind);
    assert_eq!(heard_of(&mut subscription, &writer.stream, 2).await, proposed_ids(&records));
    let position = loop {
        if let Heard::CaughtUp(position) = next(&mut subscription).await {
            break position;
        }
    };
    assert!(position >= appended.position);
    assert_eq!(position, subscription.position());
    let stream = writer.stream.clone();
    let writing = tokio::spawn(async move { writer.write(&["three"]).await });
    let Heard::Page(page) = next(&mut subscription).await else {
        panic!("a follower is told twice that it caught up");
    };
    let (more, _) = writing.await.expect("the writer writes");
    let mut heard: Vec<_> =
        page.iter().filter(|record| record.stream == stream).map(|record| record.id).collect();
    if heard.is_empty() {
        heard = heard_of(&mut subscription, &stream, 1).await;
    }
    assert_eq!(heard, proposed_ids(&more));
}

/// A follower that remembers its position goes on with the next record.
pub async fn a_follower_resumes_without_gap_or_repetition(store: Arc<dyn EventStore>) {
    let mut writer = Writer::new(&store);
    let behind = head(&store).await;
    let (first, _) = writer.write(&["one", "two", "three"]).await;
    let mut subscription = Subscription::new(Arc::clone(&store), behind);
    let mut heard = heard_of(&mut subscription, &writer.stream, 3).await;
    let behind = subscription.position();
    drop(subscription);
    let (second, _) = writer.write(&["four", "five"]).await;
    let mut subscription = Subscription::new(Arc::clone(&store), behind);
    heard.extend(heard_of(&mut subscription, &writer.stream, 2).await);
    assert_eq!(heard, [proposed_ids(&first), proposed_ids(&second)].concat());
}

/// A follower misses nothing of what is written while it follows.
pub async fn a_follower_sees_what_is_written_meanwhile(store: Arc<dyn EventStore>) {
    const APPENDS: usize = 50;
    let mut writer = Writer::new(&store);
    let stream = writer.stream.clone();
    let mut subscription = Subscription::new(Arc::clone(&store), head(&store).await);
    let writing = tokio::spawn(async move {
        for _ in 0..APPENDS {
            writer.write(&["one", "two"]).await;
        }
        ids(&writer.history().await)
    });
    let heard = heard_of(&mut subscription, &stream, 2 * APPENDS).await;
    assert_eq!(heard, writing.await.expect("the writer writes"));
}
