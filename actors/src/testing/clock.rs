//! A clock that goes with tokio's time, which tests pause.

use events::Timestamp;

use crate::ports::Clock;

/// When every test begins: 2026-11-21T12:00:00Z.
pub(crate) const NOON: Timestamp = Timestamp::from_micros(1_795_262_400_000_000);

/// Noon, and as much later as tokio says.
#[derive(Debug)]
pub(crate) struct TestClock {
    noon: tokio::time::Instant,
}

impl TestClock {
    pub(crate) fn at_noon() -> Self {
        Self { noon: tokio::time::Instant::now() }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        NOON.after(self.noon.elapsed())
    }
}

/// Lets that much paused time go by, every timer in its turn.
pub(crate) async fn pass(time: std::time::Duration) {
    tokio::time::sleep(time).await;
}
