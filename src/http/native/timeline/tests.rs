use serde_json::Value;

use crate::http::testing::Service;

async fn service() -> Service {
    let service = Service::start().await;
    service.call("PUT", "1", r#"{"name": "Acme"}"#).await;
    let body = r#"{"url": "https://example.com/hook"}"#;
    assert_eq!(service.call("POST", "1/webhooks", body).await.status, 200);
    for name in ["one", "two", "three"] {
        let body = format!(r#"{{"name": "{name}"}}"#);
        assert_eq!(service.call("PATCH", "1/webhooks/1", &body).await.status, 200);
    }
    service
}

fn kinds(page: &Value) -> Vec<&str> {
    let events = page["events"].as_array().unwrap();
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_timeline_is_newest_first_and_says_who_and_why() {
    let service = service().await;
    let page = service.call("GET", "1/webhooks/1/timeline", "").await.json();
    let renamed = "webhook.renamed";
    assert_eq!(kinds(&page), [renamed, renamed, renamed, "webhook.created"]);
    assert_eq!(page["next_before"], Value::Null);
    let newest = &page["events"][0];
    assert_eq!(newest["actor"], "admin");
    assert_eq!(newest["data"]["name"], "three");
    assert!(newest["correlation_id"].is_string() && newest["causation_id"].is_string());
    let secret = &page["events"][3]["data"]["secret"];
    assert!(secret.as_str().unwrap().starts_with("sealed under key"), "{secret}");
}

#[tokio::test]
async fn a_page_says_what_to_ask_for_next() {
    let service = service().await;
    let first = service.call("GET", "1/webhooks/1/timeline?limit=3", "").await.json();
    assert_eq!(kinds(&first).len(), 3);
    let path = format!("1/webhooks/1/timeline?before={}", first["next_before"]);
    let rest = service.call("GET", &path, "").await.json();
    assert_eq!(kinds(&rest), ["webhook.created"]);
}

#[tokio::test]
async fn another_accounts_subject_has_no_timeline() {
    let service = service().await;
    service.call("PUT", "2", r#"{"name": "Other"}"#).await;
    for path in ["2/webhooks/1/timeline", "1/webhooks/9/timeline", "1/inboxes/9/timeline"] {
        assert_eq!(service.call("GET", path, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_deleted_webhook_keeps_its_timeline() {
    let service = service().await;
    service.call("DELETE", "1/webhooks/1", "").await;
    let page = service.call("GET", "1/webhooks/1/timeline?limit=1", "").await.json();
    assert_eq!(kinds(&page), ["webhook.deleted"]);
}

#[tokio::test]
async fn parameters_that_mean_nothing_are_named() {
    let service = service().await;
    for query in ["limit=many", "limit=0", "limit=201", "before=noon"] {
        let path = format!("1/webhooks/1/timeline?{query}");
        let answer = service.call("GET", &path, "").await;
        assert_eq!(answer.status, 400, "{query}");
        let name = query.split('=').next().unwrap();
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(name), "{}", answer.text);
    }
}
