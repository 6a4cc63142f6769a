use super::*;

#[test]
fn a_time_is_read_and_written_as_rfc_3339() {
    let noon: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    assert_eq!(noon.to_string(), "2026-11-21T12:00:00.000000Z");
    assert_eq!("2026-11-21T13:00:00+01:00".parse(), Ok(noon));
    assert_eq!(noon.as_seconds(), 1_795_262_400);
}

#[test]
fn a_time_without_an_offset_is_refused_by_name() {
    let error = "2026-11-21T12:00:00".parse::<Timestamp>().unwrap_err();
    assert!(error.to_string().contains("\"2026-11-21T12:00:00\" is no RFC 3339 time"));
}

#[test]
fn time_never_overflows() {
    let end = Timestamp::from_micros(i64::MAX);
    assert_eq!(end.after(Duration::from_secs(1)), end);
    assert_eq!(Timestamp::default().since(end), Duration::ZERO);
}
