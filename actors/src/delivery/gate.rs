//! What keeps one endpoint from more attempts than it wants, at once and in a second, and from any
//! that its ledger no longer wants to be made.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use events::delivery::Standing;
use events::{DeliveryId, Timestamp};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::Ledger;

/// The settings of one endpoint at work; cheap to clone.
#[derive(Clone)]
pub(super) struct Gate {
    width: usize,
    rate: Option<u32>,
    pub(super) permits: Arc<Semaphore>,
    flow: Arc<Flow>,
}

/// What outlives a change of the settings.
#[derive(Default)]
struct Flow {
    /// In microseconds; what has not begun by now does not begin before.
    stopped_until: AtomicI64,
    /// When the next attempt may begin.
    next: Mutex<Option<Instant>>,
    /// The delivery that the endpoint is probed with, if any; unknown before the ledger was heard.
    prober: Mutex<Option<Option<DeliveryId>>>,
}

impl Gate {
    /// A new one; where there is a rate, nothing begins before that moment.
    pub(super) fn new(width: usize, from: Instant) -> Self {
        let flow = Flow { next: Mutex::new(Some(from)), ..Flow::default() };
        Self::with(width, None, Arc::new(flow))
    }

    fn with(width: usize, rate: Option<u32>, flow: Arc<Flow>) -> Self {
        Self { width, rate, permits: Arc::new(Semaphore::new(width)), flow }
    }

    /// Whether it is as wide and as fast as that; if not it becomes so, and whoever came through
    /// it has to come through it again.
    pub(super) fn fit(&mut self, width: usize, rate: Option<u32>) {
        if (self.width, self.rate) != (width, rate) {
            *self = Self::with(width, rate, self.flow.clone());
        }
    }

    /// Whether both are the same place.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.permits, &other.permits)
    }

    /// Opens or stops it as the ledger says: attempts wait here that were owed when they came.
    pub(super) fn heed(&self, ledger: &Ledger) {
        let health = ledger.health();
        let until = match health.standing {
            Standing::Free => health.throttled_until.map_or(0, Timestamp::as_micros),
            Standing::Probing { .. } | Standing::Paused { .. } | Standing::Disabled { .. } => {
                i64::MAX
            }
        };
        self.flow.stopped_until.store(until, Ordering::Relaxed);
        *lock(&self.flow.prober) = Some(ledger.prober());
    }

    /// Whether the endpoint may be probed with this one once more without asking the ledger.
    pub(super) fn probes(&self, delivery: DeliveryId) -> bool {
        lock(&self.flow.prober).is_none_or(|prober| prober == Some(delivery))
    }

    pub(super) fn is_stopped(&self, now: Timestamp) -> bool {
        now.as_micros() < self.flow.stopped_until.load(Ordering::Relaxed)
    }

    /// Waits for a turn. Turns are as far apart as the rate says, so that there is no second with
    /// more of them, whichever one looks at; who is late is let through at once, once.
    pub(super) async fn turn(&self) {
        let Some(rate) = self.rate.filter(|rate| *rate > 0) else { return };
        let apart = Duration::from_secs(1) / rate;
        let now = Instant::now();
        let turn = {
            let mut next = lock(&self.flow.next);
            let earliest = now.checked_sub(apart).unwrap_or(now);
            let turn = next.map_or(now, |next| next.max(earliest));
            *next = Some(turn + apart);
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
