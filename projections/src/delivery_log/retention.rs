//! What of a ledger may be summed up or removed, and what is left of a delivery that was.

use std::collections::VecDeque;
use std::time::Duration;

use events::delivery::{Event as DeliveryEvent, Outcome, SummedUp, Trim, Trimmed};
use events::{DeliveryId, EndpointId, Event, Recorded, Revision, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Delivery, DeliveryLog, DeliveryStatus, FINISHED_MAX, Ledger};

/// What is kept of one ledger.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Since when something has happened that is not summed up.
    unsummed_since: Option<Timestamp>,
    /// The oldest first, none that was removed.
    summaries: VecDeque<Summary>,
    trimmed: Option<Trim>,
}

/// Where a ledger was summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Summary {
    revision: Revision,
    /// When everything was over that was queued before it: as far as is known, and not before it
    /// was written. What was removed is kept from then on.
    over_at: Timestamp,
}

/// What there is to be done for one ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upkeep {
    /// Whose.
    pub endpoint: EndpointId,
    /// Whether it may be summed up.
    pub sum_up: bool,
    /// The summary before which nothing has to be kept any more.
    pub cut: Option<Revision>,
    /// What was removed last.
    pub trimmed: Option<Trim>,
}

impl Kept {
    pub(super) fn take(&mut self, at: Timestamp, event: &DeliveryEvent) {
        match event {
            DeliveryEvent::SummedUp(_) => self.unsummed_since = None,
            DeliveryEvent::Trimmed(_) | DeliveryEvent::Removed(_) => {}
            DeliveryEvent::Queued(_)
            | DeliveryEvent::AttemptFailed(_)
            | DeliveryEvent::Delivered(_)
            | DeliveryEvent::Abandoned(_)
            | DeliveryEvent::RetryRequested(_)
            | DeliveryEvent::Reopened(_)
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
            | DeliveryEvent::RecoveryCancelled(_) => {
                self.unsummed_since.get_or_insert(at);
            }
        }
    }

    /// A delivery that was queued here has ended.
    pub(super) fn ended(&mut self, queued: Revision, at: Timestamp) {
        for summary in self.summaries.iter_mut().rev().take_while(|it| it.revision > queued) {
            summary.over_at = summary.over_at.max(at);
        }
    }

    /// What was removed last.
    pub(super) fn trimmed(&self) -> Option<Trim> {
        self.trimmed
    }

    /// Whether the log still has what stands here.
    pub(super) fn has(&self, revision: Revision) -> bool {
        self.trimmed.is_none_or(|trim| revision >= trim.before)
    }

    /// The newest summary before which everything was over so long ago.
    fn cut(&self, now: Timestamp, keep: Duration) -> Option<Revision> {
        let old = |summary: &&Summary| now.since(summary.over_at) >= keep;
        self.summaries.iter().take_while(old).last().map(|summary| summary.revision)
    }
}

impl DeliveryLog {
    /// What there is to be done where everything is kept for so long and summed up so often.
    pub fn upkeep(&self, now: Timestamp, keep: Duration, every: Duration) -> Vec<Upkeep> {
        let ledgers = self.ledgers.iter().map(|(endpoint, ledger)| {
            let kept = &ledger.kept;
            Upkeep {
                endpoint: *endpoint,
                sum_up: kept.unsummed_since.is_some_and(|since| now.since(since) >= every),
                cut: kept.cut(now, keep).filter(|cut| ledger.is_over_before(*cut)),
                trimmed: kept.trimmed,
            }
        });
        ledgers.collect()
    }

    /// How deliveries ended that were queued before this revision, those that ended last, in the
    /// order in which they did. Half of the places are for those that were abandoned, where there
    /// are as many: however many were delivered since, somebody may have to see to them.
    pub fn outcomes(&self, endpoint: EndpointId, before: Revision) -> Vec<Outcome> {
        let Some(ledger) = self.ledgers.get(&endpoint) else { return vec![] };
        let ended = ledger.ended.all().filter(|revision| *revision < before);
        let outcomes = ended.filter_map(|revision| outcome(ledger.deliveries.get(&revision)?));
        let (delivered, abandoned): (Vec<_>, Vec<_>) = outcomes.partition(|it| it.delivered);
        // They are told in one record.
        let of_delivered = delivered.len().min(FINISHED_MAX / 2);
        let mut outcomes = last(abandoned, FINISHED_MAX - of_delivered);
        outcomes.extend(last(delivered, FINISHED_MAX - outcomes.len()));
        outcomes.sort_by_key(|outcome| outcome.finished_at);
        outcomes
    }

    /// What retention removed of an endpoint's ledger.
    pub fn trimmed(&self, endpoint: EndpointId) -> Option<Trim> {
        self.ledgers.get(&endpoint)?.kept.trimmed
    }

