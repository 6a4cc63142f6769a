//! What follows from what happens: inbox events and their bodies, platform events by Chatwoot's
//! rules, and the webhooks of API inboxes.

use serde_json::{Value, json};

use crate::api::Api;
use crate::receiver::Receiver;
use crate::relink::Place;
use crate::steps::{INBOX, fail, register_account, subscribe};

/// The credentials of each of Chatwoot's channels, as its API and database name them.
const CHANNELS: [(&str, &[&str]); 13] = [
    ("Channel::Api", &["hmac_token", "secret"]),
    ("Channel::Email", &["imap_password", "smtp_password", "provider_config"]),
    ("Channel::FacebookPage", &["page_access_token", "user_access_token"]),
    ("Channel::Instagram", &["access_token"]),
    ("Channel::Line", &["line_channel_id", "line_channel_secret", "line_channel_token"]),
    ("Channel::Sms", &["provider_config"]),
    ("Channel::Telegram", &["bot_token"]),
    ("Channel::Tiktok", &["access_token", "refresh_token"]),
    ("Channel::TwilioSms", &["account_sid", "auth_token", "api_key_sid"]),
    ("Channel::TwitterProfile", &["twitter_access_token", "twitter_access_token_secret"]),
    ("Channel::Voice", &["provider_config", "auth_token"]),
    ("Channel::WebWidget", &["website_token", "hmac_token"]),
    ("Channel::Whatsapp", &["provider_config", "business_management_token"]),
];

async fn report(api: &Api, event: &str, data: Value) {
    let answer = api.post("/events", json!({ "event": event, "data": data })).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
}

/// The bodies that came, by the inbox or message they are about.
async fn bodies(receiver: &Receiver, count: usize) -> Vec<Value> {
    let arrivals = receiver.expect(count).await;
    let mut bodies: Vec<_> = arrivals.iter().map(|arrival| arrival.json()).collect();
    bodies.sort_by_key(|body| (body["id"].as_u64(), body["event"].to_string()));
    bodies
}

#[tokio::test]
async fn cases_36_and_37_a_registration_and_a_new_name_are_told() {
    let place = Place::new().set("ENABLE_INBOX_EVENTS", "true");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    subscribe(&api, &receiver.url("/hook"), &["inbox_created", "inbox_updated"]).await;
    let inbox = json!({ "name": "Support", "channel_type": "Channel::Email", "timezone": "UTC" });
    api.put(INBOX, inbox.clone()).await.json(201);
    api.put(INBOX, inbox).await.json(200);
    api.put(INBOX, json!({ "name": "Sales", "timezone": "CET" })).await.json(200);
    let told = bodies(&receiver, 2).await;
    assert_eq!((&told[0]["event"], &told[0]["name"]), (&json!("inbox_created"), &json!("Support")));
    assert_eq!(told[0]["account"], json!({ "id": 1, "name": "Acme" }));
    assert_eq!(told[0].get("changed_attributes"), None);
    assert_eq!((&told[1]["event"], &told[1]["name"]), (&json!("inbox_updated"), &json!("Sales")));
    assert_eq!(
        told[1]["changed_attributes"],
        json!([
            { "name": { "previous_value": "Support", "current_value": "Sales" } },
            { "timezone": { "previous_value": "UTC", "current_value": "CET" } },
        ])
    );
}

#[tokio::test]
async fn no_channels_credentials_are_ever_in_a_body() {
    let place = Place::new().set("ENABLE_INBOX_EVENTS", "true");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    subscribe(&api, &receiver.url("/hook"), &["inbox_*"]).await;
    for (id, (channel_type, names)) in (1..).zip(CHANNELS) {
        let mut inbox = json!({ "name": channel_type, "channel_type": channel_type });
        for name in names {
            inbox[name] = match *name {
                "provider_config" => json!({ "api_key": "s3cr3t", "nested": { "pin": "s3cr3t" } }),
                _ => json!("s3cr3t"),
            };
        }
        let mut within = inbox.clone();
        within["id"] = json!(5);
        inbox["channel"] = within;
        let path = format!("/inboxes/{id}");
        api.put(&path, inbox.clone()).await.json(201);
        inbox["name"] = json!("Renamed");
        inbox["channel"]["access_token"] = json!("another s3cr3t");
        api.put(&path, inbox.clone()).await.json(200);
        api.post(&format!("{path}/prompt_reauthorization"), json!({})).await.json(200);
        inbox["id"] = json!(id);
        report(&api, "inbox_updated", inbox).await;
    }
    for body in bodies(&receiver, 4 * CHANNELS.len()).await {
        assert!(!body.to_string().contains("s3cr3t"), "{body}");
        assert!(body["channel"]["name"].is_string(), "{body}");
    }
    for event in place.log().await {
        assert!(!event.to_string().contains("s3cr3t"), "{event}");
    }
}

