//! The record that brought a delivery about.

use events::delivery::Queued;
use events::{Category, EventStore, Failure, InboxId, Position, StreamName, Subject};
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

/// Inbox events come from the inbox itself or, as all others do, from the platform.
fn streams(queued: &Queued) -> Vec<StreamName> {
    let platform = StreamName::new(Category::Platform, queued.account);
    let body: Value = serde_json::from_str(&queued.body).unwrap_or_default();
    let inbox = body["id"].as_u64().filter(|_| queued.event.starts_with("inbox_"));
    let inbox = inbox.map(|inbox| Subject::Inbox(InboxId(inbox)).stream());
    inbox.into_iter().chain([platform]).collect()
}
