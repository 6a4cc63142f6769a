use events::WebhookId;

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
fn an_event_that_many_are_told_of_in_short_is_said_once_and_with_one_of_them() {
    let mut shortened = Shortened::default();
    let endpoint = |id| EndpointId::Webhook(WebhookId(id));
    for (id, bytes) in [(8, 5), (7, 7), (9, 6)] {
        shortened.add(Position(3), endpoint(id), bytes);
    }
    shortened.add(Position(4), endpoint(7), 1);
    let said: Vec<_> = shortened.0.into_iter().collect();
    let short = |id, endpoints, bytes| Short { endpoint: endpoint(id), endpoints, bytes };
    assert_eq!(said, [(Position(3), short(8, 3, 7)), (Position(4), short(7, 1, 1))]);
}

#[test]
fn what_is_no_object_is_told_by_its_name() {
    assert_eq!(read(&of("it", "[1]")), json!({ "event": "it", "too_large": { "bytes": 3 } }));
}
