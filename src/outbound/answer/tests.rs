use super::*;

/// 1994-11-06T08:49:37Z, RFC 9110's own example.
const THEN: Timestamp = Timestamp::from_micros(784_111_777_000_000);

#[test]
fn retry_after_is_seconds_or_a_date() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let before = Timestamp::from_micros(THEN.as_micros() - 90_000_000);
    assert_eq!(wait("120", THEN), Some(Duration::from_secs(120)));
    assert_eq!(wait(" 0.5 ", THEN), Some(Duration::from_millis(500)));
    assert_eq!(wait(date, before), Some(Duration::from_secs(90)));
    assert_eq!(wait(date, THEN), Some(Duration::ZERO));
}

#[test]
fn retry_after_that_is_neither_says_nothing() {
    for text in ["", "soon", "-5", "NaN", "1e400", "2026-11-21T12:00:00Z"] {
        assert_eq!(wait(text, THEN), None, "{text}");
    }
}
