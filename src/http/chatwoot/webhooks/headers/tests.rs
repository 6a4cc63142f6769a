use events::KeyId;

use super::*;

fn sealed(text: &str) -> Sealed {
    Sealed { key: KeyId([0; 8]), nonce: [0; 24], text: text.into() }
}

fn keep(given: &Value, before: &[Header]) -> Result<Vec<Header>, Problem> {
    let seal = |_: &str, text: &str, known: Option<&Sealed>| {
        known.filter(|known| known.text == text.as_bytes()).cloned().unwrap_or_else(|| sealed(text))
    };
    read(given).unwrap().iter().map(|header| header.keep(before, &seal)).collect()
}

#[test]
fn values_are_secrets_unless_they_are_said_to_be_plain() {
    let given = json!({
        "Authorization": "Bearer s3cret",
        "X-Team": { "value": "support", "plain": true },
        "X-Other": { "value": "hidden" },
    });
    let kept = keep(&given, &[]).unwrap();
    let shown = json!({
        "Authorization": "[redacted]",
        "X-Team": { "value": "support", "plain": true },
        "X-Other": "[redacted]",
    });
    assert_eq!(show(&kept), shown);
    assert_eq!(keep(&shown, &kept).unwrap(), kept, "what is shown can be sent back");
    assert!(!format!("{:?}", read(&given)).contains("s3cret"));
}

#[test]
fn a_redacted_value_needs_one_that_is_there() {
    let error = keep(&json!({ "X-Key": "[redacted]" }), &[]).unwrap_err();
    assert_eq!(error.to_string(), "delivery.headers: there is no X-Key to be left as it is");
}

#[test]
fn reserved_names_are_refused_in_any_case() {
    for name in ["Host", "content-TYPE", "Webhook-Id", "X-Chatwoot-Signature", "Via", "TE"] {
        let problem = read(&json!({ name: "x" })).unwrap_err();
        assert_eq!(problem, format!("cannot hold {name}: it is reserved"));
    }
}

#[test]
fn what_cannot_be_sent_is_refused_without_being_repeated() {
    for name in ["", "X Key", "X:Key", "X-K\u{e9}y"] {
        assert!(read(&json!({ name: "x" })).unwrap_err().starts_with("cannot be named"), "{name}");
    }
    for value in [json!("s3cret\r\nX-Other: 1"), json!(" s3cret"), json!("s3cret".repeat(400))] {
        let problem = read(&json!({ "X-Key": value })).unwrap_err();
        assert!(problem.contains("X-Key") && !problem.contains("s3cret"), "{problem}");
    }
    for value in [json!(1), json!(null), json!({ "plain": true }), json!([])] {
        assert!(read(&json!({ "X-Key": value })).is_err(), "{value}");
    }
    for headers in [json!([]), json!("X-Key: 1"), json!(7)] {
        assert!(read(&headers).is_err(), "{headers}");
    }
}

#[test]
fn there_are_at_most_twenty_and_each_once() {
    let many = |count: usize| {
        Value::Object((0..count).map(|nth| (format!("X-{nth}"), json!("x"))).collect())
    };
    assert!(read(&many(20)).is_ok());
    assert!(read(&many(21)).is_err());
    assert_eq!(read(&json!({ "X-Key": "1", "x-key": "2" })).unwrap_err(), "name x-key twice");
}
