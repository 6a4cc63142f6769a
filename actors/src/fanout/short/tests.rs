use super::*;

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn small_fields_stay_as_they_were_written_and_large_ones_do_not() {
    let large = "x".repeat(FIELD_MAX);
    let (id, inbox) = (r#""id":10000000000000000001"#, r#""inbox":{"id":5}"#);
    let event = r#""event":"message_created""#;
    let body = format!(r#"{{{id},"content":"{large}",{inbox},{event}}}"#);
    let too_large = format!(r#""too_large":{{"bytes":{}}}"#, body.len());
    let short = format!("{{{event},{id},{inbox},{too_large}}}");
    assert_eq!(of("message_created", &body), short);
}

#[test]
fn however_many_fields_there_are_it_is_short_and_says_what_it_is() {
    let fields: Value = (0..100_000).map(|nth| (format!("a{nth}"), json!([nth]))).collect();
    let short = of("contact_updated", &fields.to_string());
    assert!(short.len() < 4 * FIELDS_MAX, "{}", short.len());
    let short = read(&short);
    assert_eq!((&short["event"], &short["a0"]), (&json!("contact_updated"), &json!([0])));
}

#[test]
fn what_is_no_object_is_told_by_its_name() {
    assert_eq!(read(&of("it", "[1]")), json!({ "event": "it", "too_large": { "bytes": 3 } }));
}
