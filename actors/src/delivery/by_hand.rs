//! What somebody asks of single deliveries: to be given up, put aside, or made now.

use events::DeliveryId;
use events::delivery::{AbandonReason, Event, Parked, Reopened, RetryRequested};

use super::verdict::give_up;
use super::{ABANDONED_MAX, Ledger, Rejection};

impl Ledger {
    /// What shall be owed again, with all attempts counted: whoever asks may have looked before the
    /// last of them.
    pub(super) fn reopen(&self, asked: &Reopened) -> Event {
        let known = self.memory.attempts(asked.queued.delivery);
        Reopened { attempts: asked.attempts.max(known), ..asked.clone() }.into()
    }

    pub(super) fn abandon(
        &self,
        delivery: Option<DeliveryId>,
        reason: AbandonReason,
    ) -> Vec<Event> {
        match delivery {
            Some(delivery) => give_up(self.queue.get(delivery).map(|_| delivery), reason),
            None => {
                let all = self.queue.all().take(ABANDONED_MAX);
                give_up(all, reason).into_iter().chain(self.cancel_recoveries()).collect()
            }
        }
    }

    pub(super) fn ask_for(&self, retry: &Reopened) -> Vec<Event> {
        let (delivery, due) = (retry.queued.delivery, retry.queued.due);
        match self.queue.get(delivery) {
            Some(pending) if pending.due <= due && !self.queue.waits(pending) => vec![],
            Some(_) => vec![RetryRequested { delivery, due }.into()],
            None => vec![self.reopen(retry)],
        }
    }

    pub(super) fn park(&self, delivery: DeliveryId) -> Result<Vec<Event>, Rejection> {
        match self.queue.get(delivery) {
            Some(pending) if pending.parked => Ok(vec![]),
            Some(_) => Ok(vec![Parked { delivery }.into()]),
            None => Err(Rejection::Unknown(delivery)),
        }
    }
}
