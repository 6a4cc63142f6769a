//! Tells actors what other nodes wrote into their streams: whoever works a ledger hears at once
//! of what was queued in it elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use events::store::{Heard, Subscription};
use events::{EventStore, Position, Record, Revision, StreamName, WebhookId};

use crate::delivery::Ledger;
use crate::registry::Registry;
use crate::webhook::Webhook;

/// The wait before the log is read again that could not be read.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Follows the log behind a position, for ever: drop it to end it.
pub async fn listen(
    store: Arc<dyn EventStore>,
    behind: Position,
    ledgers: Registry<Ledger>,
    webhooks: Registry<Webhook>,
) {
    let mut log = Subscription::new(store, behind);
    loop {
        match log.next().await {
            Ok(Heard::Page(page)) => {
                for (stream, revision) in ends(&page) {
                    if let Some(endpoint) = stream.endpoint() {
                        ledgers.heard(endpoint, revision);
                    } else if let Some(webhook) = settings(stream) {
                        webhooks.heard(webhook, revision);
                    }
                }
            }
            Ok(Heard::CaughtUp(_)) => {}
            // The fan-out and the views tell why.
            Err(_) => tokio::time::sleep(RETRY_AFTER).await,
        }
    }
}

/// Where each stream of the page ends.
fn ends(page: &[Record]) -> BTreeMap<&StreamName, Revision> {
    page.iter().map(|record| (&record.stream, record.revision)).collect()
}

fn settings(stream: &StreamName) -> Option<WebhookId> {
    let is_webhook = stream.category() == events::Category::Webhook.as_str();
    stream.number().filter(|_| is_webhook).map(WebhookId)
}
