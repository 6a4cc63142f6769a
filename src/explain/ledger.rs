//! What a ledger tells of one delivery.

use events::delivery::{AttemptClass, Event as DeliveryEvent, Queued, Response};
use events::store::{PAGE_MAX, Slice, is_last};
use events::{
    Category, DeliveryId, Event, EventStore, Failure, Record, Revision, StreamName, Timestamp,
};

use crate::rendering::{Rendered, render};

/// Everything that the ledger's stream says of the delivery, in its order.
#[derive(Default)]
pub(super) struct Told {
    /// What is to be delivered, and the record that says so.
    pub(super) queued: Option<(Record, Queued)>,
    pub(super) attempts: Vec<Tried>,
    pub(super) history: Vec<Rendered>,
}

/// An attempt that has ended.
pub(super) struct Tried {
    pub(super) number: u32,
    pub(super) at: Timestamp,
    pub(super) duration_us: u64,
    pub(super) class: AttemptClass,
    pub(super) detail: Option<String>,
    pub(super) response: Option<Response>,
    pub(super) address: Option<String>,
}

impl Told {
    /// To the end of the stream: what has ended may have been taken up again.
    pub(super) async fn read(
        store: &dyn EventStore,
        id: DeliveryId,
        from: Option<Revision>,
    ) -> Result<Self, Failure> {
        let stream = StreamName::new(Category::Ledger, id.endpoint());
        let mut told = Self::default();
        let mut from = from.unwrap_or(Revision::FIRST);
        loop {
            let page = store.read_stream(&stream, Slice::From(from), PAGE_MAX).await?;
            let Some(last) = page.last().map(|last| last.revision) else { return Ok(told) };
            let end = is_last(&page, PAGE_MAX);
            for record in page {
                told.take(id, record);
            }
            if end {
                return Ok(told);
            }
            from = last.next();
        }
    }

    /// A record that this build does not understand tells nothing.
    fn take(&mut self, id: DeliveryId, record: Record) {
        let Ok(recorded) = record.clone().decode() else { return };
        let Event::Delivery(event) = recorded.event else { return };
        if event.delivery() != Some(id) {
            return;
        }
        self.history.push(render(&record));
        if let DeliveryEvent::Queued(queued) = event {
            self.queued = Some((record, queued));
        } else if let DeliveryEvent::Reopened(it) = event {
            self.queued.get_or_insert((record, it.queued));
        } else if let DeliveryEvent::AttemptFailed(it) = event {
            self.attempts.push(Tried {
                number: it.attempt,
                at: it.started_at,
                duration_us: it.duration_us,
                class: it.class,
                detail: Some(it.detail),
                response: it.response,
                address: it.address,
            });
        } else if let DeliveryEvent::Delivered(it) = event {
            self.attempts.push(Tried {
                number: it.attempt,
                at: it.started_at,
                duration_us: it.duration_us,
                class: AttemptClass::Ok,
                detail: None,
                response: Some(it.response),
                address: it.address,
            });
        }
    }
}
