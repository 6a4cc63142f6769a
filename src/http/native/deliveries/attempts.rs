//! One delivery as its ledger tells it, attempt by attempt.

use std::time::Duration;

use events::delivery::{AbandonReason, AttemptClass, Event as DeliveryEvent, Queued, Response};
use events::store::{PAGE_MAX, Slice, is_last};
use events::{
    Category, DeliveryId, Event, EventStore, Failure, Record, Revision, StreamName, Timestamp,
};
use serde_json::{Value, json};

use crate::config::duration;

/// What the ledger's stream has said of the delivery so far.
#[derive(Default)]
struct Told {
    queued: Option<(Timestamp, Queued)>,
    attempts: Vec<Value>,
    next_attempt_at: Option<Timestamp>,
    ended: Option<(Timestamp, &'static str, Option<AbandonReason>)>,
}

/// The delivery; none when its ledger does not know it. Reading begins where `hint` says it was
/// queued.
///
/// # Errors
/// When the log cannot be read.
pub(super) async fn of(
    store: &dyn EventStore,
    id: DeliveryId,
    hint: Option<Revision>,
) -> Result<Option<Value>, Failure> {
    let stream = StreamName::new(Category::Ledger, id.endpoint());
    let mut told = Told::default();
    let mut from = hint.unwrap_or(Revision::FIRST);
    while told.ended.is_none() {
        let page = store.read_stream(&stream, Slice::From(from), PAGE_MAX).await?;
        let Some(last) = page.last().map(|last| last.revision) else { break };
        let end = is_last(&page, PAGE_MAX);
        for record in page {
            told.take(id, record);
        }
        if end {
            break;
        }
        from = last.next();
    }
    Ok(told.shown(id))
}

impl Told {
    /// A record that this build does not understand tells nothing.
    fn take(&mut self, id: DeliveryId, record: Record) {
        let Ok(record) = record.decode() else { return };
        let Event::Delivery(event) = record.event else { return };
        if event.delivery() != id {
            return;
        }
        match event {
            DeliveryEvent::Queued(queued) => {
                self.next_attempt_at = Some(queued.due);
                self.queued = Some((record.at, queued));
            }
            DeliveryEvent::AttemptFailed(it) => {
                self.next_attempt_at = it.retry_at;
                let response = it.response.as_ref();
                let taken = (it.attempt, it.started_at, it.duration_us);
                self.attempts.push(attempt(taken, it.class, Some(&it.detail), response));
            }
            DeliveryEvent::Delivered(it) => {
                let taken = (it.attempt, it.started_at, it.duration_us);
                self.attempts.push(attempt(taken, AttemptClass::Ok, None, Some(&it.response)));
                self.ended = Some((record.at, "delivered", None));
            }
            DeliveryEvent::Abandoned(it) => {
                self.ended = Some((record.at, "abandoned", Some(it.reason)));
            }
        }
    }

    fn shown(self, id: DeliveryId) -> Option<Value> {
        let (created_at, queued) = self.queued?;
        let (status, reason) = match self.ended {
            Some((_, status, reason)) => (status, reason),
            None => ("pending", None),
        };
        Some(json!({
            "id": id,
            "webhook_id": id.webhook(),
            "event": queued.event,
            "status": status,
            "created_at": created_at,
            "finished_at": self.ended.map(|(at, ..)| at),
            "source": queued.source,
            "body": queued.body,
            "attempts": self.attempts,
            "next_attempt_at": self.next_attempt_at.filter(|_| self.ended.is_none()),
            "reason": reason.map(|reason| reason.as_str()),
        }))
    }
}

fn attempt(
    (number, at, micros): (u32, Timestamp, u64),
    class: AttemptClass,
    detail: Option<&str>,
    response: Option<&Response>,
) -> Value {
    json!({
        "number": number,
        "time": at,
        "class": class.as_str(),
        "status": response.map(|response| response.status),
        "duration": duration::format(Duration::from_micros(micros)),
        "duration_ms": micros / 1_000,
        "detail": detail,
        "response": response,
    })
}
