//! Deliveries that are over and not in the view any more, from the records of their ledger.

use std::collections::{HashMap, HashSet};

use events::delivery::{AbandonReason, AttemptClass, Event as DeliveryEvent, Queued};
use events::{DeliveryId, Event, Recorded, Revision, Timestamp};

use super::{Delivery, DeliveryStatus, Filter};

/// What the end of a ledger tells of those that were queued before it. It keeps no more than there
/// were under way at one time.
#[derive(Debug)]
pub struct Older {
    filter: Filter,
    /// None that was queued behind this place is meant: the view has those.
    left: Revision,
    stories: HashMap<DeliveryId, Story>,
    /// Those that were owed again further on, where they are listed.
    again: HashSet<DeliveryId>,
}

/// What the records behind tell of a delivery: each fact as it was told last.
#[derive(Debug, Default)]
struct Story {
    ended: Option<(DeliveryStatus, Timestamp)>,
    reason: Option<AbandonReason>,
    attempts: Option<u32>,
    last: Option<(AttemptClass, Option<u16>)>,
}

impl Older {
    /// Nothing is known yet of those that are wanted and stand at `left` or before it.
    pub fn new(filter: Filter, left: Revision) -> Self {
        Self { filter, left, stories: HashMap::new(), again: HashSet::new() }
    }

    /// Whether none that is wanted was queued before this record.
    pub fn is_over(&self, record: &Recorded<Event>) -> bool {
        self.filter.after.is_some_and(|after| record.at <= after)
    }

    /// Takes in the record that stands before all that it has seen. If a delivery was queued there
    /// that is over and wanted, this is it.
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
                story.ended.get_or_insert((DeliveryStatus::Delivered, record.at));
                None
            }
            DeliveryEvent::Abandoned(it) => {
                let story = self.of(it.delivery);
                story.ended.get_or_insert((DeliveryStatus::Abandoned, record.at));
                story.reason.get_or_insert(it.reason);
                None
            }
            DeliveryEvent::Reopened(it) => {
                let told = self.opened(record, &it.queued, it.attempts);
                self.again.insert(it.queued.delivery);
                told
            }
            DeliveryEvent::Queued(it) => {
                let told = self.opened(record, it, 0);
                self.again.remove(&it.delivery);
                told
            }
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

    fn of(&mut self, id: DeliveryId) -> &mut Story {
        self.stories.entry(id).or_default()
    }

    fn opened(
        &mut self,
        record: &Recorded<Event>,
        queued: &Queued,
        attempts: u32,
    ) -> Option<Delivery> {
        let story = self.stories.remove(&queued.delivery)?;
        let (status, finished_at) = story.ended?;
        let delivery = Delivery {
            id: queued.delivery,
            event: queued.event.as_str().into(),
            status,
            attempts: story.attempts.unwrap_or(attempts),
            next_attempt_at: None,
            created_at: record.at,
            finished_at: Some(finished_at),
            last_class: story.last.map(|(class, _)| class),
            last_status_code: story.last.and_then(|(_, status)| status),
            revision: record.revision,
            key: queued.key.as_deref().map(Box::from),
            behind: None,
            removed_at: None,
            abandoned_for: story.reason.filter(|_| status == DeliveryStatus::Abandoned),
            reopened: None,
            failed_at: None,
            aside: false,
        };
        let meant = record.revision <= self.left
            && !self.again.contains(&queued.delivery)
            && self.filter.wants(&delivery, status);
        meant.then_some(delivery)
    }
}

impl Story {
    fn attempt(&mut self, number: u32, class: AttemptClass, status: Option<u16>) {
        self.attempts.get_or_insert(number);
        self.last.get_or_insert((class, status));
    }
}
