//! The clock of the machine: the only file that asks what time it is.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actors::ports::Clock;
use events::Timestamp;

/// A clock that is put back by less is only put right.
const WORTH_A_LINE: Duration = Duration::from_secs(1);

/// The latest moment that any part of the process was told.
static LATEST: AtomicI64 = AtomicI64::new(i64::MIN);

/// The machine's wall clock, in UTC.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the adapter of the clock port")]
    fn now(&self) -> Timestamp {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        };
        if let Some(back) = put_back(&LATEST, micros) {
            tracing::warn!(
                "the machine's clock was put back by {back:?}; what is due at a moment that was \
                 named before comes at that moment, and so as much later"
            );
        }
        Timestamp::from_micros(micros)
    }
}

/// By how much it was put back since somebody looked last, where that is much; told once.
fn put_back(latest: &AtomicI64, now: i64) -> Option<Duration> {
    let before = latest.fetch_max(now, Ordering::Relaxed);
    let back = Duration::from_micros(u64::try_from(before.checked_sub(now)?).ok()?);
    if back < WORTH_A_LINE {
        return None;
    }
    let told = latest.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed);
    told.ok().map(|_| back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_after_this_was_written() {
        let written: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
        assert!(SystemClock.now() > written);
    }

    #[test]
    fn that_it_was_put_back_by_much_is_told_once() {
        let (latest, second) = (AtomicI64::new(i64::MIN), 1_000_000);
        let told = [10, 20, 19, 9, 9, 15, 14].map(|at| put_back(&latest, at * second + at));
        let seconds = told.map(|back| back.map(|back| back.as_secs()));
        assert_eq!(seconds, [None, None, Some(1), Some(10), None, None, Some(1)]);
        assert_eq!(put_back(&latest, 14 * second - second / 2), None, "it is put right");
    }
}