#[tokio::test]
async fn platform_events_go_out_by_chatwoots_rules() {
    let place = Place::new().set("ENABLE_INBOX_EVENTS", "true");
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    subscribe(&api, &receiver.url("/hook"), &["*"]).await;
    let note = json!({ "id": 2, "message_type": "outgoing", "private": true });
    let changed = json!({ "id": 4, "changed_attributes": { "name": ["A", "B"] } });
    for (event, data) in [
        ("message_created", json!({ "id": 1, "message_type": "activity" })),
        ("message_created", note),
        ("contact_updated", json!({ "id": 3, "changed_attributes": {} })),
        ("contact_updated", changed),
        ("conversation_typing_on", json!({ "id": 5 })),
        ("conversation_status_changed", json!({ "id": 6 })),
    ] {
        report(&api, event, data).await;
    }
    let told = bodies(&receiver, 4).await;
    let ids: Vec<_> = told.iter().map(|body| body["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [2, 4, 5, 6]);
    let name = json!({ "previous_value": "A", "current_value": "B" });
    assert_eq!(told[1]["changed_attributes"], json!([{ "name": name }]));
    assert_eq!(told[2]["is_private"], false);
    assert_eq!(told[3].get("changed_attributes"), Some(&Value::Null));
}

#[tokio::test]
async fn case_63_the_webhook_of_an_api_inbox_is_sent_what_happens_in_it_signed() {
    let place = Place::new();
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    let inbox = json!({
        "name": "Bot", "channel_type": "Channel::Api",
        "webhook_url": receiver.url("/bot"), "secret": "s3cr3t-of-the-inbox",
    });
    api.put(INBOX, inbox).await.json(201);
    let silent = json!({ "name": "Mute", "channel_type": "Channel::Api", "webhook_url": "" });
    api.put("/inboxes/43", silent).await.json(201);
    for (id, inbox) in [(1, 43), (2, 42)] {
        report(&api, "message_created", json!({ "id": id, "inbox": { "id": inbox } })).await;
    }
    report(&api, "contact_created", json!({ "id": 3, "inbox_id": 42 })).await;
    let arrival = receiver.expect(1).await.remove(0);
    arrival.check_signatures("s3cr3t-of-the-inbox");
    assert_eq!(arrival.json()["id"], 2);

    let seen = place.written("delivery.delivered", 1).await;
    let path = format!("{INBOX}/deliveries?consistent_to={seen}");
    let listed = api.get(&path).await.json(200);
    assert_eq!(listed["deliveries"].as_array().unwrap().len(), 1, "{listed}");
    let id = listed["deliveries"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(api.get(&format!("/deliveries/{id}")).await.json(200)["status"], "delivered");
    assert_eq!(api.of_account(2).get(&format!("{INBOX}/deliveries")).await.status, 404);
}

#[tokio::test]
async fn an_api_inbox_without_a_secret_is_sent_what_nobody_signed() {
    let place = Place::new();
    let relink = place.serve().await;
    let (api, receiver) = (relink.api(), Receiver::start().await);
    register_account(&api).await;
    let inbox = json!({
        "name": "Bot", "channel_type": "Channel::Api",
        "channel": { "webhook_url": receiver.url("/bot") },
    });
    api.put(INBOX, inbox).await.json(201);
    fail(&api).await.json(200);
    report(&api, "conversation_created", json!({ "id": 1, "inbox_id": 42 })).await;
    let arrival = receiver.expect(1).await.remove(0);
    assert_eq!(arrival.json()["event"], "conversation_created");
    let names: Vec<_> = arrival.headers.keys().map(|name| name.as_str()).collect();
    assert!(names.contains(&"x-chatwoot-delivery"), "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with("-signature")), "{names:?}");
}
