//! Chatwoot's cases of what counts against a connection; see `docs/compatibility.md`.

use serde_json::{Value, json};

use super::super::{classify, evidence};

fn counts(report: &Value) -> bool {
    classify(&evidence(report.to_string().as_bytes()).unwrap()).counts()
}

fn of_instagram(code: u32) -> bool {
    counts(&json!({ "provider": "instagram", "status": 400, "code": code }))
}

#[test]
fn case_21_a_refresh_token_that_is_refused_counts() {
    for provider in ["google", "microsoft"] {
        let refused = json!({ "error": "invalid_grant" });
        assert!(counts(&json!({ "provider": provider, "status": 400, "body": refused })));
    }
}

#[test]
fn case_22_a_refused_password_counts_and_a_server_that_is_away_does_not() {
    let imap = |message: &str| counts(&json!({ "provider": "imap", "message": message }));
    assert!(imap("NO [AUTHENTICATIONFAILED] Invalid credentials"));
    for message in ["ECONNREFUSED", "timeout", "NO [UNAVAILABLE] Try again"] {
        assert!(!imap(message), "{message}");
    }
}

#[test]
fn case_25_of_instagrams_codes_190_counts_and_what_passes_does_not() {
    assert!(of_instagram(190));
    for code in [2, 613] {
        assert!(!of_instagram(code), "{code}");
    }
    assert!(of_instagram(10), "a permission that is withdrawn");
}

#[test]
fn case_26_a_contact_that_instagram_does_not_show_never_counts() {
    for code in [9010, 100] {
        assert!(!of_instagram(code), "{code}");
    }
}

#[test]
fn case_27_of_whatsapps_media_only_a_401_counts() {
    for (status, counted) in [(401, true), (404, false), (500, false)] {
        assert_eq!(counts(&json!({ "provider": "whatsapp", "status": status })), counted);
    }
}

#[test]
fn an_answer_without_a_code_is_unknown_and_counts_for_nothing() {
    for report in [
        json!({ "message": "connection timed out" }),
        json!({ "body": "<html>502 Bad Gateway</html>" }),
        json!({ "body": { "detail": "rate limit" } }),
        json!({ "body": {} }),
        json!({ "provider": "acme" }),
    ] {
        assert!(!counts(&report), "{report}");
    }
}

#[test]
fn a_report_of_nothing_but_the_failure_counts() {
    for report in [
        json!({}),
        json!({ "message": null, "body": null, "status": null }),
        json!({ "provider": "", "code": "", "message": " ", "body": " " }),
    ] {
        assert!(counts(&report), "{report}");
    }
}
