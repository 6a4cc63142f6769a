use axum::body::Body;
use events::TokenId;
use events::installation::Role;
use serde_json::json;

use crate::http::testing::{Answer, Service, furnished, request, revoke};

async fn ask(service: &Service, method: &str, path: &str, header: (&str, &str)) -> Answer {
    let request = request(method, path).header(header.0, header.1);
    service.send(request.body(Body::empty()).unwrap()).await
}

async fn as_holder(service: &Service, token: &str, method: &str, path: &str) -> u16 {
    ask(service, method, path, ("api_access_token", token)).await.status
}

#[tokio::test]
async fn a_token_is_taken_from_any_of_three_headers() {
    let service = furnished().await;
    let token = service.token(Role::Agent).await;
    let bearer = format!("bearer {token}");
    for header in [
        ("api_access_token", token.as_str()),
        ("api-access-token", &token),
        ("authorization", &bearer),
    ] {
        assert_eq!(ask(&service, "GET", "1/inboxes", header).await.status, 200, "{header:?}");
    }
}

#[tokio::test]
async fn who_is_nobody_is_told_so_in_chatwoots_words() {
    let service = furnished().await;
    let none = ask(&service, "GET", "1/inboxes", ("x-nothing", "")).await;
    let expected = json!({"errors": ["You need to sign in or sign up before continuing."]});
    assert_eq!((none.status, none.json()), (401, expected));
    let bad = ask(&service, "GET", "1/inboxes", ("api_access_token", "rl_bad")).await;
    assert_eq!((bad.status, bad.json()), (401, json!({"error": "Invalid Access Token"})));
    let token = service.token(Role::Administrator).await;
    let other = ask(&service, "GET", "2/inboxes", ("api_access_token", &token)).await;
    let expected = json!({"error": "You are not authorized to access this account"});
    assert_eq!((other.status, other.json()), (401, expected));
}

#[tokio::test]
async fn every_role_may_do_its_own_and_an_administrator_everything() {
    let service = furnished().await;
    let calls = [
        ("GET", "1/inboxes", Role::Agent, 200),
        ("GET", "1/inboxes/42", Role::Agent, 200),
        ("POST", "1/inboxes/42/reauthorized", Role::Ingest, 200),
        ("POST", "1/events", Role::Ingest, 400),
        ("GET", "1", Role::Administrator, 200),
        ("PUT", "1/inboxes/42", Role::Administrator, 400),
    ];
    for role in Role::ALL {
        let token = service.token(*role).await;
        for (method, path, needed, status) in calls {
            let may = *role == needed || *role == Role::Administrator;
            let expected = if may { status } else { 401 };
            let found = as_holder(&service, &token, method, path).await;
            assert_eq!(found, expected, "{role} {method} {path}");
        }
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_problems() {
    let service = furnished().await;
    let nowhere = service.call("GET", "1/nowhere", "").await;
    assert_eq!((nowhere.status, nowhere.json()["code"].as_str()), (404, Some("no_route")));
    let wrong = service.call("PATCH", "1/health", "").await;
    assert_eq!((wrong.status, wrong.json()["code"].as_str()), (405, Some("wrong_method")));
    assert_eq!(wrong.head.headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_wrong_method_is_told_in_chatwoots_words_where_the_path_is_chatwoots() {
    let service = furnished().await;
    for path in ["1/webhooks", "1/webhooks/1", "1/inboxes/42"] {
        let wrong = service.call("TRACE", path, "").await;
        let expected = json!({ "error": "this path does not answer this method" });
        assert_eq!((wrong.status, wrong.json()), (405, expected), "{path}");
        assert_eq!(wrong.head.headers["content-type"], "application/json");
    }
}

#[tokio::test]
async fn a_request_id_is_echoed_or_made_up() {
    let service = furnished().await;
    let given = ask(&service, "GET", "1/inboxes", ("x-request-id", "abc")).await;
    assert_eq!(given.head.headers["x-request-id"], "abc");
    let made = service.call("GET", "1/inboxes", "").await;
    assert_eq!(made.head.headers["x-request-id"].len(), 36);
}

#[tokio::test]
async fn a_token_that_is_revoked_is_no_token_and_the_others_are() {
    let service = furnished().await;
    let (gone, kept) = (service.token(Role::Agent).await, service.token(Role::Agent).await);
    assert_eq!(as_holder(&service, &gone, "GET", "1/inboxes").await, 200);
    revoke(&service.app, TokenId(1)).await;
    let refused = ask(&service, "GET", "1/inboxes", ("api_access_token", &gone)).await;
    assert_eq!((refused.status, refused.json()), (401, json!({"error": "Invalid Access Token"})));
    assert_eq!(as_holder(&service, &kept, "GET", "1/inboxes").await, 200);
}

#[tokio::test]
async fn of_an_account_that_nobody_registered_there_is_nothing_to_read() {
    let service = furnished().await;
    for path in [
        "",
        "/inboxes",
        "/webhooks",
        "/integrations/apps",
        "/integrations/apps/slack",
        "/automation_rules",
        "/audit_logs",
        "/cache_keys",
        "/health",
        "/incidents",
        "/incidents?at=1",
        "/expiring",
        "/policies",
        "/mail/deliveries",
        "/mail/why",
        "/live",
    ] {
        for method in ["GET", "HEAD"] {
            let answer = service.call(method, &format!("9{path}"), "").await;
            assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
        }
    }
    let shown = service.call("GET", "9/inboxes", "").await;
    assert_eq!(shown.json(), json!({"error": "Resource could not be found"}));
}
