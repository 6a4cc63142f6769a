use events::installation::Role;
use serde_json::json;

use crate::http::testing::{ADMIN, Answer, Service, furnished};

async fn nodes(service: &Service, token: Option<&str>) -> Answer {
    let request = axum::http::Request::builder().uri("/api/v1/nodes");
    let request = match token {
        Some(token) => request.header("api_access_token", token),
        None => request,
    };
    service.send(request.body(axum::body::Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_node_alone_works_everything() {
    let service = furnished().await;
    let webhook = r#"{"url":"https://example.com/hook","subscriptions":["inbox_updated"]}"#;
    assert_eq!(service.call("POST", "1/webhooks", webhook).await.status, 200);
    let shown = nodes(&service, Some(ADMIN)).await;
    assert_eq!(shown.status, 200);
    let shown = shown.json();
    assert_eq!(shown["node"], "one");
    let all = shown["nodes"].as_array().unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((&all[0]["this"], &all[0]["state"]), (&json!(true), &json!("working")));
    let works = json!({ "fanout": true, "expiry": true, "webhooks": [1] });
    assert_eq!(all[0]["works"], works);
}

#[tokio::test]
async fn only_administrators_of_the_installation_see_the_nodes() {
    let service = furnished().await;
    assert_eq!(nodes(&service, None).await.status, 401);
    assert_eq!(nodes(&service, Some("rl_unheard_of")).await.status, 401);
    for role in [Role::Administrator, Role::Agent, Role::Ingest] {
        let token = service.token(role).await;
        assert_eq!(nodes(&service, Some(&token)).await.status, 401, "{role:?}");
    }
}
