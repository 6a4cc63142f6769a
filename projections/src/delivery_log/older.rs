//! Deliveries that are over and not in the view any more, from the records of their ledger.

use std::collections::HashMap;

use events::delivery::{AbandonReason, AttemptClass, Event as DeliveryEvent, Queued};
use events::{DeliveryId, Event, Recorded, Revision, Timestamp};

use super::{Delivery, DeliveryStatus};

/// What the end of a ledger tells of those that were queued before it. It keeps no more than there
/// were under way at one time.
#[derive(Debug, Default, Clone)]
pub struct Older {
    stories: HashMap<DeliveryId, Story>,
}

/// What the records behind tell of a delivery: each fact as it was told last.
#[derive(Debug, Default, Clone)]
struct Story {
    ended: Option<(DeliveryStatus, Timestamp)>,
    reason: Option<AbandonReason>,
    attempts: Option<u32>,
    last: Option<(AttemptClass, Option<u16>)>,
    /// Where it was owed again last: how it had ended before is past.
    reopened: Option<Revision>,
}

impl Older {
    /// Takes in the record that stands before all that it has seen. If a delivery was queued there
    /// that is over, this is it. One that was owed again is told where the view lists it, too:
    /// where it was queued first. Where retention has removed that, it was over for long enough.
    pub fn take(&mut self, record: &Recorded<Event>) -> Option<Delivery> {
        let Event::Delivery(event) = &record.event else { return None };
        match event {
            DeliveryEvent::AttemptFailed(it) => {
                let status = it.response.as_ref().map(|response| response.status);
                self.of(it.delivery).attempt(it.attempt, it.class, status);
                None
            }
            DeliveryEvent::Delivered(it) => {
                let story = self.of(it.delivery);
                story.attempt(it.attempt, AttemptClass::Ok, Some(it.response.status));
                story.end(DeliveryStatus::Delivered, record.at, None);
                None
            }
            DeliveryEvent::Abandoned(it) => {
                let reason = Some(it.reason);
                self.of(it.delivery).end(DeliveryStatus::Abandoned, record.at, reason);
                None
            }
            DeliveryEvent::Reopened(it) => {
                self.of(it.queued.delivery).reopened.get_or_insert(record.revision);
                None
            }
            DeliveryEvent::Queued(it) => self.opened(record, it),
            DeliveryEvent::RetryRequested(_)
            | DeliveryEvent::Parked(_)
            | DeliveryEvent::EndpointPaced(_)
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
            | DeliveryEvent::Removed(_) => None,
        }
    }

    /// The same, with what `newer` has taken in of the records behind all of its own.
    pub fn behind(mut self, newer: Self) -> Self {
        for (id, newer) in newer.stories {
            let story = self.stories.remove(&id).unwrap_or_default();
            self.stories.insert(id, story.behind(newer));
        }
        self
    }

    fn of(&mut self, id: DeliveryId) -> &mut Story {
        self.stories.entry(id).or_default()
    }

    fn opened(&mut self, record: &Recorded<Event>, queued: &Queued) -> Option<Delivery> {
        let story = self.stories.remove(&queued.delivery)?;
        let (status, finished_at) = story.ended?;
        Some(Delivery {
            id: queued.delivery,
            event: queued.event.as_str().into(),
            status,
            attempts: story.attempts.unwrap_or(0),
            next_attempt_at: None,
            created_at: record.at,
            finished_at: Some(finished_at),
            last_class: story.last.map(|(class, _)| class),
            last_status_code: story.last.and_then(|(_, status)| status),
            revision: record.revision,
            key: queued.key.as_deref().map(Box::from),
            behind: None,
            removed_at: None,
            abandoned_for: story.reason,
            reopened: story.reopened,
            failed_at: None,
            aside: false,
        })
    }
}

impl Story {
    fn attempt(&mut self, number: u32, class: AttemptClass, status: Option<u16>) {
        self.attempts.get_or_insert(number);
        self.last.get_or_insert((class, status));
    }

    fn end(&mut self, status: DeliveryStatus, at: Timestamp, reason: Option<AbandonReason>) {
        if self.ended.is_none() && self.reopened.is_none() {
            (self.ended, self.reason) = (Some((status, at)), reason);
        }
    }

    fn behind(self, newer: Self) -> Self {
        let told = newer.ended.is_some() || newer.reopened.is_some();
        let (ended, reason) =
            if told { (newer.ended, newer.reason) } else { (self.ended, self.reason) };
        Self {
            ended,
            reason,
            attempts: newer.attempts.or(self.attempts),
            last: newer.last.or(self.last),
            reopened: newer.reopened.or(self.reopened),
        }
    }
}
