//! Why an endpoint is in the state that it is in: the rule, the evidence, the records behind it.

use events::store::Slice;
use events::{Category, EventStore, Failure, Revision, StreamName, Subject, Timestamp};
use projections::webhook_health::{Webhook, WebhookStatus};
use serde_json::{Value, json};

use crate::explain::hint;
use crate::rendering::{Rendered, health, render};
use crate::timeline::Walk;

/// As many records as are looked through, newest first.
const LOOKED_AT_MAX: usize = 4_096;

const PAGE: usize = 256;

/// As many records as are shown of each end of the story.
const SHOWN_MAX: usize = 20;

/// What speaks for the webhook's state.
///
/// # Errors
/// When the log cannot be read.
pub async fn webhook(store: &dyn EventStore, webhook: &Webhook) -> Result<Value, Failure> {
    let (events, complete) = behind(store, webhook).await?;
    let failures = events.iter().filter(|event| event.kind == "delivery.attempt_failed").count();
    let shown = if events.len() > 2 * SHOWN_MAX {
        let (first, last) = (&events[..SHOWN_MAX], &events[events.len() - SHOWN_MAX..]);
        json!([first, last].concat())
    } else {
        json!(events)
    };
    let class = webhook.cause.filter(|_| webhook.status != WebhookStatus::Healthy);
    Ok(json!({
        "id": webhook.id,
        "state": webhook.status.as_str(),
        "since": webhook.since,
        "cause": webhook.cause.map(|class| class.as_str()),
        "rule": rule(webhook.status),
        "hint": class.and_then(hint),
        "evidence": {
            "failed_attempts": failures,
            "first": events.first().map(place),
            "last": events.last().map(place),
            "complete": complete,
        },
        "health": health::webhook(webhook),
        "events": shown,
    }))
}

fn place(event: &Rendered) -> Value {
    json!({ "position": event.position, "at": event.at, "type": event.kind })
}

/// The records since the state began that speak for it, oldest first, and whether these are all.
async fn behind(
    store: &dyn EventStore,
    webhook: &Webhook,
) -> Result<(Vec<Rendered>, bool), Failure> {
    let streams =
        [Subject::Webhook(webhook.id).stream(), StreamName::new(Category::Ledger, webhook.id)];
    let (mut events, mut complete) = (Vec::new(), false);
    let mut walk = Walk::begin(store, &streams, None).await?;
    for _ in 0..LOOKED_AT_MAX / PAGE {
        let page = walk.next(PAGE).await?;
        let since = webhook.since;
        // Two streams are merged by position, so times may be out of order by a little.
        let oldest = page.last().map(|record| record.at);
        complete = page.len() < PAGE || oldest.is_none_or(|oldest| oldest < since);
        let recent = page.iter().filter(|record| record.at >= since);
        events.extend(recent.filter(|record| speaks(&record.kind)).map(render));
        if complete {
            break;
        }
    }
    events.reverse();
    Ok((events, complete && !is_removed(store, &streams[1], webhook.since).await?))
}

/// Whether retention has removed something of the stream that happened since then.
async fn is_removed(
    store: &dyn EventStore,
    stream: &StreamName,
    since: Timestamp,
) -> Result<bool, Failure> {
    if store.bound(stream).await?.is_none() {
        return Ok(false);
    }
    let first = store.read_stream(stream, Slice::From(Revision::FIRST), 1).await?;
    Ok(first.first().is_some_and(|first| first.at > since))
}

/// That something is owed, or was taken, says nothing about the endpoint's trouble.
fn speaks(kind: &str) -> bool {
    let upkeep = ["delivery.summed_up", "delivery.trimmed", "delivery.removed"];
    !matches!(kind, "delivery.queued" | "delivery.delivered")
        && !upkeep.contains(&kind)
        && !kind.starts_with("delivery.recovery_")
}

fn rule(status: WebhookStatus) -> &'static str {
    match status {
        WebhookStatus::Healthy => "the last attempt that ended was taken, or none was made yet",
        WebhookStatus::Failing => "attempts fail since then, and none was taken",
        WebhookStatus::Throttled => "it answered that it wants fewer, and said for how long",
        WebhookStatus::Probing => {
            "it failed, and is tried with the oldest delivery that it is owed"
        }
        WebhookStatus::Paused => "somebody paused it; what it is owed is held",
        WebhookStatus::Disabled => "somebody or a rule disabled it; what it is owed is held",
    }
}
