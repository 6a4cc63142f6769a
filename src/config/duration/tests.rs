use super::*;

#[test]
fn each_unit_is_read_and_written() {
    for (text, millis) in [
        ("250ms", 250),
        ("5s", 5_000),
        ("5m", 300_000),
        ("2h", 7_200_000),
        ("3d", 259_200_000),
        ("0s", 0),
        ("90s", 90_000),
    ] {
        assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        assert_eq!(format(Duration::from_millis(millis)), text);
    }
    assert_eq!(parse(" 5 s "), Ok(Duration::from_secs(5)));
    assert_eq!(format(Duration::from_secs(86_400)), "1d");
}

#[test]
fn anything_else_is_refused() {
    for text in [
        "",
        "5",
        "s",
        "-5s",
        "1.5h",
        "5 weeks",
        "1h30m",
        "99999999999999999999s",
        "18446744073709551615d",
        "\u{665}s",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}
