//! What Chatwoot's webhook routes refuse, in Chatwoot's words and shapes.

use serde_json::{Value, json};

use crate::relink::{Place, Relink};
use crate::steps::{register_account, subscribe};

async fn account() -> (Place, Relink) {
    let place = Place::new();
    let relink = place.serve().await;
    register_account(&relink.api()).await;
    (place, relink)
}

fn invalid_url() -> Value {
    json!({ "message": "Url is invalid", "attributes": ["url"] })
}

#[tokio::test]
async fn case_50_a_url_must_be_http_or_https() {
    let (_place, relink) = account().await;
    let api = relink.api();
    for url in ["javascript:alert(1)", "ftp://example.com/", "example.com/hook", "http://", ""] {
        let answer = api.post("/webhooks", json!({ "url": url })).await;
        assert_eq!(answer.json(422), invalid_url(), "{url:?}");
    }
    let webhook = subscribe(&api, "https://example.com/hook", &["message_created"]).await;
    let path = format!("/webhooks/{}", webhook["id"]);
    let answer = api.patch(&path, json!({ "url": "javascript:alert(1)" })).await;
    assert_eq!(answer.json(422), invalid_url());
    let listed = api.get("/webhooks").await.json(200);
    assert_eq!(listed["payload"]["webhooks"][0]["url"], "https://example.com/hook");
}

#[tokio::test]
async fn a_url_with_a_password_is_refused_and_says_where_it_belongs() {
    let (place, relink) = account().await;
    let api = relink.api();
    let webhook = subscribe(&api, "https://example.com/a@b:c", &["message_created"]).await;
    let path = format!("/webhooks/{}", webhook["id"]);
    for url in ["https://bob:s3cr3t@example.com/", "http://s3cr3t@example.com", "http://:s3cr3t@h/"]
    {
        for answer in [
            api.post("/webhooks", json!({ "url": url })).await,
            api.patch(&path, json!({ "url": url })).await,
        ] {
            let refused = answer.json(422);
            assert_eq!(refused["attributes"], json!(["url"]));
            let message = refused["message"].as_str().unwrap();
            assert!(message.contains("headers") && !message.contains("s3cr3t"), "{message}");
        }
    }
    assert!(!place.run_well(&["log", "--json"]).await.contains("s3cr3t"));
}

#[tokio::test]
async fn case_49_subscriptions_must_be_events_and_at_least_one() {
    let (_place, relink) = account().await;
    for subscriptions in [
        json!([]),
        json!(["parrot_created"]),
        json!(["message_created", "parrot_created"]),
        json!("message_created"),
        json!([17]),
    ] {
        let body = json!({ "url": "https://example.com/", "subscriptions": subscriptions });
        let refused = relink.api().post("/webhooks", body).await.json(422);
        assert_eq!(refused["message"], "Subscriptions Invalid events", "{subscriptions}");
        assert_eq!(refused["attributes"], json!(["subscriptions"]), "{subscriptions}");
        assert_eq!(refused["details"].as_array().map(Vec::len), Some(1), "{refused}");
    }
}

#[tokio::test]
async fn case_51_a_url_is_taken_once_in_an_account() {
    let (_place, relink) = account().await;
    let api = relink.api();
    subscribe(&api, "https://example.com/hook", &["message_created"]).await;
    let second = subscribe(&api, "https://example.com/other", &["message_created"]).await;
    let taken = json!({ "message": "Url has already been taken", "attributes": ["url"] });
    let again = json!({ "url": "https://example.com/hook" });
    assert_eq!(api.post("/webhooks", again.clone()).await.json(422), taken);
    let path = format!("/webhooks/{}", second["id"]);
    assert_eq!(api.patch(&path, again).await.json(422), taken);
}

#[tokio::test]
async fn of_many_who_want_a_url_at_once_one_gets_it() {
    let (_place, relink) = account().await;
    let api = relink.api();
    let wanted = (0..12).map(|_| {
        let api = api.clone();
        let body = json!({ "url": "https://example.com/hook" });
        tokio::spawn(async move { api.post("/webhooks", body).await.status.as_u16() })
    });
    let mut statuses = Vec::new();
    for answer in wanted.collect::<Vec<_>>() {
        statuses.push(answer.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200], vec![422; 11]].concat());
}

#[tokio::test]
async fn both_mistakes_of_one_request_are_told() {
    let (_place, relink) = account().await;
    let body = json!({ "url": "nowhere", "subscriptions": [] });
    let refused = relink.api().post("/webhooks", body).await.json(422);
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("Url is invalid"), "{message}");
    assert!(message.contains("Subscriptions Invalid events"), "{message}");
    let attributes = refused["attributes"].as_array().unwrap();
    assert!(attributes.contains(&json!("url")) && attributes.contains(&json!("subscriptions")));
}

#[tokio::test]
async fn no_parameters_are_a_missing_parameter() {
    let (_place, relink) = account().await;
    let refused = relink.api().post("/webhooks", json!({})).await.json(422);
    let error = refused["error"].as_str().unwrap();
    assert!(error.starts_with("param is missing or the value is empty: webhook"), "{error}");
}

#[tokio::test]
async fn an_inbox_of_nobody_cannot_be_named() {
    let (_place, relink) = account().await;
    // Chatwoot does not check this and shows another account's inbox by its name.
    let other = relink.api().of_account(2);
    register_account(&other).await;
    let inbox = json!({ "name": "Not yours", "channel_type": "Channel::Whatsapp" });
    assert_eq!(other.put("/inboxes/77", inbox).await.status, 201);
    for inbox in [77, 78] {
        let body = json!({ "url": "https://example.com/", "inbox_id": inbox });
        let refused = relink.api().post("/webhooks", body).await;
        assert!([404, 422].contains(&refused.status.as_u16()), "{}", refused.body);
        assert!(!refused.body.contains("Not yours"), "{}", refused.body);
    }
}

#[tokio::test]
async fn a_policy_that_cannot_be_is_refused() {
    let (_place, relink) = account().await;
    for delivery in [
        json!({ "timeout": "soon" }),
        json!({ "concurrency": 0 }),
        json!({ "retry_schedule": ["1s", "whenever"] }),
        json!("fast"),
    ] {
        let body = json!({ "url": "https://example.com/", "delivery": delivery });
        let refused = relink.api().post("/webhooks", body).await.json(422);
        assert!(refused["message"].is_string(), "{delivery}: {refused}");
    }
}

#[tokio::test]
async fn nothing_that_was_refused_is_written() {
    let (place, relink) = account().await;
    let api = relink.api();
    api.post("/webhooks", json!({ "url": "nowhere" })).await.json(422);
    api.post("/webhooks", json!({ "url": "https://a.example/", "subscriptions": [] }))
        .await
        .json(422);
    assert!(place.log_of("webhook.created").await.is_empty());
    assert!(place.log_of("account.webhook_url_claimed").await.is_empty());
}
