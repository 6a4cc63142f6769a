use super::*;

async fn body(response: Response) -> Value {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn a_native_problem_has_the_members_of_rfc_9457_and_chatwoots_error() {
    let response = Problem::Busy.into_response();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[RETRY_AFTER], "1");
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    let detail = Problem::Busy.to_string();
    let expected = json!({
        "type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": detail,
        "code": "busy", "error": detail,
    });
    assert_eq!(body(response).await, expected);
}

#[tokio::test]
async fn a_chatwoot_problem_has_chatwoots_shapes() {
    let signed_out = chatwoot(Problem::SignedOut.into_response()).await;
    assert_eq!(signed_out.status(), StatusCode::UNAUTHORIZED);
    let expected = json!({"errors": ["You need to sign in or sign up before continuing."]});
    assert_eq!(body(signed_out).await, expected);

    let forbidden = chatwoot(Problem::Forbidden.into_response()).await;
    assert_eq!(forbidden.status(), StatusCode::UNAUTHORIZED);
    let expected = json!({"error": "You are not authorized to do this action"});
    assert_eq!(body(forbidden).await, expected);

    let invalid = chatwoot(Problem::invalid("url", "Url is invalid").into_response()).await;
    assert_eq!(invalid.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(invalid.headers()[CONTENT_TYPE], "application/json");
    let expected = json!({"message": "Url is invalid", "attributes": ["url"]});
    assert_eq!(body(invalid).await, expected);
}

#[test]
fn what_an_engine_says_is_not_told() {
    let reason = "unable to open /var/lib/relink/relink.db on db-1.internal".to_owned();
    let problem = Problem::from(events::Failure::Unavailable { reason });
    assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(problem.is_passing());
    assert!(!problem.native_body().to_string().contains("internal"), "{problem}");
}

#[tokio::test]
async fn a_damaged_log_is_not_to_be_asked_again_in_a_second() {
    let reason = "/var/lib/relink is torn".to_owned();
    let damage = events::Failure::Corrupt { position: Some(events::Position(7)), reason };
    let response = Problem::from(damage).into_response();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!response.headers().contains_key(RETRY_AFTER));
    let body = body(response).await;
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("behind position 7") && detail.contains("relink verify"), "{detail}");
    assert!(!detail.contains("/var/lib") && !detail.contains("try again"), "{detail}");
}

#[tokio::test]
async fn no_problem_is_larger_than_a_page_whatever_it_repeats() {
    let long = "\u{7f}".repeat(1 << 20);
    let repeating = || {
        let (message, details) = (long.clone(), vec![format!("{long:?}")]);
        let invalid = Problem::Invalid { message, attributes: vec!["url"], details };
        [Problem::Malformed(format!("limit: {long:?} is no number")), invalid]
    };
    for problem in repeating() {
        let size = problem.native_body().to_string().len();
        assert!(size < 16 << 10, "{size}");
    }
    for problem in repeating() {
        let body = body(chatwoot(problem.into_response()).await).await;
        assert!(body.to_string().len() < 16 << 10, "{}", body.to_string().len());
    }
}
