use crate::http::testing::furnished;

#[tokio::test]
async fn who_waits_for_a_position_is_told_that_the_service_stops() {
    let service = furnished().await;
    let asked = service.call("GET", "1/inboxes?consistent_to=1000000", "");
    let stop = async { service.app.stopping.send_replace(true) };
    let (told, _) = tokio::join!(asked, stop);
    assert_eq!(told.status, 503, "{told:?}");
    assert!(told.text.contains("the service stops"), "{told:?}");
    assert!(told.head.headers.contains_key("retry-after"));
}
