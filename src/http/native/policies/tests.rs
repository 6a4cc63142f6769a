use serde_json::{Value, json};

use crate::http::testing::{ADMIN, Answer, Service, furnished};
use axum::body::Body;
use axum::http::Request;
use events::installation::Role;

async fn everywhere(
    service: &Service,
    method: &str,
    path: &str,
    token: &str,
    body: &str,
) -> Answer {
    let request = Request::builder().method(method).uri(format!("/api/v1/{path}"));
    let request = request.header("api_access_token", token);
    service.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn fail(service: &Service) -> Value {
    service.call("POST", "1/inboxes/42/authorization_errors", "").await.json()
}

#[tokio::test]
async fn the_nearest_policy_decides_the_next_report() {
    let service = furnished().await;
    let kind = "policies/Channel::Whatsapp";
    let put = |body: &'static str| everywhere(&service, "PUT", kind, ADMIN, body);
    let answer = put(r#"{"threshold": 5, "window": "1h"}"#).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["version"], 1);
    assert_eq!(fail(&service).await["threshold"], 5);
    let answer = service.call("PUT", &format!("1/{kind}"), r#"{"threshold": 4}"#).await;
    assert_eq!((answer.status, &answer.json()["version"]), (200, &json!(1)));
    assert_eq!(fail(&service).await["threshold"], 4);
    let answer = service.call("PUT", "1/inboxes/42/policy", r#"{"threshold": 3}"#).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let third = fail(&service).await;
    assert_eq!(
        (&third["threshold"], &third["reauthorization_required"]),
        (&json!(3), &json!(true))
    );

    let shown = service.call("GET", "1/inboxes/42/policy", "").await.json();
    assert_eq!((&shown["threshold"], &shown["window"]), (&json!(3), &Value::Null));
    assert_eq!(
        (&shown["holds"]["threshold"], &shown["holds"]["window"]),
        (&json!(3), &json!("1h"))
    );
    assert_eq!(shown["holds"]["expiring_days"], json!([30, 7, 1]));
    let shown = service.call("GET", "1/policies", "").await.json();
    assert_eq!(shown["policies"][0]["threshold"], 4);
    assert_eq!(shown["installation"]["policies"][0]["window"], "1h");
    let shown = everywhere(&service, "GET", "policies", ADMIN, "").await.json();
    assert_eq!(shown["policies"][0]["kind"], "Channel::Whatsapp");
    let why = service.call("GET", "1/inboxes/42/why", "").await.json();
    assert_eq!(why["policy"], "1.1.1");
}

#[tokio::test]
async fn changing_a_policy_rewrites_nothing() {
    let service = furnished().await;
    fail(&service).await;
    service.call("PUT", "1/policies/Channel::Whatsapp", r#"{"threshold": 1}"#).await;
    let inbox = service.call("GET", "1/inboxes/42", "").await.json();
    assert_eq!(
        (&inbox["threshold"], &inbox["reauthorization_required"]),
        (&json!(1), &json!(false))
    );
}

#[tokio::test]
async fn an_empty_policy_takes_it_away() {
    let service = furnished().await;
    service.call("PUT", "1/policies/Channel::Whatsapp", r#"{"threshold": 9}"#).await;
    let answer = service.call("PUT", "1/policies/Channel::Whatsapp", "{}").await;
    assert_eq!((answer.status, &answer.json()["version"]), (200, &json!(2)));
    assert_eq!(fail(&service).await["threshold"], 2);
}

#[tokio::test]
async fn a_code_can_act_at_once() {
    let service = furnished().await;
    let policy = r#"{"at_once": ["190/460"], "threshold": 10}"#;
    service.call("PUT", "1/policies/Channel::Whatsapp", policy).await;
    let meta = r#"{"provider":"meta","status":400,"code":190,"subcode":460}"#;
    let answer = service.call("POST", "1/inboxes/42/authorization_errors", meta).await.json();
    assert_eq!(answer["reauthorization_required"], true);
    let why = service.call("GET", "1/inboxes/42/why", "").await.json();
    assert_eq!(why["cause"], "at once: auth (meta 190/460)");
    assert_eq!(why["evidence"][0]["action"], "reauth now");
}

#[tokio::test]
async fn what_is_no_policy_is_refused() {
    let service = furnished().await;
    for (kind, body, status) in [
        ("AutomationRule", r#"{"expiring_days": [7]}"#, 422),
        ("Webhook", r#"{"threshold": 3}"#, 422),
        ("Channel::Email", r#"{"threshold": 0}"#, 422),
        ("Channel::Email", r#"{"window": "500ms"}"#, 422),
        ("Channel::Email", r#"{"window": "soon"}"#, 422),
        ("Channel::Email", r#"{"at_once": [""]}"#, 422),
        ("Channel::Email", r#"{"expiring_days": [0]}"#, 422),
        ("Channel::Email", r#"{"expiring_days": [-1]}"#, 422),
        ("Channel::Email", r#"{"treshold": 1}"#, 422),
        ("Channel::Email", "{", 400),
        ("Spam", "{}", 422),
    ] {
        let answer = service.call("PUT", &format!("1/policies/{kind}"), body).await;
        assert_eq!(answer.status, status, "{kind} {body}: {answer:?}");
    }
    let rule = service.call("PUT", "1/automation_rules/1/policy", "{}").await;
    assert_eq!(rule.status, 404, "{rule:?}");
    for path in ["2/inboxes/42/policy", "1/inboxes/43/policy", "1/integrations/hooks/1/policy"] {
        assert_eq!(service.call("PUT", path, "{}").await.status, 404, "{path}");
        assert_eq!(service.call("GET", path, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_installations_policies_are_its_administrators() {
    let service = furnished().await;
    let token = service.token(Role::Administrator).await;
    for (method, path) in
        [("GET", "policies"), ("PUT", "policies/Channel::Email"), ("GET", "incidents")]
    {
        for (token, status) in [(token.as_str(), 401), ("nobody", 401)] {
            let answer = everywhere(&service, method, path, token, "{}").await;
            assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        }
    }
    let agent = service.token(Role::Agent).await;
    let request = crate::http::testing::request("PUT", "1/policies/Channel::Email");
    let request = request.header("api_access_token", agent).body(Body::from("{}")).unwrap();
    assert_eq!(service.send(request).await.status, 401);
}

#[tokio::test]
async fn hooks_and_rules_follow_the_policies_of_their_kinds_and_their_own() {
    let service = furnished().await;
    let hook = r#"{"app_id": "slack", "expires_at": "2100-01-01T00:00:00Z"}"#;
    assert_eq!(service.call("POST", "1/integrations/hooks", hook).await.status, 200);
    let rule = r#"{"name": "n", "event_name": "e", "actions": [{"action_name": "add_label"}]}"#;
    assert_eq!(service.call("POST", "1/automation_rules", rule).await.status, 200);
    for (kind, one, days) in [
        ("Integrations::Hook", "1/integrations/hooks/1", json!([30, 7, 1])),
        ("AutomationRule", "1/automation_rules/1", Value::Null),
    ] {
        let kind = format!("1/policies/{kind}");
        let answer = service.call("PUT", &kind, r#"{"threshold": 3}"#).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let errors = format!("{one}/authorization_errors");
        let failed = service.call("POST", &errors, "").await.json();
        assert_eq!(failed["threshold"], 3, "{failed}");
        let own = format!("{one}/policy");
        let answer = service.call("PUT", &own, r#"{"threshold": 9, "at_once": ["gone"]}"#).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let shown = service.call("GET", &own, "").await.json();
        assert_eq!((&shown["threshold"], &shown["holds"]["threshold"]), (&json!(9), &json!(9)));
        assert_eq!(shown["holds"]["expiring_days"], days);
        let failed = service.call("POST", &errors, r#"{"code": "gone", "status": 401}"#).await;
        assert_eq!(failed.json()["reauthorization_required"], true, "{failed:?}");
        let why = service.call("GET", &format!("{one}/why"), "").await.json();
        let version = if kind.contains("Hook") { "0.1.1" } else { "0.2.1" };
        assert_eq!((&why["policy"], &why["evidence"][0]["number"]), (&json!(version), &json!(2)));
        assert_eq!(why["incident"]["count"], 2, "{why}");
        for path in [own, format!("{one}/why")] {
            let theirs = path.replacen('1', "2", 1);
            assert_eq!(service.call("GET", &theirs, "").await.status, 404, "{theirs}");
        }
    }
}
