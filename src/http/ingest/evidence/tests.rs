use serde_json::{Value, json};

use crate::http::testing::{Service, furnished};

async fn report(service: &Service, call: &str, body: &str) -> Value {
    let answer = service.call("POST", &format!("1/inboxes/42/{call}"), body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn errors_count_to_the_threshold_and_reauthorization_clears_them() {
    let service = furnished().await;
    let meta = r#"{"provider":"meta","status":400,"code":190,"subcode":460}"#;
    let first = report(&service, "authorization_errors", meta).await;
    assert_eq!(first["authorization_error_count"], 1);
    assert_eq!((&first["threshold"], &first["class"]), (&json!(2), &json!("auth")));
    assert_eq!(first["reauthorization_required"], false);
    assert!(first["rule"].is_string() && first["scope"].is_string(), "{first}");
    let second = report(&service, "authorization_errors", "").await;
    assert_eq!(second["reauthorization_required"], true);
    assert!(second["position"].as_u64() > first["position"].as_u64());
    let cleared = report(&service, "reauthorized", "").await;
    assert_eq!(cleared["authorization_error_count"], 0);
    assert_eq!(
        (&cleared["reauthorization_required"], &cleared["class"]),
        (&json!(false), &Value::Null)
    );
    let prompted = report(&service, "prompt_reauthorization", r#"{"reason":"revoked"}"#).await;
    assert_eq!(prompted["reauthorization_required"], true);
    assert_eq!(report(&service, "authorization_successes", "").await["class"], Value::Null);
}

#[tokio::test]
async fn what_was_acknowledged_is_listed() {
    let service = furnished().await;
    report(&service, "prompt_reauthorization", "").await;
    let list = service.call("GET", "1/inboxes", "").await.json();
    let inbox = &list["payload"][0];
    assert_eq!((&inbox["id"], &inbox["state"]), (&json!(42), &json!("action_needed")));
    assert_eq!(inbox["reauthorization_required"], true);
    let shown = service.call("GET", "1/inboxes/42", "").await.json();
    assert_eq!(&shown, inbox);
}

#[tokio::test]
async fn evidence_that_cannot_be_taken_is_refused() {
    let service = furnished().await;
    let errors = "1/inboxes/42/authorization_errors";
    for (path, body, status) in [
        (errors, "{", 400),
        (errors, "[]", 422),
        (errors, r#"{"status":7}"#, 422),
        ("1/inboxes/42/reauthorized", "{", 400),
        ("1/inboxes/42/reauthorized", "[]", 422),
        ("1/inboxes/42/authorization_successes", "not json", 400),
        ("1/inboxes/42/prompt_reauthorization", "[]", 422),
        ("1/inboxes/43/authorization_errors", "", 404),
        ("2/inboxes/42/authorization_errors", "", 404),
        ("1/inboxes/x/authorization_errors", "", 404),
    ] {
        let answer = service.call("POST", path, body).await;
        assert_eq!(answer.status, status, "{path} {body}: {answer:?}");
    }
    let large = format!(r#"{{"message":"{}"}}"#, "x".repeat(1 << 20));
    assert_eq!(service.call("POST", errors, &large).await.status, 413);
}

#[tokio::test(start_paused = true)]
async fn a_position_that_never_comes_is_waited_for_and_given_up() {
    let service = furnished().await;
    let late = service.call("GET", "1/inboxes?consistent_to=1000000", "").await;
    assert_eq!((late.status, &late.head.headers["retry-after"]), (503, &"1".parse().unwrap()));
    assert_eq!(service.call("GET", "1/inboxes?consistent_to=1", "").await.status, 200);
    for bad in ["x", "-1", "1&consistent_to=1000000"] {
        let answer = service.call("GET", &format!("1/inboxes?consistent_to={bad}"), "").await;
        assert_eq!(answer.status, 400, "{bad}: {answer:?}");
    }
    assert_eq!(service.call("GET", "1/inboxes?consistent_to=", "").await.status, 200);
}

#[tokio::test]
async fn a_status_that_is_none_is_quoted_as_it_came() {
    let service = furnished().await;
    let answer =
        service.call("POST", "1/inboxes/42/authorization_errors", r#"{"status":-1}"#).await;
    assert_eq!(answer.json()["message"], "status -1 is not between 100 and 999");
}

#[tokio::test]
async fn what_says_something_that_nobody_knows_counts_for_nothing() {
    let service = furnished().await;
    let page = r#"{"body":"<html>502 Bad Gateway</html>"}"#;
    let told = report(&service, "authorization_errors", page).await;
    assert_eq!(
        (&told["class"], &told["authorization_error_count"]),
        (&json!("unknown"), &json!(0))
    );
    let told = report(&service, "authorization_errors", "{}").await;
    assert_eq!((&told["class"], &told["authorization_error_count"]), (&json!("auth"), &json!(1)));
}
