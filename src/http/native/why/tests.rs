use serde_json::{Value, json};

use crate::http::testing::{Service, furnished};

async fn why(service: &Service) -> Value {
    let answer = service.call("GET", "1/inboxes/42/why", "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn a_transition_is_explained_by_the_reports_that_decided_it() {
    let service = furnished().await;
    let errors = "1/inboxes/42/authorization_errors";
    let meta = r#"{"provider":"meta","status":400,"code":190,"subcode":460}"#;
    for body in [meta, r#"{"status":429}"#, meta, r#"{"status":503}"#] {
        service.call("POST", errors, body).await;
    }
    let why = why(&service).await;
    assert_eq!((&why["state"], &why["policy"]), (&json!("action_needed"), &json!("0.0.0")));
    let numbers: Vec<_> =
        why["evidence"].as_array().unwrap().iter().map(|one| &one["number"]).collect();
    assert_eq!(numbers, [3, 1], "neither the 429 nor the 503 decided anything");
    assert_eq!(why["evidence"][0]["confirmed"], true);
    assert_eq!(why["incident"]["count"], 4);
    let explanation = why["explanation"].as_str().unwrap();
    assert!(explanation.contains("2 reports decided it, by policy 0.0.0"), "{explanation}");
}

#[tokio::test]
async fn a_block_is_explained_with_what_to_do() {
    let service = furnished().await;
    let banned = r#"{"provider":"whatsapp","code":131031}"#;
    service.call("POST", "1/inboxes/42/authorization_errors", banned).await;
    let why = why(&service).await;
    assert_eq!((&why["state"], &why["policy"]), (&json!("blocked"), &Value::Null));
    assert_eq!(why["evidence"][0]["rule"], "whatsapp 131031");
    assert!(why["next_action"].is_string());
}

#[tokio::test]
async fn calm_needs_no_reports_and_others_inboxes_are_none() {
    let service = furnished().await;
    assert_eq!(why(&service).await["evidence"], json!([]));
    service.call("POST", "1/inboxes/42/prompt_reauthorization", r#"{"reason":"gone"}"#).await;
    let prompted = why(&service).await;
    assert_eq!((&prompted["cause"], &prompted["evidence"]), (&json!("prompted: gone"), &json!([])));
    assert_eq!(service.call("GET", "2/inboxes/42/why", "").await.status, 404);
    assert_eq!(service.call("GET", "1/inboxes/43/why", "").await.status, 404);
}
