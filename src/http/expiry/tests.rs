use serde_json::json;

use super::*;

fn read(value: &Value) -> Option<Option<Timestamp>> {
    given(value.as_object().unwrap()).unwrap()
}

#[test]
fn the_end_is_read_wherever_chatwoot_puts_it() {
    let end: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
    for said in [
        json!({ "expires_at": "2027-01-01T00:00:00Z" }),
        json!({ "expires_at": 1_798_761_600 }),
        json!({ "channel": { "expires_at": "2027-01-01T01:00:00+01:00" } }),
        json!({ "expires_at": 5, "refresh_token_expires_at": "2027-01-01T00:00:00Z" }),
    ] {
        assert_eq!(read(&said), Some(Some(end)), "{said}");
    }
    assert_eq!(read(&json!({ "expires_at": null })), Some(None));
    assert_eq!(read(&json!({ "name": "Support" })), None);
}

#[test]
fn what_is_no_time_is_refused() {
    for said in [json!("soon"), json!(true), json!(1.5), json!(i64::MAX)] {
        let said = json!({ "expires_at": said });
        assert!(given(said.as_object().unwrap()).is_err(), "{said}");
    }
}
