//! Webhooks by Chatwoot's API: conformance cases 47 to 57, what succeeds.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::api::Api;
use crate::relink::Place;
use crate::steps::{register, register_account, secret, subscribe};

const DEFAULTS: [&str; 8] = [
    "conversation_status_changed",
    "conversation_updated",
    "conversation_created",
    "contact_created",
    "contact_updated",
    "message_created",
    "message_updated",
    "webwidget_triggered",
];

/// Case 57 adds nothing to these but a client; it is in `sdk.rs`.
async fn create(api: &Api, body: Value) -> Value {
    api.post("/webhooks", body).await.json(200)["payload"]["webhook"].clone()
}

async fn list(api: &Api) -> Vec<Value> {
    let listed = api.get("/webhooks").await.json(200);
    listed["payload"]["webhooks"].as_array().unwrap().clone()
}

#[tokio::test]
async fn case_48_a_flat_url_is_enough() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;

    let webhook = create(&api, json!({ "url": "https://example.com/hook" })).await;
    assert!(webhook["id"].is_u64(), "{webhook}");
    assert_eq!(webhook["url"], "https://example.com/hook");
    assert_eq!(webhook["account_id"], 1);
    assert_eq!(webhook["subscriptions"], json!(DEFAULTS));
    assert_eq!(webhook["name"], Value::Null);
    assert!(webhook.as_object().unwrap().contains_key("name"));
}

#[tokio::test]
async fn the_secret_is_24_characters_of_base58_and_the_same_bytes_as_whsec() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;

    let webhook = create(&api, json!({ "url": "https://example.com/hook" })).await;
    let plain = secret(&webhook);
    assert_eq!(plain.len(), 24, "{plain}");
    let base58 = |c: char| c.is_ascii_alphanumeric() && !"0OIl".contains(c);
    assert!(plain.chars().all(base58), "{plain}");
    assert_eq!(webhook["signing_secret"], format!("whsec_{}", BASE64.encode(plain)));

    let other = create(&api, json!({ "url": "https://example.com/other" })).await;
    assert_ne!(secret(&other), plain);
}

#[tokio::test]
async fn case_49_null_subscriptions_are_the_defaults() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let body = json!({ "url": "https://example.com/hook", "subscriptions": null });
    assert_eq!(create(&api, body).await["subscriptions"], json!(DEFAULTS));
}

#[tokio::test]
async fn inbox_events_can_be_subscribed_to_whatever_the_flag_says() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let wanted = ["inbox_created", "inbox_updated", "conversation_typing_on"];
    let webhook = subscribe(&api, "https://example.com/hook", &wanted).await;
    assert_eq!(webhook["subscriptions"], json!(wanted));
}

#[tokio::test]
async fn case_51_another_account_may_have_the_same_url() {
    let place = Place::new();
    let relink = place.serve().await;
    let (first, second) = (relink.api(), relink.api().of_account(2));
    register_account(&first).await;
    register_account(&second).await;
    let one = create(&first, json!({ "url": "https://example.com/hook" })).await;
    let two = create(&second, json!({ "url": "https://example.com/hook" })).await;
    assert_ne!(one["id"], two["id"]);
    assert_ne!(one["secret"], two["secret"]);
    assert_eq!(list(&first).await.len(), 1);
}

#[tokio::test]
async fn case_52_put_and_patch_change_what_they_name_and_never_the_secret() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let webhook = create(&api, json!({ "url": "https://example.com/hook" })).await;
    let path = format!("/webhooks/{}", webhook["id"]);

    let change = json!({ "name": "Billing", "url": "https://example.com/elsewhere" });
    let changed = api.put(&path, change).await.json(200)["payload"]["webhook"].clone();
    assert_eq!(changed["name"], "Billing");
    assert_eq!(changed["url"], "https://example.com/elsewhere");
    assert_eq!(changed["secret"], webhook["secret"]);
    assert_eq!(changed["subscriptions"], webhook["subscriptions"]);

    let change = json!({ "subscriptions": ["message_created"] });
    let changed = api.patch(&path, change).await.json(200)["payload"]["webhook"].clone();
    assert_eq!(changed["name"], "Billing");
    assert_eq!(changed["subscriptions"], json!(["message_created"]));
    assert_eq!(changed["secret"], webhook["secret"]);
    assert_eq!(list(&api).await, [changed], "a list shows at once what was changed");
}

