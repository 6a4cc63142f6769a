//! Tells actors what other nodes wrote into their streams: whoever works a ledger hears at once
//! of what was queued in it elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use events::store::{Heard, Subscription};
use events::{Category, EventStore, InboxId, Position, Record, Revision, StreamName, WebhookId};

use crate::delivery::Ledger;
use crate::inbox::Inbox;
use crate::registry::Registry;
use crate::tireless::tireless;
use crate::webhook::Webhook;

/// The wait before the log is read again that could not be read.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Whoever is to hear of what other nodes wrote; cheap to clone.
#[derive(Clone)]
pub struct Listener {
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// What is owed.
    pub ledgers: Registry<Ledger>,
    /// Where it goes.
    pub webhooks: Registry<Webhook>,
    /// Some of them have a webhook of their own.
    pub inboxes: Registry<Inbox>,
}

impl Listener {
    /// Follows the log behind a position, for ever: drop it to end it. A panic restarts it where
    /// it was.
    pub async fn listen(self, behind: Position) {
        let reached = Arc::new(AtomicU64::new(behind.0));
        let begin = || self.clone().follow(reached.clone());
        tireless("hearing of other nodes", RETRY_AFTER, begin, || ()).await;
    }

    async fn follow(self, reached: Arc<AtomicU64>) {
        let behind = Position(reached.load(Ordering::Relaxed));
        let mut log = Subscription::new(self.store.clone(), behind);
        loop {
            match log.next().await {
                Ok(Heard::Page(page)) => {
                    ends(&page).into_iter().for_each(|(stream, end)| self.tell(stream, end));
                    reached.store(log.position().0, Ordering::Relaxed);
                }
                Ok(Heard::CaughtUp(_)) => {}
                // The fan-out and the views tell why.
                Err(_) => tokio::time::sleep(RETRY_AFTER).await,
            }
        }
    }

    fn tell(&self, stream: &StreamName, end: Revision) {
        if let Some(endpoint) = stream.endpoint() {
            self.ledgers.heard(endpoint, end);
        } else if let Some(webhook) = numbered(stream, Category::Webhook) {
            self.webhooks.heard(WebhookId(webhook), end);
        } else if let Some(inbox) = numbered(stream, Category::Inbox) {
            self.inboxes.heard(InboxId(inbox), end);
        }
    }
}

/// Where each stream of the page ends.
fn ends(page: &[Record]) -> BTreeMap<&StreamName, Revision> {
    page.iter().map(|record| (&record.stream, record.revision)).collect()
}

fn numbered(stream: &StreamName, category: Category) -> Option<u64> {
    stream.number().filter(|_| stream.category() == category.as_str())
}
