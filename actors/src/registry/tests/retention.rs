//! A ledger whose stream begins with a summary wakes as if nothing were missing.

use std::time::Duration;

use events::delivery::{AbandonReason, Queued};
use events::store::Slice;
use events::{
    Category, DeliveryId, EndpointId, EventId, Position, Revision, StreamName, WebhookId,
};
use uuid::Uuid;

use super::*;
use crate::delivery::{Command, Ledger, Told, trimming};
use crate::testing::NOON;

const ENDPOINT: EndpointId = EndpointId::Webhook(WebhookId(7));
const EVERYTHING: Position = Position(u64::MAX);

fn stream() -> StreamName {
    StreamName::new(Category::Ledger, ENDPOINT)
}

fn ledgers(store: &Arc<TestStore>) -> Registry<Ledger> {
    Registry::new(world(store))
}

async fn ask(ledgers: &Registry<Ledger>, command: Command) -> (Told, bool) {
    let done = ledgers.ask(ENDPOINT, anew(), command).await.unwrap();
    (done.answer, done.event.is_some())
}

/// Whether anything was queued by it.
async fn queue(ledgers: &Registry<Ledger>, number: u128) -> bool {
    let source = EventId(Uuid::from_u128(number));
    let queued = Queued {
        delivery: DeliveryId::of(source, ENDPOINT),
        account: ID,
        event: "inbox_updated".into(),
        source,
        body: "{}".into(),
        due: NOON,
        key: None,
    };
    ask(ledgers, Command::Queue(Arc::new(queued))).await.1
}

/// One delivery that has ended, then a summary at revision 2.
async fn summed_up(ledgers: &Registry<Ledger>) {
    assert!(queue(ledgers, 1).await);
    let (delivery, reason) = (None, AbandonReason::Skipped);
    ask(ledgers, Command::Abandon { delivery, reason }).await;
    assert!(ask(ledgers, Command::SumUp { every: Duration::ZERO, now: NOON }).await.1);
}

/// What may be removed once the ledger was asked to do without what stands before its summary.
async fn trim(store: &TestStore, ledgers: &Registry<Ledger>) -> (Revision, bool) {
    let asked = trimming(store, ENDPOINT, (Revision(2), EVERYTHING), vec![], NOON).await;
    let asked = asked.unwrap().expect("a summary stands there");
    let (told, news) = ask(ledgers, Command::Trim(Box::new(asked))).await;
    (told.trimmed.expect("nothing is owed").before, news)
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_fact_and_the_truncation_only_delays_it() {
    let store = Arc::new(TestStore::default());
    let first = ledgers(&store);
    summed_up(&first).await;
    assert_eq!(trim(&store, &first).await, (Revision(2), true));
    drop(first);
    let second = ledgers(&store);
    assert_eq!(trim(&store, &second).await, (Revision(2), false));
    store.truncate(&stream(), Revision(2)).await.unwrap();
    let left = store.read_stream(&stream(), Slice::From(Revision::FIRST), 10).await.unwrap();
    let kinds: Vec<_> = left.iter().map(|record| &*record.kind).collect();
    assert_eq!(kinds, ["delivery.summed_up", "delivery.trimmed"]);
    // Who has it in memory and who begins with the summary both know what was queued.
    for ledgers in [second, ledgers(&store)] {
        assert!(!queue(&ledgers, 1).await);
    }
    assert!(queue(&ledgers(&store), 2).await);
    let last = store.read_stream(&stream(), Slice::Before(None), 1).await.unwrap();
    assert_eq!(last[0].revision, Revision(4));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_missed_what_was_removed_goes_on_from_the_summary() {
    let store = Arc::new(TestStore::default());
    store.share();
    let (here, there) = (ledgers(&store), ledgers(&store));
    assert!(queue(&here, 1).await);
    assert!(queue(&there, 3).await);
    let (delivery, reason) = (None, AbandonReason::Skipped);
    ask(&there, Command::Abandon { delivery, reason }).await;
    assert!(ask(&there, Command::SumUp { every: Duration::ZERO, now: NOON }).await.1);
    store.truncate(&stream(), Revision(4)).await.unwrap();
    assert!(!queue(&here, 3).await, "it was queued and has ended");
    assert!(queue(&here, 4).await);
}

#[tokio::test(start_paused = true)]
async fn what_the_fan_out_has_not_read_is_kept() {
    let store = Arc::new(TestStore::default());
    summed_up(&ledgers(&store)).await;
    for (revision, reached) in [(2, Position(2)), (1, EVERYTHING), (9, EVERYTHING)] {
        let asked = trimming(&*store, ENDPOINT, (Revision(revision), reached), vec![], NOON).await;
        assert_eq!(asked, Ok(None), "revision {revision}");
    }
}