#[tokio::test]
async fn a_url_that_was_given_up_is_free_again() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let webhook = create(&api, json!({ "url": "https://example.com/old" })).await;
    let path = format!("/webhooks/{}", webhook["id"]);
    api.patch(&path, json!({ "url": "https://example.com/new" })).await.json(200);
    create(&api, json!({ "url": "https://example.com/old" })).await;

    assert_eq!(api.delete(&path).await.status, 200);
    create(&api, json!({ "url": "https://example.com/new" })).await;
    // Its own url is no other's: to say it again changes nothing.
    let own = list(&api).await[0].clone();
    api.patch(&format!("/webhooks/{}", own["id"]), json!({ "url": own["url"] })).await.json(200);
}

#[tokio::test]
async fn case_53_a_deleted_webhook_is_gone() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let webhook = create(&api, json!({ "url": "https://example.com/hook" })).await;
    let path = format!("/webhooks/{}", webhook["id"]);

    let gone = api.delete(&path).await;
    assert_eq!(gone.status, 200);
    assert_eq!(gone.body, "");
    assert_eq!(list(&api).await, [] as [Value; 0]);
    let unknown = json!({ "error": "Resource could not be found" });
    assert_eq!(api.delete(&path).await.json(404), unknown);
    assert_eq!(api.patch(&path, json!({ "name": "Late" })).await.json(404), unknown);
}

#[tokio::test]
async fn case_54_the_list_is_wrapped_in_a_payload() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    assert_eq!(api.get("/webhooks").await.json(200), json!({ "payload": { "webhooks": [] } }));
    let first = create(&api, json!({ "url": "https://example.com/1" })).await;
    let second = create(&api, json!({ "url": "https://example.com/2" })).await;
    let listed = list(&api).await;
    assert_eq!(listed.len(), 2);
    for webhook in [first, second] {
        let same = listed.iter().find(|one| one["id"] == webhook["id"]).unwrap();
        assert_eq!(same["secret"], webhook["secret"], "the secret is in the list too");
    }
    assert_eq!(api.get("/webhooks/1").await.status, 405, "Chatwoot shows no single webhook");
}

#[tokio::test]
async fn case_55_the_inbox_is_shown_where_there_is_one() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let with = create(&api, json!({ "url": "https://example.com/1", "inbox_id": 42 })).await;
    assert_eq!(with["inbox"], json!({ "id": 42, "name": "Support on WhatsApp" }));
    let without = create(&api, json!({ "url": "https://example.com/2" })).await;
    assert!(!without.as_object().unwrap().contains_key("inbox"), "{without}");
}

#[tokio::test]
async fn case_56_nested_parameters_mean_the_same_as_flat_ones() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let parameters = json!({
        "url": "https://example.com/hook",
        "name": "Nested",
        "subscriptions": ["message_created"],
    });
    let webhook = create(&api, json!({ "webhook": parameters })).await;
    for (name, value) in parameters.as_object().unwrap() {
        assert_eq!(&webhook[name], value);
    }
    let path = format!("/webhooks/{}", webhook["id"]);
    let changed = api.patch(&path, json!({ "webhook": { "name": "Renamed" } })).await.json(200);
    assert_eq!(changed["payload"]["webhook"]["name"], "Renamed");
}

#[tokio::test]
async fn the_delivery_policy_is_settable_and_shown() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let policy = json!({ "concurrency": 4, "timeout": "5s", "retry_schedule": ["1s", "5s"] });
    let body = json!({ "url": "https://example.com/hook", "delivery": policy });
    let webhook = create(&api, body).await;
    for (name, value) in policy.as_object().unwrap() {
        assert_eq!(&webhook["delivery"][name], value, "{webhook}");
    }
    assert_eq!(webhook["status"], "healthy");
    assert_eq!(webhook["held"], 0);
    assert_eq!(webhook["disabled_reason"], Value::Null);

    let path = format!("/webhooks/{}", webhook["id"]);
    let change = json!({ "delivery": { "timeout": "2s" } });
    let changed = api.patch(&path, change).await.json(200)["payload"]["webhook"].clone();
    assert_eq!(changed["delivery"]["timeout"], "2s", "{changed}");
}

#[tokio::test]
async fn webhooks_survive_a_restart() {
    let place = Place::new();
    let relink = place.serve().await;
    register_account(&relink.api()).await;
    subscribe(&relink.api(), "https://example.com/hook", &["message_created"]).await;
    let before = list(&relink.api()).await;
    relink.kill().await;
    let relink = place.serve().await;
    assert_eq!(list(&relink.api()).await, before);
}
