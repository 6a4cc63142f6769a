//! Durations as people write them: a whole number and `ms`, `s`, `m`, `h` or `d`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no duration such as 500ms, 15s, 5m, 2h or 1d")]
pub struct BadDuration {
    text: String,
}

/// The duration that this text means.
///
/// # Errors
/// When it is not a whole number with a unit, or is more than can be counted in milliseconds.
pub fn parse(text: &str) -> Result<Duration, BadDuration> {
    let trimmed = text.trim();
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = trimmed.split_at(digits);
    let millis = UNITS
        .iter()
        .find(|(name, _)| *name == unit.trim_start())
        .and_then(|(_, millis)| number.parse::<u64>().ok()?.checked_mul(*millis));
    millis.map(Duration::from_millis).ok_or_else(|| BadDuration { text: text.to_owned() })
}

/// The shortest text that [`parse`] reads as this duration; less than a millisecond is cut off.
pub fn format(duration: Duration) -> String {
    let millis = duration.as_millis();
    let (name, unit) = UNITS
        .iter()
        .rev()
        .find(|(_, unit)| millis >= u128::from(*unit) && millis.is_multiple_of(u128::from(*unit)))
        .unwrap_or(&UNITS[1]);
    format!("{}{name}", millis / u128::from(*unit))
}

#[cfg(test)]
mod tests;
