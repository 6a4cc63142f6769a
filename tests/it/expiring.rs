//! The end of a credential is told ahead, once for each step, whatever happens in between.

use serde_json::json;

use crate::relink::Place;
use crate::steps::{INBOX, register};

/// So many days from now, RFC 3339.
fn in_days(days: i64) -> String {
    let now = jiff::Timestamp::now();
    (now + jiff::SignedDuration::from_hours(days * 24)).to_string()
}

#[tokio::test]
async fn the_end_of_a_credential_is_told_once_across_restarts() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    api.put(INBOX, json!({ "expires_at": in_days(5) })).await.json(200);
    let seen = place.written("inbox.expiring", 1).await;
    let health = api.get(&format!("/health?consistent_to={seen}")).await.json(200);
    assert_eq!(health["inboxes"][0]["state"], "expiring", "{health}");
    relink.kill().await;

    let relink = place.serve().await;
    let api = relink.api();
    // Another inbox is looked at in the same round: once it is told, 42 was looked at again.
    let other = json!({ "name": "B", "channel_type": "Channel::Line", "expires_at": in_days(20) });
    api.put("/inboxes/43", other).await.json(201);
    place.written("inbox.expiring", 2).await;
    let hook = json!({ "app_id": "linear", "expires_at": in_days(25) });
    api.post("/integrations/hooks", hook).await.json(200);
    let seen = place.written("hook.expiring", 1).await;
    let calendar = api.get(&format!("/expiring?consistent_to={seen}")).await.json(200);
    let told: Vec<_> = calendar["expiring"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].clone(), one["told_days"].clone()))
        .collect();
    assert_eq!(told, [(42, 7), (43, 30), (1, 30)].map(|(id, days)| (json!(id), json!(days))));
    assert_eq!(calendar["expiring"][2]["subject"], "hook/1");
    let health = api.get("/health").await.json(200);
    assert_eq!(health["hooks"][0]["state"], "expiring", "{health}");
}

#[tokio::test]
async fn an_answer_is_classified_at_the_command_line() {
    let place = Place::new();
    let file = place.data().with_file_name("answer");
    let answer = "HTTP/1.1 200 OK\r\nX-Slack-Req-Id: 1\r\n\r\n\
        {\"ok\":false,\"error\":\"token_revoked\"}";
    std::fs::write(&file, answer).unwrap();
    let file = file.to_str().unwrap();
    let shown = place.run_well(&["classify", "--json", file]).await;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["class"], &shown["scope"]), (&json!("auth"), &json!("account")));
    assert_eq!((&shown["rule"], &shown["counts"]), (&json!("slack token_revoked"), &json!(true)));
    let text = place.run_well(&["classify", file]).await;
    assert!(text.contains("action     reauth now"), "{text}");
    place.run(&["classify", "/no/such/file"]).await.refused(2);
}
