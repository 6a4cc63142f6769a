//! Places for what takes long: so many in all, and so many for one account.

use std::sync::Arc;

use dashmap::DashMap;
use events::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// As many as there are at once.
#[derive(Debug, Clone)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    taken: Arc<DashMap<Option<AccountId>, usize>>,
    each_max: usize,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    account: Option<AccountId>,
    taken: Arc<DashMap<Option<AccountId>, usize>>,
    _one_of_all: OwnedSemaphorePermit,
}

/// As many questions about the past as are answered at once, in all and of one account: each reads
/// every stream of it again.
const PASTS_MAX: (usize, usize) = (8, 2);

impl Places {
    /// For questions about the past.
    pub(super) fn of_pasts() -> Self {
        let (all, each) = PASTS_MAX;
        Self::new(all, each)
    }

    /// So many in all, of which one account gets no more than `each_max`.
    pub(super) fn new(all: usize, each_max: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), taken: Arc::default(), each_max }
    }

    /// None when there is none left, for this account or at all. Without an account it is for the
    /// installation, which gets no more than an account does.
    pub(super) fn take(&self, account: impl Into<Option<AccountId>>) -> Option<Place> {
        let account = account.into();
        let permit = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let mut taken = self.taken.entry(account).or_default();
        if *taken >= self.each_max {
            return None;
        }
        *taken += 1;
        Some(Place { account, taken: Arc::clone(&self.taken), _one_of_all: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.remove_if_mut(&self.account, |_, taken| {
            *taken -= 1;
            *taken == 0
        });
    }
}

#[cfg(test)]
mod tests;
