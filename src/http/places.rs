//! Places for what takes long: so many in all, and so many for one account.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use events::AccountId;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::problem::Problem;
use crate::app::App;

/// As many as there are at once.
#[derive(Debug, Clone)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    taken: Arc<DashMap<Option<AccountId>, usize>>,
    /// Told whenever a place is left.
    left: Arc<Notify>,
    each_max: usize,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    account: Option<AccountId>,
    taken: Arc<DashMap<Option<AccountId>, usize>>,
    left: Arc<Notify>,
    one_of_all: Option<OwnedSemaphorePermit>,
}

/// As many questions about the past as are answered at once, in all and of one account: each reads
/// every stream of it again.
const PASTS_MAX: (usize, usize) = (8, 2);

/// As long as one waits for a place.
const WITHIN: Duration = Duration::from_secs(5);

impl Places {
    /// For questions about the past.
    pub(super) fn of_pasts() -> Self {
        let (all, each) = PASTS_MAX;
        Self::new(all, each)
    }

    /// So many in all, of which one account gets no more than `each_max`.
    pub(super) fn new(all: usize, each_max: usize) -> Self {
        let all = Arc::new(Semaphore::new(all));
        Self { all, taken: Arc::default(), left: Arc::default(), each_max }
    }

    /// A place as soon as there is one.
    ///
    /// # Errors
    /// When there is none for some seconds, or the service stops.
    pub(super) async fn wait(
        &self,
        app: &App,
        account: impl Into<Option<AccountId>>,
    ) -> Result<Place, Problem> {
        let place = timeout(WITHIN, self.next(account.into()));
        app.unless_it_stops(place).await?.map_err(|_| Problem::Busy)
    }

    /// Leaves a place to whoever waits for one, and goes on with the next that there is.
    pub(super) async fn pass(&self, place: Place) -> Place {
        let account = place.account;
        drop(place);
        yield_now().await;
        self.next(account).await
    }

    async fn next(&self, account: Option<AccountId>) -> Place {
        loop {
            // Who leaves while nobody is asking yet is heard too.
            let left = self.left.notified();
            if let Some(place) = self.take(account) {
                return place;
            }
            left.await;
        }
    }

    /// None when there is none left, for this account or at all. Without an account it is for the
    /// installation, which gets no more than an account does.
    pub(super) fn take(&self, account: impl Into<Option<AccountId>>) -> Option<Place> {
        let account = account.into();
        // Who may have none takes none from others, not even for a moment.
        if self.taken.get(&account).is_some_and(|taken| *taken >= self.each_max) {
            return None;
        }
        let permit = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let mut taken = self.taken.entry(account).or_default();
        if *taken >= self.each_max {
            drop(permit);
            // Somebody else may have seen none left meanwhile.
            self.left.notify_waiters();
            return None;
        }
        *taken += 1;
        let (taken, left) = (Arc::clone(&self.taken), Arc::clone(&self.left));
        Some(Place { account, taken, left, one_of_all: Some(permit) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.remove_if_mut(&self.account, |_, taken| {
            *taken -= 1;
            *taken == 0
        });
        drop(self.one_of_all.take());
        self.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
