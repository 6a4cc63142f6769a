//! Inboxes: registered, shown, renamed, removed.

use serde_json::{Value, json};

use crate::relink::Place;
use crate::steps::{INBOX, fail, register, register_account};

/// What every answer about an inbox shows, and what it is.
fn fields(inbox: &Value) -> Value {
    json!({
        "id": inbox["id"],
        "name": inbox["name"],
        "channel_type": inbox["channel_type"],
        "reauthorization_required": inbox["reauthorization_required"],
        "authorization_error_count": inbox["authorization_error_count"],
    })
}

fn fresh(id: u64, name: &str) -> Value {
    json!({
        "id": id,
        "name": name,
        "channel_type": "Channel::Whatsapp",
        "reauthorization_required": false,
        "authorization_error_count": 0,
    })
}

#[tokio::test]
async fn an_inbox_is_registered_once_and_then_updated() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let body = |name: &str| json!({ "name": name, "channel_type": "Channel::Whatsapp" });
    let first = api.put(INBOX, body("Support")).await.json(201);
    assert_eq!(fields(&first), fresh(42, "Support"));
    let same = api.put(INBOX, body("Support")).await.json(200);
    assert_eq!(fields(&same), fresh(42, "Support"));
    assert_eq!(place.log_of("inbox.renamed").await.len(), 0, "nothing changed");
    let renamed = api.put(INBOX, body("Sales")).await.json(200);
    assert_eq!(fields(&renamed), fresh(42, "Sales"));
    assert_eq!(fields(&api.get(INBOX).await.json(200)), fresh(42, "Sales"));
    assert_eq!(place.log_of("inbox.registered").await.len(), 1);
    assert_eq!(place.log_of("inbox.renamed").await.len(), 1);
}

#[tokio::test]
async fn inboxes_are_listed_with_their_state() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let other = json!({ "name": "Another", "channel_type": "Channel::Whatsapp" });
    assert_eq!(api.put("/inboxes/43", other).await.status, 201);
    fail(&api).await.position();
    let position = fail(&api).await.position();
    let listed = api.get(&format!("/inboxes?consistent_to={position}")).await.json(200);
    let inboxes = listed["payload"].as_array().unwrap_or_else(|| panic!("{listed}"));
    assert_eq!(inboxes.len(), 2);
    assert_eq!(fields(&inboxes[1]), fresh(43, "Another"));
    assert_eq!(inboxes[0]["id"], 42);
    assert_eq!(inboxes[0]["reauthorization_required"], true);
    assert_eq!(inboxes[0]["authorization_error_count"], 2);
}

#[tokio::test]
async fn a_removed_inbox_is_gone_and_its_history_is_not() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let position = fail(&api).await.position();
    assert!(api.delete(INBOX).await.status.is_success());
    assert_eq!(api.get(INBOX).await.status, 404);
    assert_eq!(api.delete(INBOX).await.status, 404);
    assert_eq!(fail(&api).await.status, 404);
    let past = api.get(&format!("/health?at={position}")).await.json(200);
    assert_eq!(past["inboxes"][0]["id"], 42, "{past}");
    let now = place.log_of("inbox.removed").await[0]["position"].clone();
    let now = api.get(&format!("/health?consistent_to={now}")).await.json(200);
    assert_eq!(now["inboxes"], json!([]), "{now}");
}

#[tokio::test]
async fn new_credentials_are_a_fact_and_the_same_ones_are_none() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    register_again(&api, crate::steps::CREDENTIALS[1]).await;
    assert_eq!(place.log_of("inbox.credentials_replaced").await.len(), 0);
    register_again(&api, "another-password").await;
    assert_eq!(place.log_of("inbox.credentials_replaced").await.len(), 1);
}

async fn register_again(api: &crate::api::Api, password: &str) {
    let inbox = json!({
        "name": "Support on WhatsApp",
        "channel_type": "Channel::Whatsapp",
        "provider_config": {
            "api_key": crate::steps::CREDENTIALS[0],
            "phone_number_id": "1050",
        },
        "imap_password": password,
        "refresh_token": crate::steps::CREDENTIALS[2],
    });
    let answer = api.put(INBOX, inbox).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}
