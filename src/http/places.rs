//! Places for what takes long: so many in all, and so many for one account.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use events::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::problem::Problem;
use crate::app::App;

/// As many as there are at once. Whoever waits gets one in the order in which they came.
#[derive(Debug, Clone)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    accounts: Arc<Accounts>,
    each_max: usize,
}

/// Those of whom anybody has a place or waits for one. None is the installation.
type Accounts = DashMap<Option<AccountId>, Own>;

#[derive(Debug)]
struct Own {
    places: Arc<Semaphore>,
    /// As many as have a place or wait for one.
    here: usize,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    /// Before it is forgotten who they were of.
    permits: [OwnedSemaphorePermit; 2],
    one: One,
}

/// One of an account who has a place or waits for one.
#[derive(Debug)]
struct One {
    account: Option<AccountId>,
    own: Arc<Semaphore>,
    accounts: Arc<Accounts>,
}

/// As many questions about the past as are answered at once, in all and of one account: each reads
/// every stream of it again.
const PASTS_MAX: (usize, usize) = (8, 2);

/// As many of one account as wait for a place.
const WAITING_MAX: usize = 32;

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
        Self { all: Arc::new(Semaphore::new(all)), accounts: Arc::default(), each_max }
    }

    /// A place as soon as there is one.
    ///
    /// # Errors
    /// When there is none for some seconds, or too many wait already, or the service stops.
    pub(super) async fn wait(
        &self,
        app: &App,
        account: impl Into<Option<AccountId>>,
    ) -> Result<Place, Problem> {
        let one = self.one(account.into()).ok_or(Problem::Busy)?;
        let place = timeout(WITHIN, self.next(one));
        app.unless_it_stops(place).await?.map_err(|_| Problem::Busy)
    }

    /// Leaves a place to whoever waits for one, and goes on with the next behind them. As nobody
    /// is let in for it, those before it are no more than may wait.
    pub(super) async fn pass(&self, place: Place) -> Place {
        // Whoever is about to ask is before it, too.
        yield_now().await;
        let Place { permits, one } = place;
        drop(permits);
        self.next(one).await
    }

    /// Who waits for others of the account keeps none from those of other accounts.
    async fn next(&self, one: One) -> Place {
        let own = one.own.clone().acquire_owned().await.expect("nobody closes it");
        let of_all = self.all.clone().acquire_owned().await.expect("nobody closes it");
        Place { permits: [own, of_all], one }
    }

    /// None when there is none left, for this account or at all. Without an account it is for the
    /// installation, which gets no more than an account does.
    pub(super) fn take(&self, account: impl Into<Option<AccountId>>) -> Option<Place> {
        let one = self.one(account.into())?;
        let own = one.own.clone().try_acquire_owned().ok()?;
        let of_all = self.all.clone().try_acquire_owned().ok()?;
        Some(Place { permits: [own, of_all], one })
    }

    /// None when too many of the account are here already.
    fn one(&self, account: Option<AccountId>) -> Option<One> {
        let new = || Own { places: Arc::new(Semaphore::new(self.each_max)), here: 0 };
        let mut own = self.accounts.entry(account).or_insert_with(new);
        if own.here >= self.each_max.saturating_add(WAITING_MAX) {
            return None;
        }
        own.here += 1;
        Some(One { account, own: own.places.clone(), accounts: self.accounts.clone() })
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.accounts.remove_if_mut(&self.account, |_, own| {
            own.here -= 1;
            own.here == 0
        });
    }
}

#[cfg(test)]
mod tests;
