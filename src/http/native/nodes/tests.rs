use events::delivery::{Event, Queued};
use events::installation::Role;
use events::{AccountId, Category, DeliveryId, EndpointId, EventId, InboxId, StreamName};
use serde_json::json;
use uuid::Uuid;

use crate::history::{append, second};
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
    for endpoint in [EndpointId::Inbox(InboxId(9)), EndpointId::Mail(AccountId(1))] {
        owe(&service, endpoint).await;
    }
    let shown = nodes(&service, Some(ADMIN)).await;
    assert_eq!(shown.status, 200);
    let shown = shown.json();
    assert_eq!(shown["node"], "one");
    let all = shown["nodes"].as_array().unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((&all[0]["this"], &all[0]["state"]), (&json!(true), &json!("working")));
    let ledgers = json!({ "webhooks": [1], "inboxes": [9], "mail": [1] });
    for (kind, expected) in ledgers.as_object().unwrap() {
        assert_eq!(&all[0]["works"][kind], expected);
    }
    for part in ["fanout", "expiry"] {
        assert_eq!(all[0]["works"][part], true);
    }
}

async fn owe(service: &Service, endpoint: EndpointId) {
    let source = EventId(Uuid::from_u128(1));
    let owed: Event = Queued {
        delivery: DeliveryId::of(source, endpoint),
        account: AccountId(1),
        event: "message_created".to_owned(),
        source,
        body: "{}".to_owned(),
        // So far ahead that no attempt begins.
        due: second(40_000_000_000),
        key: None,
    }
    .into();
    let ledger = StreamName::new(Category::Ledger, endpoint);
    let position = append(&*service.app.store, &ledger, owed, 10).await;
    service.app.acknowledge(position);
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
