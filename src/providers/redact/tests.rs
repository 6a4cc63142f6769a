use proptest::prelude::*;
use serde_json::json;

use super::*;

proptest! {
    #[test]
    fn any_text_is_read_and_no_announced_token_remains(
        before in ".{0,40}",
        mark in prop::sample::select(vec!["=", ": ", "\":\"", "' : '", "=>"]),
        after in ".{0,40}",
    ) {
        let said = format!("{before} access_token{mark}s3cr3tvalue {after}");
        prop_assert!(!text(&said).contains("s3cr3tvalue"), "{}", text(&said));
    }

    #[test]
    fn broken_text_does_no_harm(said in r#"([a-zé ]|token|secret_|Bearer|[=:"'\\ ])*"#) {
        text(&said);
    }
}

#[test]
fn credentials_are_taken_out_of_text() {
    for (said, kept) in [
        ("access_token=EAAB123&v=1", "access_token=[redacted]&v=1"),
        ("GET /me?access_token=abc HTTP/1.1", "GET /me?access_token=[redacted] HTTP/1.1"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]"),
        ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic [redacted]"),
        ("used Bearer abcdefgh12345 twice", "used Bearer [redacted] twice"),
        (r#"{"client_secret":"a b c","x":1"#, r#"{"client_secret":"[redacted]","x":1"#),
        (r#"{"password" : "p\u00e4ss"}"#, r#"{"password" : "[redacted]"}"#),
        (r"{'refresh_token': 'r'}", r"{'refresh_token': '[redacted]'}"),
        ("X-Api-Key: 123-abc", "X-Api-Key: [redacted]"),
        ("password: hunter2", "password: [redacted]"),
        ("app_secret: abc", "app_secret: [redacted]"),
        ("key sk-proj-abcdefghijklmnopqrst is wrong", "key [redacted] is wrong"),
        ("whsk_abcdefghijklmnopqrstuvwxyz was sent", "[redacted] was sent"),
        ("of AIzaSyA-abcdefghijklmnopqrstuvwxyz012 no", "of [redacted] no"),
        ("github_pat_11ABCDEFG0abcdefghij gho_abcdefghijklmnopqrst", "[redacted] [redacted]"),
        ("xapp-1-A0123-456789-abcdef: not allowed", "[redacted] not allowed"),
        ("\u{e9}access_token=\u{e9}\u{e9} \u{e9}", "\u{e9}access_token=[redacted] \u{e9}"),
    ] {
        assert_eq!(text(said), kept);
    }
}

#[test]
fn prose_stays_as_it_is() {
    for said in [
        "Error validating access token: The session has been invalidated",
        "invalid bearer token",
        "Bearer token missing",
        "token_revoked",
        "The password was changed",
        "password: wrong",
        "a token=",
        "",
    ] {
        assert_eq!(text(said), said);
    }
}

#[test]
fn credentials_are_taken_out_of_json_at_any_depth() {
    let mut value = json!({
        "access_token": "a", "refreshToken": "b", "clientSecret": {"a": 1}, "password": 5,
        "nested": [{"X-API-Key": "c", "said": "see ?api_key=d"}],
        "token": null, "error": "token_revoked", "tokens": ["U1"], "code": 190,
    });
    json(&mut value);
    let expected = json!({
        "access_token": SHOWN, "refreshToken": SHOWN, "clientSecret": SHOWN, "password": SHOWN,
        "nested": [{"X-API-Key": SHOWN, "said": "see ?api_key=[redacted]"}],
        "token": null, "error": "token_revoked", "tokens": ["U1"], "code": 190,
    });
    assert_eq!(value, expected);
}
