use crate::http::testing::Service;

#[tokio::test]
async fn keys_are_seconds_and_kept_for_ten() {
    let service = Service::start().await;
    service.call("PUT", "1", r#"{"name": "Acme"}"#).await;
    let answer = service.call("GET", "1/cache_keys", "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.head.headers["cache-control"], super::CACHED);
    let keys = answer.json()["cache_keys"].clone();
    for key in ["label", "inbox", "team"] {
        assert!(keys[key].as_i64().unwrap() > 1_700_000_000, "{keys}");
    }
}
