//! One delivery as its ledger tells it, attempt by attempt.

use std::time::Duration;

use events::delivery::{
    AbandonReason, AttemptClass, Event as DeliveryEvent, Queued, Reopened, Response,
};
use events::store::{PAGE_MAX, Slice, is_last};
use events::{
    Category, DeliveryId, Event, EventStore, Failure, Record, Revision, StreamName, Timestamp,
};
use projections::delivery_log::DeliveryStatus;
use serde_json::{Value, json};

use crate::config::duration;

/// What the ledger's stream has said of the delivery so far.
#[derive(Default)]
pub(super) struct Told {
    queued: Option<(Timestamp, Queued)>,
    attempts: Vec<Value>,
    /// As many attempts as have ended, those of a forgotten past among them.
    made: u32,
    parked: bool,
    next_attempt_at: Option<Timestamp>,
    ended: Option<(Timestamp, DeliveryStatus, Option<AbandonReason>)>,
}

/// What a view knows, so that not the whole ledger has to be read.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Hint {
    /// Where it was queued.
    pub(super) revision: Option<Revision>,
    /// Up to where its end may be told, for all that is known.
    pub(super) until: Option<Revision>,
    /// Whether it is owed.
    pub(super) owed: bool,
    /// Whether it is held.
    pub(super) held: bool,
    /// The delivery that it waits for.
    pub(super) behind: Option<DeliveryId>,
}

/// What the ledger tells of the delivery. Reading begins where `hint` says it was queued.
///
/// # Errors
/// When the log cannot be read.
pub(super) async fn of(
    store: &dyn EventStore,
    id: DeliveryId,
    hint: Hint,
) -> Result<Told, Failure> {
    let stream = StreamName::new(Category::Ledger, id.endpoint());
    let mut told = Told::default();
    let mut from = hint.revision.unwrap_or(Revision::FIRST);
    // What has ended may be owed once more further on, and end once more.
    while hint.owed || told.ended.is_none() || hint.until.is_some_and(|last| from <= last) {
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
    Ok(told)
}

impl Told {
    /// A record that this build does not understand tells nothing.
    fn take(&mut self, id: DeliveryId, record: Record) {
        let Ok(record) = record.decode() else { return };
        let Event::Delivery(event) = record.event else { return };
        if event.delivery() != Some(id) {
            return;
        }
        match event {
            DeliveryEvent::Queued(queued) => {
                self.next_attempt_at = Some(queued.due);
                self.queued = Some((record.at, queued));
            }
            DeliveryEvent::AttemptFailed(it) => {
                self.next_attempt_at = it.retry_at;
                self.made = it.attempt;
                let response = it.response.as_ref();
                let taken = (it.attempt, it.started_at, it.duration_us);
                let shown = attempt(taken, it.class, Some(&it.detail), response);
                self.attempts.push(at_address(shown, it.address));
            }
            DeliveryEvent::Delivered(it) => {
                self.made = it.attempt;
                let taken = (it.attempt, it.started_at, it.duration_us);
                let shown = attempt(taken, AttemptClass::Ok, None, Some(&it.response));
                self.attempts.push(at_address(shown, it.address));
                self.ended = Some((record.at, DeliveryStatus::Delivered, None));
            }
            DeliveryEvent::Abandoned(it) => {
                self.ended = Some((record.at, DeliveryStatus::Abandoned, Some(it.reason)));
            }
            DeliveryEvent::RetryRequested(it) => {
                (self.next_attempt_at, self.parked) = (Some(it.due), false);
            }
            DeliveryEvent::Reopened(it) => {
                self.next_attempt_at = Some(it.queued.due);
                self.made = it.attempts;
                (self.ended, self.parked) = (None, false);
                self.queued.get_or_insert((record.at, it.queued));
            }
            DeliveryEvent::Parked(_) => self.parked = true,
            DeliveryEvent::EndpointPaced(_)
            | DeliveryEvent::EndpointMoved(_)
            | DeliveryEvent::EndpointFailing(_)
            | DeliveryEvent::EndpointRecovered(_)
            | DeliveryEvent::EndpointWarned(_)
            | DeliveryEvent::EndpointDisabled(_)
            | DeliveryEvent::EndpointPaused(_)
            | DeliveryEvent::EndpointEnabled(_)
            | DeliveryEvent::RecoveryPlanned(_)
            | DeliveryEvent::RecoveryStarted(_)
            | DeliveryEvent::RecoveryPaused(_)
            | DeliveryEvent::RecoveryAdvanced(_)
            | DeliveryEvent::RecoveryFinished(_)
            | DeliveryEvent::RecoveryCancelled(_)
            | DeliveryEvent::SummedUp(_)
            | DeliveryEvent::Trimmed(_)
            | DeliveryEvent::Removed(_) => {}
        }
    }

    /// Whether anything was told of it.
    pub(super) fn is_known(&self) -> bool {
        self.queued.is_some() || self.ended.is_some()
    }

    /// How it ended, where it is not owed.
    pub(super) fn over(&self) -> Option<DeliveryStatus> {
        self.ended.map(|(_, status, _)| status)
    }

    /// The delivery as it is owed once more, when somebody asks for it.
    pub(super) fn again(self, now: Timestamp) -> Option<Reopened> {
        let (_, queued) = self.queued?;
        let (attempts, recovery) = (self.made, None);
        Some(Reopened { queued: Queued { due: now, ..queued }, attempts, recovery })
    }

    /// The delivery in full; none when its ledger does not know it.
    pub(super) fn shown(self, id: DeliveryId, hint: Hint) -> Option<Value> {
        let (created_at, queued) = self.queued?;
        let (status, reason) = match self.ended {
            Some((_, status, reason)) => (status, reason),
            None if self.parked || hint.held => (DeliveryStatus::Held, None),
            None => (DeliveryStatus::Pending, None),
        };
        Some(json!({
            "id": id,
            "webhook_id": id.webhook(),
            "event": queued.event,
            "key": queued.key,
            "blocked_behind": hint.behind,
            "status": status.as_str(),
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

fn at_address(mut attempt: Value, address: Option<String>) -> Value {
    attempt["address"] = address.into();
    attempt
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
