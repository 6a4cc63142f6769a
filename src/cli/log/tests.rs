use events::account::{Event, Renamed};
use events::store::memory::MemoryStore;

use super::*;
use crate::history::append;

#[tokio::test]
async fn who_follows_the_last_of_a_stream_begins_at_the_end_of_the_log() {
    let store = MemoryStore::default();
    let [quiet, busy] = ["account-1", "account-2"].map(StreamName::from_log);
    for (stream, count) in [(&quiet, 2), (&busy, 5)] {
        for number in 0..count {
            append(&store, stream, Event::from(Renamed { name: "n".into() }), number).await;
        }
    }
    let last = last_of_stream(&store, &quiet, 1).await.unwrap();
    let head = store.head().await.unwrap();
    assert_eq!((last[0].position, end_of(&last, head)), (Position(2), Position(7)));
    assert_eq!(end_of(&last, Position(1)), Position(2), "it was written meanwhile, and is shown");
    assert_eq!(end_of(&[], head), head);
}
