//! What somebody asks of the endpoint itself: to be held, to be let go, in which order.

use events::delivery::{
    AbandonReason, Backlog, DisableRule, EndpointDisabled, EndpointEnabled, EndpointPaced,
    EndpointPaused, Event, Standing,
};
use events::webhook::Ordering;
use events::{Actor, Timestamp};

use super::verdict::give_up;
use super::{ABANDONED_MAX, Ledger, Rejection};

impl Ledger {
    pub(super) fn disable(&self, by: &Actor, reason: &str, at: Timestamp) -> Vec<Event> {
        match self.tally.health.standing {
            // Who was first, and why, stays.
            Standing::Disabled { .. } => vec![],
            Standing::Free | Standing::Probing { .. } | Standing::Paused { .. } => {
                let (by, reason) = (by.clone(), reason.to_owned());
                let (rule, held) = (DisableRule::Asked, Some(self.pending() as u64));
                let since = self.tally.health.failing.as_ref().map(|row| row.since);
                vec![EndpointDisabled { rule, reason, by, at, since, held }.into()]
            }
        }
    }

    pub(super) fn pause(&self, by: &Actor, at: Timestamp) -> Result<Vec<Event>, Rejection> {
        match self.tally.health.standing {
            Standing::Paused { .. } => Ok(vec![]),
            Standing::Disabled { .. } => Err(Rejection::Disabled),
            Standing::Free | Standing::Probing { .. } => {
                Ok(vec![EndpointPaused { by: by.clone(), at }.into()])
            }
        }
    }

    pub(super) fn enable(&self, by: &Actor, backlog: Backlog, at: Timestamp) -> Vec<Event> {
        if !self.tally.health.standing.holds() {
            return vec![];
        }
        let unwanted = match backlog {
            Backlog::All => vec![],
            Backlog::NewestPerKey => self.queue.outdated(),
            Backlog::None => self.queue.all().take(ABANDONED_MAX + 1).collect(),
        };
        let fits = unwanted.len() <= ABANDONED_MAX;
        let mut events = give_up(unwanted.into_iter().take(ABANDONED_MAX), AbandonReason::Backlog);
        if fits {
            events.push(EndpointEnabled { backlog, by: by.clone(), at }.into());
        }
        events
    }

    pub(super) fn order(&self, ordering: Ordering) -> Vec<Event> {
        if ordering == self.queue.ordering() {
            return vec![];
        }
        vec![EndpointPaced { ordering }.into()]
    }
}
