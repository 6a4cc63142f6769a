//! One writer at a time for the webhooks of an account: of many who want the same url at once,
//! the first gets it. Between several processes the claims in the log decide.

use std::sync::Arc;

use events::AccountId;
use tokio::sync::{Mutex, MutexGuard};

/// Accounts that share a lock wait for each other, which nobody notices.
const LOCKS: usize = 64;

#[derive(Clone)]
pub(super) struct Turns(Arc<[Mutex<()>; LOCKS]>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(std::array::from_fn(|_| Mutex::new(()))))
    }
}

impl Turns {
    /// Waits until no other request writes the webhooks of this account.
    pub(super) async fn take(&self, account: AccountId) -> MutexGuard<'_, ()> {
        let lock = usize::try_from(account.0 % LOCKS as u64).unwrap_or(0);
        self.0[lock].lock().await
    }
}
