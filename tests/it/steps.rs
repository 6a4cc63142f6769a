//! Steps that many stories share.

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::api::{Answer, Api};
use crate::relink::DEADLINE;

/// The inbox of most stories: WhatsApp, so its threshold is 2.
pub(crate) const INBOX: &str = "/inboxes/42";

/// What `/readyz` says once views and fan-out have caught up with the log.
pub(crate) async fn ready(api: &Api) -> Value {
    let ready = async {
        loop {
            let answer = api.get("//readyz").await;
            if answer.status == 200 {
                return answer.json(200);
            }
        }
    };
    timeout(DEADLINE, ready).await.expect("it becomes ready")
}

/// Credentials that must never be seen again.
pub(crate) const CREDENTIALS: [&str; 3] =
    ["EAAJ-whatsapp-api-key", "imap-pass-9f2c", "refresh-7d1e-of-the-app"];

/// What Meta answers when the session was invalidated by a change of password.
pub(crate) fn invalidated() -> Value {
    json!({
        "provider": "meta",
        "status": 400,
        "code": "190",
        "subcode": "460",
        "message": "Error validating access token: the session has been invalidated",
    })
}

/// Account and inbox 42, with credentials.
pub(crate) async fn register(api: &Api) {
    register_account(api).await;
    let inbox = api
        .put(
            INBOX,
            json!({
                "name": "Support on WhatsApp",
                "channel_type": "Channel::Whatsapp",
                "provider_config": { "api_key": CREDENTIALS[0], "phone_number_id": "1050" },
                "imap_password": CREDENTIALS[1],
                "refresh_token": CREDENTIALS[2],
            }),
        )
        .await;
    assert_eq!(inbox.status, 201, "{}", inbox.body);
}

/// The account alone.
pub(crate) async fn register_account(api: &Api) {
    let account = json!({ "name": "Acme", "administrator_emails": ["ops@acme.example"] });
    let answer = api.put("", account).await;
    assert!(answer.status.is_success(), "{}: {}", answer.status, answer.body);
}

/// A webhook, as the API shows it.
pub(crate) async fn subscribe(api: &Api, url: &str, subscriptions: &[&str]) -> Value {
    let wanted = json!({ "url": url, "subscriptions": subscriptions });
    let answer = api.post("/webhooks", wanted).await.json(200);
    answer["payload"]["webhook"].clone()
}

/// The secret that signs a webhook's deliveries.
pub(crate) fn secret(webhook: &Value) -> &str {
    webhook["secret"].as_str().unwrap()
}

/// One more call that Meta refused.
pub(crate) async fn fail(api: &Api) -> Answer {
    api.post(&format!("{INBOX}/authorization_errors"), invalidated()).await
}

/// Somebody logged in again.
pub(crate) async fn reauthorize(api: &Api) -> Answer {
    api.post(&format!("{INBOX}/reauthorized"), json!({})).await
}

/// A platform event with one word of content.
pub(crate) async fn message(api: &Api, content: &str) -> Answer {
    let event = json!({ "event": "message_created", "data": { "id": 1, "content": content } });
    let answer = api.post("/events", event).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer
}

/// What `inbox_updated` says when reauthorization becomes required, or no longer is.
pub(crate) fn changed(from: bool, to: bool) -> Value {
    json!([{ "reauthorization_required": { "previous_value": from, "current_value": to } }])
}

/// Hook 1, of Slack.
pub(crate) async fn connect_slack(api: &Api) -> Value {
    let hook = json!({ "app_id": "slack", "access_token": "xoxb-never-shown" });
    api.post("/integrations/hooks", hook).await.json(200)
}

/// Rule 1.
pub(crate) async fn make_rule(api: &Api) -> Value {
    let rule = json!({
        "name": "Label them", "event_name": "conversation_created",
        "conditions": [{ "attribute_key": "status", "values": ["open"] }],
        "actions": [{ "action_name": "add_label", "action_params": ["vip"] }],
    });
    api.post("/automation_rules", rule).await.json(200)
}
