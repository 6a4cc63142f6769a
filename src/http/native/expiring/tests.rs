use serde_json::json;

use crate::http::testing::furnished;

#[tokio::test]
async fn credentials_that_end_soon_are_listed_in_their_order() {
    let service = furnished().await;
    let ends = |days: u32| service.app.clock.now().after(super::DAY * days).to_string();
    for (id, days) in [(42, 20), (43, 5), (44, 90)] {
        let body = json!({ "name": "Support", "channel_type": "Channel::Instagram",
            "expires_at": ends(days) });
        let answer = service.call("PUT", &format!("1/inboxes/{id}"), &body.to_string()).await;
        assert!(answer.status < 300, "{answer:?}");
    }
    let hook = json!({ "app_id": "slack", "refresh_token_expires_at": ends(10) }).to_string();
    assert_eq!(service.call("POST", "1/integrations/hooks", &hook).await.status, 200);
    let shown = service.call("GET", "1/expiring", "").await.json();
    let ids: Vec<_> = shown["expiring"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [43, 1, 42]);
    let hook = &shown["expiring"][1];
    assert_eq!((&hook["subject"], &hook["app_id"]), (&json!("hook/1"), &json!("slack")));
    assert_eq!(shown["expiring"][0]["days_left"], 4);
    let shown = service.call("GET", "1/expiring?days=100", "").await.json();
    assert_eq!(shown["expiring"].as_array().unwrap().len(), 4);
    let theirs = service.call("GET", "2/expiring", "").await.json();
    assert_eq!(theirs["expiring"], json!([]));
    assert_eq!(service.call("GET", "1/expiring?days=x", "").await.status, 400);
    let gone = service.call("PUT", "1/inboxes/43", r#"{"expires_at":null}"#).await;
    assert_eq!(gone.status, 200);
    let path = "1/integrations/hooks/1";
    let wrong = service.call("PATCH", path, r#"{"expires_at":"soon"}"#).await;
    assert_eq!(wrong.status, 422, "{wrong:?}");
    let gone = service.call("PATCH", path, r#"{"expires_at":null}"#).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    let shown = service.call("GET", "1/expiring", "").await.json();
    assert_eq!(shown["expiring"].as_array().unwrap().len(), 1);
}
