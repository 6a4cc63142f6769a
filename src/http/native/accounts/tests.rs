use serde_json::json;

use crate::http::testing::Service;

const ACME: &str = r#"{"name":" Acme ","administrator_emails":["a@example.com"]}"#;

#[tokio::test]
async fn an_account_is_registered_and_then_updated() {
    let service = Service::start().await;
    let first = service.call("PUT", "1", ACME).await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.json()["name"], "Acme");
    let second = service.call("PUT", "1", r#"{"name":"Acme 2"}"#).await;
    assert_eq!(second.status, 200);
    let shown = service.call("GET", "1", "").await.json();
    let expected = json!(["a@example.com"]);
    assert_eq!((&shown["name"], &shown["administrator_emails"]), (&json!("Acme 2"), &expected));
}

#[tokio::test]
async fn an_account_that_nobody_registered_is_not_there() {
    let service = Service::start().await;
    for path in ["1", "one", "+1", "99999999999999999999"] {
        let answer = service.call("GET", path, "").await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (404, Some("no_resource")));
    }
}

#[tokio::test]
async fn what_cannot_be_an_account_is_refused() {
    let service = Service::start().await;
    for (body, status) in [
        (r#"{"name":" "}"#, 422),
        (r#"{}"#, 422),
        (r#"{"name":"A","administrator_emails":["nobody"]}"#, 422),
        (r#"{"name":"A","administrator_emails":["a..b@acme.example"]}"#, 422),
        (r#"{"name":"A","administrator_emails":"a@example.com"}"#, 422),
        (r#"{"name":"A","name":"B"}"#, 422),
        (r#"{"name":"#, 400),
        ("", 400),
    ] {
        let answer = service.call("PUT", "1", body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert_eq!(answer.head.headers["content-type"], "application/problem+json");
    }
    let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(1 << 20));
    assert_eq!(service.call("PUT", "1", &large).await.status, 413);
}

#[tokio::test]
async fn nothing_new_has_an_id_that_readers_of_json_do_not_hold() {
    let service = Service::start().await;
    assert_eq!(service.call("PUT", "1", ACME).await.status, 201);
    let inbox = r#"{"name":"Support","channel_type":"Channel::Whatsapp"}"#;
    for (under, body) in [("", ACME), ("1/inboxes/", inbox)] {
        let put = async |id: u64| service.call("PUT", &format!("{under}{id}"), body).await;
        assert_eq!(put((1 << 53) - 1).await.status, 201);
        let refused = put(1 << 53).await;
        assert_eq!(refused.status, 422, "{refused:?}");
        let told = refused.json();
        assert_eq!(told["attributes"], json!(["id"]));
        let text = "Id must be less than or equal to 9007199254740991";
        assert_eq!(told["message"], text);
    }
}
