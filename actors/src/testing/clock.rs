//! A clock that goes with tokio's time, which tests pause.

use std::sync::atomic::{AtomicI64, Ordering};

use events::Timestamp;

use crate::ports::Clock;

/// When every test begins: 2026-11-21T12:00:00Z.
pub(crate) const NOON: Timestamp = Timestamp::from_micros(1_795_262_400_000_000);

/// Noon, and as much later as tokio says.
#[derive(Debug)]
pub(crate) struct TestClock {
    noon: tokio::time::Instant,
    /// In microseconds.
    ahead: AtomicI64,
}

impl TestClock {
    pub(crate) fn at_noon() -> Self {
        Self { noon: tokio::time::Instant::now(), ahead: AtomicI64::new(0) }
    }

    /// Sets it that many seconds ahead, or back, while tokio's time goes on as before.
    pub(crate) fn jump(&self, seconds: i64) {
        self.ahead.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let now = NOON.after(self.noon.elapsed()).as_micros();
        Timestamp::from_micros(now + self.ahead.load(Ordering::SeqCst))
    }
}

/// Lets that much paused time go by, every timer in its turn.
pub(crate) async fn pass(time: std::time::Duration) {
    tokio::time::sleep(time).await;
}
