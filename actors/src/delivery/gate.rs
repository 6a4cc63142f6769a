//! What keeps one endpoint from more attempts than it wants, at once and in a second, and from any
//! that its ledger no longer wants to be made.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use events::delivery::Standing;
use events::{DeliveryId, Timestamp};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::{Ledger, OwedAttempt};
use crate::ports::Clock;

/// The settings of one endpoint at work; cheap to clone.
#[derive(Clone)]
pub(super) struct Gate(Arc<Flow>);

struct Flow {
    permits: Semaphore,
    pace: Mutex<Pace>,
    /// When the next attempt may begin; locked by the one that stands next in line.
    next: tokio::sync::Mutex<Option<Instant>>,
    /// In microseconds; what has not begun by now does not begin before.
    stopped_until: AtomicI64,
    /// When the last attempt began that went through here, in microseconds.
    begun: AtomicI64,
    /// When the last attempt began that another process made and the ledger tells of.
    elsewhere: Mutex<Option<Instant>>,
    /// The delivery that the endpoint is probed with, if any; unknown before the ledger was heard.
    prober: Mutex<Option<Option<DeliveryId>>>,
    /// See [`Ledger::withdrawn`]; unknown before the ledger was heard.
    withdrawn: Mutex<Option<u64>>,
}

/// How many at once, and how many a second.
struct Pace {
    width: usize,
    rate: Option<u32>,
    /// As many more are inside as may be: whoever leaves next, nobody comes in its place.
    surplus: usize,
    /// Raised whenever it becomes another.
    changes: u64,
}

/// A place inside; dropped, it is the next one's.
pub(super) struct Slot<'a> {
    flow: &'a Flow,
    permit: Option<SemaphorePermit<'a>>,
    /// The pace that it came in at.
    changes: u64,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut pace = lock(&self.flow.pace);
        let permit = self.permit.take();
        if pace.surplus > 0 {
            pace.surplus -= 1;
            permit.into_iter().for_each(SemaphorePermit::forget);
        }
    }
}

impl Gate {
    /// A new one; where there is a rate, nothing begins before that moment.
    pub(super) fn new(width: usize, from: Instant) -> Self {
        Self(Arc::new(Flow {
            permits: Semaphore::new(width),
            pace: Mutex::new(Pace { width, rate: None, surplus: 0, changes: 0 }),
            next: tokio::sync::Mutex::new(Some(from)),
            stopped_until: AtomicI64::new(0),
            begun: AtomicI64::new(0),
            elsewhere: Mutex::default(),
            prober: Mutex::default(),
            withdrawn: Mutex::default(),
        }))
    }

    /// Waits for a place inside.
    pub(super) async fn enter(&self) -> Slot<'_> {
        let permit = self.0.permits.acquire().await.expect("nobody closes it");
        let changes = lock(&self.0.pace).changes;
        Slot { flow: &self.0, permit: Some(permit), changes }
    }

    /// Whether it was as wide and as fast as that when that one came in; if not it is so from here
    /// on, and whoever is inside has to come in again.
    pub(super) fn fits(&self, slot: &Slot<'_>, width: usize, rate: Option<u32>) -> bool {
        let mut pace = lock(&self.0.pace);
        if (pace.width, pace.rate) != (width, rate) {
            let more = width.saturating_sub(pace.width);
            let less = pace.width.saturating_sub(width);
            let taken_back = more.min(pace.surplus);
            self.0.permits.add_permits(more - taken_back);
            let left = less - self.0.permits.forget_permits(less);
            pace.surplus = pace.surplus - taken_back + left;
            (pace.width, pace.rate) = (width, rate);
            pace.changes += 1;
        }
        slot.changes == pace.changes
    }

    /// Opens or stops it as the ledger says: attempts wait here that were owed when they came. And
    /// heeds what others began, who worked the ledger before: the rate is the endpoint's.
    pub(super) fn heed(&self, ledger: &Ledger, now: Timestamp) {
        if let Some(attempted) = ledger.attempted_at()
            && attempted.as_micros() > self.0.begun.load(Ordering::Relaxed)
        {
            *lock(&self.0.elsewhere) = Instant::now().checked_sub(now.since(attempted));
        }
        let health = ledger.health();
        let until = match health.standing {
            Standing::Free => health.throttled_until.map_or(0, Timestamp::as_micros),
            Standing::Probing { .. } | Standing::Paused { .. } | Standing::Disabled { .. } => {
                i64::MAX
            }
        };
        self.0.stopped_until.store(until, Ordering::Relaxed);
        *lock(&self.0.prober) = Some(ledger.prober());
        *lock(&self.0.withdrawn) = Some(ledger.withdrawn);
    }

    /// Whether the ledger may have said since that this one shall not begin. It owes it again if
    /// it has not.
    pub(super) fn is_stopped(&self, owed: &OwedAttempt, clock: &dyn Clock) -> bool {
        let withdrawn = lock(&self.0.withdrawn).is_some_and(|it| it != owed.withdrawn);
        match owed.probe {
            Some(_) => !self.probes(owed.delivery),
            None => withdrawn || self.is_stopped_at(clock),
        }
    }

    fn is_stopped_at(&self, clock: &dyn Clock) -> bool {
        let until = self.0.stopped_until.load(Ordering::Relaxed);
        // It is asked of every attempt, and most endpoints are never stopped.
        until != 0 && clock.now().as_micros() < until
    }

    /// Whether the endpoint may be probed with this one once more without asking the ledger.
    pub(super) fn probes(&self, delivery: DeliveryId) -> bool {
        lock(&self.0.prober).is_none_or(|prober| prober == Some(delivery))
    }

    /// An attempt begins that came through here.
    pub(super) fn begin(&self, now: Timestamp) {
        self.0.begun.fetch_max(now.as_micros(), Ordering::Relaxed);
    }

    /// Waits for a turn, and then for whatever else is needed to begin; the turn counts from there.
    /// Turns are as far apart as the rate says, so that there is no second with more of them,
    /// whichever one looks at; who is late is let through at once, once.
    pub(super) async fn turn<T>(&self, begin: impl Future<Output = T>) -> T {
        let rate = lock(&self.0.pace).rate.filter(|rate| *rate > 0);
        let Some(rate) = rate else { return begin.await };
        let apart = Duration::from_secs(1) / rate;
        let mut next = self.0.next.lock().await;
        let elsewhere = lock(&self.0.elsewhere).take().map(|at| at + apart);
        *next = (*next).max(elsewhere);
        if let Some(next) = *next {
            tokio::time::sleep_until(next).await;
        }
        let begun = begin.await;
        let now = Instant::now();
        let earliest = now.checked_sub(apart).unwrap_or(now);
        *next = Some(next.map_or(now, |next| next.max(earliest)) + apart);
        begun
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
