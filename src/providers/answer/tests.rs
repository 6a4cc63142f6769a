use events::evidence::Class;
use serde_json::json;

use super::*;
use crate::providers::classify;

fn read(request: Value) -> Evidence {
    evidence(request.to_string().as_bytes()).unwrap()
}

#[test]
fn explicit_fields_are_taken_as_numbers_or_texts() {
    let expected = Evidence {
        provider: Some("meta".to_owned()),
        status: Some(400),
        code: Some("190".to_owned()),
        subcode: Some("460".to_owned()),
        message: Some("The password was changed".to_owned()),
        body: None,
    };
    for (status, code, subcode) in
        [(json!(400), json!(190), json!(460)), (json!("400"), json!("190"), json!(" 460 "))]
    {
        let found = read(json!({
            "provider": "meta", "status": status, "code": code, "subcode": subcode,
            "message": "The password was changed", "headers": {},
        }));
        assert_eq!(found, expected);
    }
}

#[test]
fn nothing_is_evidence_too() {
    for request in ["", " \n", "{}", r#"{"provider":null,"code":"","body":null}"#] {
        assert_eq!(evidence(request.as_bytes()).unwrap(), Evidence::default(), "{request}");
    }
}

#[test]
fn what_is_no_evidence_is_refused() {
    for request in ["[]", "7", "{", r#"{"code":{}}"#, r#"{"provider":5}"#, r#"{"status":7}"#] {
        assert!(evidence(request.as_bytes()).is_err(), "{request}");
    }
}

#[test]
fn a_field_that_is_given_twice_counts_as_given_last() {
    let found = evidence(br#"{"code": 1, "code": 190, "body": 1, "body": null}"#).unwrap();
    assert_eq!(found, Evidence { code: Some("190".to_owned()), ..Evidence::default() });
}

#[test]
fn bytes_that_are_no_text_are_refused_in_fields_of_other_names_too() {
    assert!(evidence(b"{\"code\": 190, \"other\": \"\xff\"}").is_err());
}

#[test]
fn what_is_in_fields_of_other_names_is_not_looked_at() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for other in ["1e999", r#""\ud800""#, &deep] {
        let found = evidence(format!(r#"{{"code": 190, "other": {other}}}"#).as_bytes()).unwrap();
        assert_eq!(found, Evidence { code: Some("190".to_owned()), ..Evidence::default() });
        // Where it is read it is wrong: in what is kept, and where a field is given twice.
        for request in [
            format!(r#"{{"code": 190, "body": {other}}}"#),
            format!(r#"{{"code": 1, "code": 190, "other": {other}}}"#),
        ] {
            let refused = evidence(request.as_bytes());
            assert!(matches!(refused, Err(BadReport::Unreadable(_))), "{refused:?}");
        }
    }
}

#[test]
fn a_raw_answer_fills_in_what_is_missing() {
    let cases = [
        (
            json!({"error": {"message": "m", "type": "OAuthException", "code": 190,
                "error_subcode": 460, "fbtrace_id": "A"}}),
            (Some("meta"), None, Some("190"), Some("460"), Some("m")),
        ),
        (
            json!({"ok": false, "error": "token_revoked"}),
            (Some("slack"), None, Some("token_revoked"), None, None),
        ),
        (
            json!({"ok": false, "error_code": 401, "description": "Unauthorized"}),
            (Some("telegram"), Some(401), Some("401"), None, Some("Unauthorized")),
        ),
        (
            json!({"error": "invalid_grant", "error_description": "d"}),
            (None, None, Some("invalid_grant"), None, Some("d")),
        ),
        (
            json!({"error": "invalid_grant", "error_description": "d", "error_codes": [50173]}),
            (Some("microsoft"), None, Some("invalid_grant"), Some("AADSTS50173"), Some("d")),
        ),
        (
            json!({"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "m"}}),
            (None, Some(401), Some("UNAUTHENTICATED"), None, Some("m")),
        ),
        (
            json!({"error": {"code": 403, "message": "m",
                "errors": [{"reason": "rateLimitExceeded"}]}}),
            (None, Some(403), Some("rateLimitExceeded"), None, Some("m")),
        ),
        (
            json!({"error": {"code": null, "type": "insufficient_quota", "message": "m"}}),
            (None, None, Some("insufficient_quota"), None, Some("m")),
        ),
        (
            json!({"code": 20003, "message": "m", "status": 401}),
            (None, Some(401), Some("20003"), None, Some("m")),
        ),
        (
            json!({"errors": [{"code": 89, "message": "m"}]}),
            (None, None, Some("89"), None, Some("m")),
        ),
        (json!("535 5.7.8 no"), (None, None, None, None, Some("535 5.7.8 no"))),
        (json!({"anything": "else"}), (None, None, None, None, None)),
    ];
    for (body, (provider, status, code, subcode, message)) in cases {
        for body in [body.clone(), json!(body.as_str().map_or(body.to_string(), str::to_owned))] {
            let found = read(json!({"body": body}));
            assert_eq!(found.provider.as_deref(), provider, "{body}");
            assert_eq!(found.status, status, "{body}");
            assert_eq!(found.code.as_deref(), code, "{body}");
            assert_eq!(found.subcode.as_deref(), subcode, "{body}");
            assert_eq!(found.message.as_deref(), message, "{body}");
            assert!(found.body.is_some());
        }
    }
}

#[test]
fn explicit_fields_win_over_the_raw_answer() {
    let body = json!({"error": {"message": "b", "code": 190, "error_subcode": 460}});
    let found = read(json!({"provider": "whatsapp", "code": 10, "message": "a", "body": body}));
    assert_eq!(found.provider.as_deref(), Some("whatsapp"));
    assert_eq!((found.code.as_deref(), found.subcode), (Some("10"), None));
    assert_eq!(found.message.as_deref(), Some("a"));
    let found = read(json!({"code": "190", "body": body}));
    assert_eq!(found.subcode.as_deref(), Some("460"));
}

#[test]
fn the_body_is_kept_without_credentials_and_cut() {
    let found = read(json!({"body": {"access_token": "EAAB", "error": "x"}}));
    assert_eq!(found.body.unwrap(), r#"{"access_token":"[redacted]","error":"x"}"#);
    let found = read(json!({"body": "failed: access_token=EAAB"}));
    assert_eq!(found.body.unwrap(), "failed: access_token=[redacted]");
    assert_eq!(found.message.unwrap(), "failed: access_token=[redacted]");
    let found = read(json!({"body": "\u{20ac}".repeat(5000), "message": "m".repeat(5000)}));
    assert_eq!((found.body.unwrap().len(), found.message.unwrap().len()), (4095, 1024));
}

#[test]
fn a_raw_answer_alone_is_classified() {
    for (request, class) in [
        (json!({"body": {"error": {"code": 190, "fbtrace_id": "A"}}}), Class::Auth),
        (json!({"body": {"ok": false, "error": "missing_scope"}}), Class::Permission),
        (json!({"body": {"error": "invalid_grant"}}), Class::Auth),
        (json!({"body": {"error": {"code": 503, "status": "UNAVAILABLE"}}}), Class::Transient),
        (json!({"body": "connection lost"}), Class::Unknown),
        (
            json!({"provider": "google", "body": {"error": {"code": 403, "status":
            "PERMISSION_DENIED", "errors": [{"reason": "rateLimitExceeded"}]}}}),
            Class::Rate,
        ),
        (json!({"provider": "smtp", "body": "535-5.7.8 Username not accepted"}), Class::Auth),
    ] {
        assert_eq!(classify(&read(request.clone())).class, class, "{request}");
    }
}
