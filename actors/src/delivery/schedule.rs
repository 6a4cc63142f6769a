//! How long to wait before the next attempt.

use std::time::Duration;

use events::{DeliveryId, Timestamp};

/// The first wait after a fault of ours; each further one is twice as long.
const OURS_FIRST: Duration = Duration::from_secs(5);

/// The longest wait after a fault of ours.
const OURS_MAX: Duration = Duration::from_secs(3600);

/// As much longer than usual whoever is not found or not believed is left alone: somebody has to
/// change something before it can work again.
const SLOWER: u32 = 5;

/// The longest wait, whoever asks for it: what a receiver names in `Retry-After` is obeyed up to
/// here.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// The shortest wait that a receiver can ask for; it costs nothing, so it must not be nothing.
const ASKED_MIN: Duration = Duration::from_secs(1);

/// The time between two probes of an endpoint that is failing: whatever was down, and however
/// long, is found within about a second of its recovery.
pub(super) const PROBE_EVERY: Duration = Duration::from_secs(1);

/// The shortest and the longest time between two probes that are written although they fail as
/// the one before did.
const WORDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// One is written after this part of the time that it has been failing: what is down for a day
/// does not fill the log with 86,400 times the same.
const WORDS_PART: u32 = 600;

/// The wait before the attempt that follows `attempt`: the schedule's, give or take a fifth, so
/// that what failed together does not come back together. None when the schedule is at its end.
///
/// The jitter is a hash of both: nobody rolls dice, and the same story is told twice alike.
pub fn wait_after(schedule: &[Duration], delivery: DeliveryId, attempt: u32) -> Option<Duration> {
    let wait = schedule.get(usize::try_from(attempt).ok()?.checked_sub(1)?)?;
    Some(spread(*wait, delivery, attempt))
}

/// The same wait for whoever is left alone for longer.
pub(super) fn slowly(wait: Duration) -> Duration {
    wait.max((wait * SLOWER).min(WAIT_MAX))
}

/// The wait after that many faults of ours.
pub(super) fn after_ours(delivery: DeliveryId, faults: u32) -> Duration {
    let wait = OURS_FIRST * 2_u32.saturating_pow(faults.min(16));
    spread(wait.min(OURS_MAX), delivery, faults)
}

/// The wait that a receiver asked for, as far as it is obeyed.
pub(super) fn asked(wait: Duration) -> Duration {
    wait.clamp(ASKED_MIN, WAIT_MAX)
}

/// The time in which no probe is written that fails as the one before did, of an endpoint that
/// has been failing since then.
pub(super) fn between_words(since: Timestamp, now: Timestamp) -> Duration {
    (now.since(since) / WORDS_PART).clamp(WORDS.0, WORDS.1) - PROBE_EVERY
}

fn spread(wait: Duration, delivery: DeliveryId, salt: u32) -> Duration {
    let (high, low) = delivery.0.as_u64_pair();
    let spread = mix(high ^ mix(low ^ u64::from(salt))) % 4001;
    let micros = wait.as_micros() * (8000 + u128::from(spread)) / 10_000;
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// The finaliser of SplitMix64: every bit of the input moves every bit of the output.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
