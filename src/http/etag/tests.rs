use axum::http::HeaderValue;

use super::*;

fn read(headers: &[(HeaderName, &'static str)]) -> Result<Precondition, Problem> {
    let headers = headers.iter().map(|(name, text)| (name.clone(), HeaderValue::from_static(text)));
    Precondition::read(&headers.collect())
}

#[test]
fn a_version_must_be_one_of_those_that_are_named() {
    let wanted = read(&[(IF_MATCH, r#""3", W/"4", "x""#)]).unwrap();
    assert_eq!(wanted, Precondition::Version(vec![3]));
    assert!(wanted.holds(3) && !wanted.holds(4) && !wanted.holds(0));
}

#[test]
fn a_star_asks_whether_it_is_there() {
    let there = read(&[(IF_MATCH, "*")]).unwrap();
    assert!(there.holds(1) && !there.holds(0));
    let absent = read(&[(IF_NONE_MATCH, "*")]).unwrap();
    assert!(absent.holds(0) && !absent.holds(1));
    assert!(read(&[]).unwrap().holds(0));
}

#[test]
fn who_asks_for_a_version_or_for_none_has_lost_once_something_else_is_there() {
    for (headers, may) in [
        (&[][..], true),
        (&[(IF_MATCH, "*")], true),
        (&[(IF_MATCH, r#""3""#)], false),
        (&[(IF_NONE_MATCH, "*")], false),
    ] {
        assert_eq!(read(headers).unwrap().may_hold_again(), may, "{headers:?}");
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    for headers in [
        &[(IF_MATCH, "3")][..],
        &[(IF_MATCH, "")],
        &[(IF_NONE_MATCH, r#""3""#)],
        &[(IF_MATCH, "*"), (IF_NONE_MATCH, "*")],
    ] {
        assert!(matches!(read(headers), Err(Problem::Malformed(_))), "{headers:?}");
    }
}
