//! The record that brought a delivery about.

use events::delivery::Queued;
use events::{
    Category, EndpointId, EventStore, Failure, InboxId, Position, StreamName, Subject, WebhookId,
};
use serde_json::Value;

use crate::rendering::{Rendered, render};
use crate::timeline::Walk;

/// As many records of a stream as are looked through: the fan-out is seldom that far behind.
const LOOKED_AT_MAX: usize = 4_096;

const PAGE: usize = 256;

/// The record that the delivery names as its source; none where a request was, as for a test. It
/// stands before the delivery was queued, and in one of few streams.
pub(super) async fn find(
    store: &dyn EventStore,
    queued: &Queued,
    position: Position,
) -> Result<Option<Rendered>, Failure> {
    for stream in streams(queued) {
        let mut walk = Walk::begin(store, std::slice::from_ref(&stream), Some(position)).await?;
        for _ in 0..LOOKED_AT_MAX / PAGE {
            let page = walk.next(PAGE).await?;
            if let Some(record) = page.iter().find(|record| record.id == queued.source) {
                return Ok(Some(render(record)));
            }
            if page.len() < PAGE {
                break;
            }
        }
    }
    Ok(None)
}

/// Whether the record may have stood where retention has removed some: a source that is not found
/// is none at all otherwise.
pub(super) async fn is_removed(store: &dyn EventStore, queued: &Queued) -> Result<bool, Failure> {
    for stream in streams(queued) {
        if store.bound(&stream).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Inbox events, and the mail that they bring about, come from the inbox itself; what is told of an
/// endpoint from its ledger; and all others from the platform.
pub(super) fn streams(queued: &Queued) -> Vec<StreamName> {
    let platform = StreamName::new(Category::Platform, queued.account);
    let body: Value = serde_json::from_str(&queued.body).unwrap_or_default();
    let inbox = body["id"].as_u64().or_else(|| body["inbox"]["id"].as_u64());
    let inbox = inbox.filter(|_| queued.event.starts_with("inbox_"));
    let inbox = inbox.map(|inbox| Subject::Inbox(InboxId(inbox)).stream());
    let endpoint = [
        body["webhook"]["id"].as_u64().map(|id| EndpointId::Webhook(WebhookId(id))),
        body["webhook"]["inbox_id"].as_u64().map(|id| EndpointId::Inbox(InboxId(id))),
    ];
    let ledger = endpoint.into_iter().flatten().map(|it| StreamName::new(Category::Ledger, it));
    inbox.into_iter().chain(ledger).chain([platform]).collect()
}
