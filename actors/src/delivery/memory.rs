//! Deliveries that a ledger knows again although they have ended.

use std::collections::{BTreeMap, VecDeque};

use events::DeliveryId;
use serde::{Deserialize, Serialize};

use super::REMEMBERED_MAX;

/// Those queued last.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The oldest first.
    recent: VecDeque<DeliveryId>,
    /// The same, and how many attempts of each have ended: one that is brought back counts on.
    attempts: BTreeMap<DeliveryId, u32>,
}

impl Memory {
    pub(super) fn knows(&self, delivery: DeliveryId) -> bool {
        self.attempts.contains_key(&delivery)
    }

    /// As many attempts as have ended; none of what it does not know.
    pub(super) fn attempts(&self, delivery: DeliveryId) -> u32 {
        self.attempts.get(&delivery).copied().unwrap_or(0)
    }

    pub(super) fn remember(&mut self, delivery: DeliveryId) {
        if self.knows(delivery) {
            return;
        }
        self.attempts.insert(delivery, 0);
        if self.recent.len() == REMEMBERED_MAX
            && let Some(oldest) = self.recent.pop_front()
        {
            self.attempts.remove(&oldest);
        }
        self.recent.push_back(delivery);
    }

    /// All of it, the oldest first.
    pub(super) fn all(&self) -> Vec<(DeliveryId, u32)> {
        self.recent.iter().map(|delivery| (*delivery, self.attempts(*delivery))).collect()
    }

    /// Of whoever remembered all of these.
    pub(super) fn of(all: &[(DeliveryId, u32)]) -> Self {
        let recent = all.iter().map(|(delivery, _)| *delivery).collect();
        Self { recent, attempts: all.iter().copied().collect() }
    }

    /// An attempt of it has ended.
    pub(super) fn attempted(&mut self, delivery: DeliveryId, attempt: u32) {
        if let Some(attempts) = self.attempts.get_mut(&delivery) {
            *attempts = attempt.max(*attempts);
        }
    }
}
