use axum::body::Body;
use events::installation::Role;
use events::{AccountId, Actor, TokenId};

use super::*;
use crate::http::testing::{Service, furnished, request, revoke};

fn caller(account: u64, role: Role) -> Caller {
    Caller { actor: Actor::ADMIN, token: None, account: AccountId(account), role }
}

/// What a follower tells until it has said how far it is.
async fn told(service: &Service, caller: Caller) -> Vec<String> {
    let (sender, mut receiver) = mpsc::channel(UNREAD_MAX);
    let follower = Follower::new(&service.app, caller, Position::START, sender);
    let running = tokio::spawn(follower.run());
    let mut told = vec![];
    let head = service.app.store.head().await.unwrap();
    while let Some(frame) = receiver.recv().await {
        let frame = String::from_utf8(frame.to_vec()).unwrap();
        let alive = frame.strip_prefix(": alive\nid: ");
        match alive.map(|position| Position(position.trim().parse().unwrap())) {
            // So far everything is told; the service itself goes on writing.
            Some(position) if position >= head => break,
            Some(_) => {}
            None => told.push(frame),
        }
    }
    drop(receiver);
    running.await.unwrap();
    told
}

fn kinds(told: &[String]) -> Vec<&str> {
    let lines = told.iter().flat_map(|frame| frame.lines());
    lines.filter_map(|line| line.strip_prefix("event: ")).collect()
}

#[tokio::test(start_paused = true)]
async fn an_account_sees_its_own_and_an_agent_no_settings() {
    let service = furnished().await;
    let administrator = told(&service, caller(1, Role::Administrator)).await;
    assert_eq!(administrator[0], "retry: 2000\n\n");
    assert_eq!(kinds(&administrator), ["account.registered", "inbox.registered"]);
    assert_eq!(kinds(&told(&service, caller(1, Role::Agent)).await), ["inbox.registered"]);
    assert_eq!(
        kinds(&told(&service, caller(2, Role::Administrator)).await),
        ["account.registered"]
    );
    let shown = administrator.last().unwrap();
    let data = shown.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert!(shown.starts_with(&format!("id: {}\n", data["position"])), "{shown}");
    assert_eq!((&data["stream"], &data["account_id"]), (&"inbox-42".into(), &1.into()));
}

#[tokio::test(start_paused = true)]
async fn of_hooks_and_rules_an_agent_sees_whether_they_work_and_no_settings() {
    let service = furnished().await;
    let rule = r#"{"name":"r","event_name":"conversation_created","conditions":[],
        "actions":[{"action_name":"send_email_to_team","action_params":["secret-plan"]}]}"#;
    let hook =
        r#"{"app_id":"slack","reference_id":"C1","settings":{"channel_name":"secret-plan"}}"#;
    for (path, body) in [
        ("1/automation_rules", rule),
        ("1/integrations/hooks", hook),
        ("1/automation_rules/1/authorization_errors", ""),
        ("1/integrations/hooks/1/authorization_errors", ""),
    ] {
        let answer = service.call("POST", path, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let agent = told(&service, caller(1, Role::Agent)).await;
    assert!(!agent.concat().contains("secret-plan"), "{agent:?}");
    let seen = |kind: &str| kinds(&agent).contains(&kind);
    assert!(seen("rule.authorization_error_recorded"), "{agent:?}");
    assert!(seen("hook.authorization_error_recorded"), "{agent:?}");
    assert!(!seen("rule.created") && !seen("hook.created"), "{agent:?}");
    let administrator = told(&service, caller(1, Role::Administrator)).await;
    let seen = |kind: &str| kinds(&administrator).contains(&kind);
    assert!(seen("rule.created") && seen("hook.created"), "{administrator:?}");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_cut_off() {
    let service = furnished().await;
    let (sender, mut receiver) = mpsc::channel(1);
    let caller = caller(1, Role::Administrator);
    Follower::new(&service.app, caller, Position::START, sender).run().await;
    assert!(receiver.recv().await.is_some(), "what it had room for");
    assert!(receiver.recv().await.is_none(), "and then the end");
}

#[tokio::test]
async fn it_ends_for_whose_token_is_revoked_and_for_no_other() {
    let service = furnished().await;
    service.token(Role::Agent).await;
    service.token(Role::Agent).await;
    let by = |number| {
        let token = Some(TokenId(number));
        let (sender, receiver) = mpsc::channel(UNREAD_MAX);
        let caller = Caller { token, ..caller(1, Role::Agent) };
        let follower = Follower::new(&service.app, caller, Position::START, sender);
        (tokio::spawn(follower.run()), receiver)
    };
    let ((first, _kept), (second, mut receiver)) = (by(1), by(2));
    revoke(&service.app, TokenId(1)).await;
    first.await.unwrap();
    assert!(receiver.recv().await.is_some() && !second.is_finished());
    second.abort();
    let (late, mut receiver) = by(1);
    late.await.unwrap();
    assert_eq!(receiver.recv().await.unwrap(), "retry: 2000\n\n");
    assert_eq!(receiver.recv().await, None, "nor from an old position");
}

#[tokio::test]
async fn it_ends_when_the_service_stops() {
    let service = furnished().await;
    let (sender, mut receiver) = mpsc::channel(UNREAD_MAX);
    let caller = caller(1, Role::Administrator);
    let follower = Follower::new(&service.app, caller, Position::START, sender);
    let running = tokio::spawn(follower.run());
    assert!(receiver.recv().await.is_some());
    service.app.stopping.send_replace(true);
    running.await.unwrap();
}

#[tokio::test]
async fn what_is_no_position_is_refused_and_so_are_those_who_may_not() {
    let service = furnished().await;
    assert_eq!(service.call("GET", "1/live?after=x", "").await.status, 400);
    let token = service.token(Role::Agent).await;
    let call = |path: &str, token: &str| {
        let request = request("GET", path).header("api_access_token", token);
        request.header("last-event-id", "-1").body(Body::empty()).unwrap()
    };
    assert_eq!(service.send(call("1/live", &token)).await.status, 400);
    assert_eq!(service.send(call("2/live", &token)).await.status, 401);
    let ingest = service.token(Role::Ingest).await;
    assert_eq!(service.send(call("1/live", &ingest)).await.status, 401);
}
