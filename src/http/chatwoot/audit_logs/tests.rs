use axum::body::Body;
use events::TokenId;
use events::installation::Role;
use serde_json::{Value, json};

use crate::http::testing::{Service, furnished, request, revoke};

async fn logs(service: &Service, query: &str) -> Value {
    let answer = service.call("GET", &format!("1/audit_logs{query}"), "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn changed(service: &Service, method: &str, path: &str, body: &str) {
    let answer = service.call(method, path, body).await;
    assert!(answer.status < 300, "{method} {path}: {answer:?}");
}

#[tokio::test]
async fn case_122_a_created_inbox_is_visible() {
    let service = furnished().await;
    let logs = logs(&service, "").await;
    assert_eq!((&logs["per_page"], &logs["current_page"]), (&json!(25), &json!(1)));
    assert_eq!(logs["total_entries"], 2, "the account and its inbox");
    let inbox = &logs["audit_logs"][0];
    assert_eq!((&inbox["auditable_type"], &inbox["auditable_id"]), (&json!("Inbox"), &json!(42)));
    assert_eq!((&inbox["action"], &inbox["username"]), (&json!("create"), &json!("admin")));
    assert_eq!(inbox["audited_changes"]["channel_type"], "Channel::Whatsapp");
    assert_eq!(inbox["auditable"], json!({"id": 42, "name": "Support"}));
    assert_eq!(
        (&inbox["associated_id"], &inbox["associated_type"]),
        (&json!(1), &json!("Account"))
    );
    assert!(inbox["created_at"].is_u64() && inbox["request_uuid"].is_string(), "{inbox}");
    assert_eq!((&inbox["user_id"], &inbox["comment"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn an_update_tells_what_was_and_what_is_as_one_change() {
    let service = furnished().await;
    changed(&service, "POST", "1/inboxes/42/authorization_errors", "").await;
    let body = r#"{"name":"Sales","threshold":5,"provider_config":{"api_key":"EAAJ-9"}}"#;
    changed(&service, "PUT", "1/inboxes/42", body).await;
    changed(&service, "DELETE", "1/inboxes/42", "").await;
    let logs = logs(&service, "").await;
    let (gone, update) = (&logs["audit_logs"][0], &logs["audit_logs"][1]);
    let changes = json!({
        "name": ["Support", "Sales"], "threshold": [null, 5], "credentials": [null, "[REDACTED]"],
    });
    assert_eq!((&update["action"], &update["audited_changes"]), (&json!("update"), &changes));
    assert_eq!(gone["action"], "destroy");
    assert_eq!(gone["audited_changes"]["name"], "Sales");
    assert!(gone["version"].as_u64() > update["version"].as_u64());
}

#[tokio::test]
async fn case_122_no_secret_is_in_it() {
    let service = furnished().await;
    let body = r#"{"url":"https://example.com/"}"#;
    let made = service.call("POST", "1/webhooks", body).await.json();
    let secret = made["payload"]["webhook"]["secret"].as_str().unwrap().to_owned();
    let hook = json!({
        "app_id": "slack", "access_token": "xoxb-7f", "settings": {"bot": "hidden-3a"},
    });
    changed(&service, "POST", "1/integrations/hooks", &hook.to_string()).await;
    let inbox = r#"{"imap_password":"pass-9f"}"#;
    changed(&service, "PUT", "1/inboxes/42", inbox).await;
    let token = service.token(Role::Ingest).await;
    let text = logs(&service, "").await.to_string();
    for secret in [&secret, "xoxb-7f", "hidden-3a", "pass-9f", &token] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    for kind in ["Webhook", "Integrations::Hook", "Inbox", "AccessToken", "Account"] {
        assert!(text.contains(&format!("\"auditable_type\":\"{kind}\"")), "{kind}: {text}");
    }
}

#[tokio::test]
async fn case_122_pages_have_25() {
    let service = furnished().await;
    for number in 0..30 {
        changed(&service, "PUT", "1/inboxes/42", &format!(r#"{{"name":"{number}"}}"#)).await;
    }
    let first = logs(&service, "").await;
    assert_eq!(first["total_entries"], 32);
    assert_eq!(first["audit_logs"].as_array().unwrap().len(), 25);
    assert_eq!(first["audit_logs"][0]["audited_changes"], json!({"name": ["28", "29"]}));
    let second = logs(&service, "?page=2").await;
    assert_eq!(second["audit_logs"].as_array().unwrap().len(), 7);
    assert_eq!(logs(&service, "?page=9").await["audit_logs"], json!([]));
    assert_eq!(logs(&service, "?page=none").await["audit_logs"], first["audit_logs"]);
}

#[tokio::test]
async fn a_rule_that_failed_is_seen_to_be_deactivated_by_the_token_that_reported_it() {
    let service = furnished().await;
    let rule = r#"{"name":"n","event_name":"message_created"}"#;
    changed(&service, "POST", "1/automation_rules", rule).await;
    let token = service.token(Role::Ingest).await;
    let report = request("POST", "1/automation_rules/1/prompt_reauthorization");
    let report = report.header("api_access_token", token).body(Body::empty()).unwrap();
    assert_eq!(service.send(report).await.status, 200);
    let change = logs(&service, "").await["audit_logs"][0].clone();
    assert_eq!(change["auditable_type"], "AutomationRule");
    assert_eq!(change["audited_changes"], json!({"active": [true, false]}));
    assert_eq!((&change["username"], &change["user_id"]), (&json!("token/1"), &json!(1)));
    assert_eq!(change["user_type"], "AccessToken");
}

#[tokio::test]
async fn case_122_agents_and_other_accounts_see_none_of_it() {
    let service = furnished().await;
    let token = service.token(Role::Agent).await;
    let asked = request("GET", "1/audit_logs").header("api_access_token", &token);
    let refused = service.send(asked.body(Body::empty()).unwrap()).await;
    let error = json!({"error": "You are not authorized to do this action"});
    assert_eq!((refused.status, refused.json()), (401, error));
    let theirs = service.call("GET", "2/audit_logs", "").await.json();
    assert_eq!(theirs["total_entries"], 1, "their own account alone");
}

#[tokio::test]
async fn a_token_that_is_revoked_is_destroyed_by_whom_and_says_what_it_was() {
    let service = furnished().await;
    service.token(Role::Ingest).await;
    service.token(Role::Agent).await;
    revoke(&service.app, TokenId(1)).await;
    let change = logs(&service, "").await["audit_logs"][0].clone();
    assert_eq!(
        (&change["auditable_type"], &change["auditable_id"]),
        (&"AccessToken".into(), &1.into())
    );
    assert_eq!((&change["action"], &change["username"]), (&"destroy".into(), &"relink/cli".into()));
    assert_eq!(change["audited_changes"], json!({"role": "ingest"}));
}