    /// When body and attempts of a delivery were removed; of one that is not known by itself, when
    /// anything of its ledger was, none where that is whole.
    pub fn removed_at(&self, id: DeliveryId) -> Option<Timestamp> {
        match self.delivery(id) {
            Some(delivery) => delivery.removed_at,
            None => self.trimmed(id.endpoint()).map(|trim| trim.at),
        }
    }
}

/// The last so many, in the order of finishing.
fn last(mut outcomes: Vec<Outcome>, count: usize) -> Vec<Outcome> {
    outcomes.sort_by_key(|outcome| outcome.finished_at);
    outcomes.split_off(outcomes.len().saturating_sub(count))
}

fn outcome(delivery: &Delivery) -> Option<Outcome> {
    let delivered = match delivery.status {
        DeliveryStatus::Delivered => true,
        DeliveryStatus::Abandoned => false,
        DeliveryStatus::Pending | DeliveryStatus::Held => return None,
    };
    Some(Outcome {
        delivery: delivery.id,
        event: delivery.event.to_string(),
        revision: delivery.revision,
        key: delivery.key.as_deref().map(str::to_owned),
        attempts: delivery.attempts,
        created_at: delivery.created_at,
        finished_at: delivery.finished_at?,
        delivered,
        reason: delivery.abandoned_for,
        last_class: delivery.last_class,
        last_status_code: delivery.last_status_code,
    })
}

fn status(outcome: &Outcome) -> DeliveryStatus {
    if outcome.delivered { DeliveryStatus::Delivered } else { DeliveryStatus::Abandoned }
}

impl Ledger {
    /// Whether nothing is owed that was queued before this revision.
    fn is_over_before(&self, cut: Revision) -> bool {
        self.deliveries.range(..cut).all(|(_, delivery)| delivery.finished_at.is_some())
    }

    /// What holds from here on; for who has seen everything it did already.
    pub(super) fn summed_up(&mut self, record: &Recorded<Event>, summed: &SummedUp) {
        self.ordering = summed.ordering;
        self.holds = summed.tally.health.standing.holds();
        self.kept.trimmed = summed.trimmed;
        self.kept.summaries.push_back(Summary { revision: record.revision, over_at: record.at });
    }

    pub(super) fn trim(&mut self, trimmed: &Trimmed) {
        let Trimmed { trim, outcomes } = trimmed;
        self.kept.trimmed = Some(*trim);
        self.kept.summaries.retain(|summary| summary.revision >= trim.before);
        for outcome in outcomes.iter().rev() {
            // Known and not over: its end is among what a node missed.
            if self.delivery(outcome.delivery).is_some_and(|known| known.finished_at.is_none()) {
                self.forget(outcome.delivery);
            }
            let known = self.places.contains_key(&outcome.delivery);
            if !known && self.ended.has_room(status(outcome)) {
                self.bring_back(outcome);
            }
        }
        let removed: Vec<_> =
            self.deliveries.range(..trim.before).map(|(_, it)| (it.id, it.reopened)).collect();
        self.ended.removed_before(trim.before);
        self.afar.removed_before(trim.before);
        for (id, reopened) in removed {
            match reopened.filter(|revision| *revision >= trim.before) {
                // Body and last attempts stand there.
                Some(revision) => self.move_to(id, revision),
                None => match self.delivery(id) {
                    Some(known) if known.finished_at.is_some() => {
                        known.removed_at.get_or_insert(trim.at);
                        // Nobody looks for what is told of it.
                        (known.attempted, known.over) = (known.revision, known.revision);
                    }
                    Some(_) | None => self.forget(id),
                },
            }
        }
    }

    fn forget(&mut self, id: DeliveryId) {
        if let Some(revision) = self.places.remove(&id) {
            self.deliveries.remove(&revision);
            self.ended.forget(revision);
        }
    }

    fn move_to(&mut self, id: DeliveryId, revision: Revision) {
        let Some(was) = self.places.insert(id, revision) else { return };
        if let Some(delivery) = self.deliveries.remove(&was) {
            self.deliveries.insert(revision, Delivery { revision, ..delivery });
        }
        self.ended.move_to(was, revision);
    }

    /// One that ended before everything that is known.
    fn bring_back(&mut self, outcome: &Outcome) {
        let Outcome { delivery: id, revision, .. } = outcome.clone();
        let status = status(outcome);
        let delivery = Delivery {
            id,
            event: outcome.event.as_str().into(),
            status,
            attempts: outcome.attempts,
            next_attempt_at: None,
            created_at: outcome.created_at,
            finished_at: Some(outcome.finished_at),
            last_class: outcome.last_class,
            last_status_code: outcome.last_status_code,
            revision,
            key: outcome.key.as_deref().map(Box::from),
            behind: None,
            removed_at: None,
            abandoned_for: outcome.reason,
            reopened: None,
            often: false,
            failed_at: None,
            aside: false,
            stray: false,
            attempted: revision,
            over: revision,
        };
        self.places.insert(id, revision);
        self.deliveries.insert(revision, delivery);
        self.ended.bring_back(revision, status);
    }
}
