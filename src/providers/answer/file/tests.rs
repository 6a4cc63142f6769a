use super::*;
use crate::providers::classify;

fn rule(text: &str, provider: Option<&str>) -> Option<String> {
    classify(&from_file(text, provider).unwrap()).rule
}

#[test]
fn every_form_of_an_answer_finds_its_row() {
    let body = r#"{"error":{"code":190,"error_subcode":460,"fbtrace_id":"A"}}"#;
    let http = format!("HTTP/1.1 400 Bad Request\r\nX-FB-Trace-ID: x\r\n\r\n{body}");
    let report = format!(r#"{{"provider":"meta","status":400,"body":{body}}}"#);
    for text in [body, &http, &http.replace("\r\n", "\n"), &report] {
        assert_eq!(rule(text, None).as_deref(), Some("meta 190/460"), "{text}");
    }
    assert_eq!(
        rule("535-5.7.8 Username and Password not accepted", None).unwrap(),
        "smtp 535 5.7.8"
    );
    let imap = "a1 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)";
    assert_eq!(rule(imap, None).unwrap(), "imap NO [AUTHENTICATIONFAILED]");
    let line = "HTTP/2 401\nx-line-request-id: 1\n\n{\"message\":\"Authentication failed\"}";
    assert_eq!(rule(line, None).unwrap(), "line 401");
}

#[test]
fn whoever_saved_it_may_say_whose_it_is() {
    let body = r#"{"error":"invalid_grant","error_description":"Token has been expired"}"#;
    assert_eq!(from_file(body, None).unwrap().provider, None, "many say that");
    assert_eq!(rule(body, Some("google")).unwrap(), "google 400 invalid_grant");
}

#[test]
fn a_report_with_wrong_fields_is_refused() {
    assert!(from_file(r#"{"code":{}}"#, None).is_err());
    assert!(from_file("", None).is_ok());
}
