//! Who may do what: tokens, roles, and accounts that do not see each other.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::{Answer, Api};
use crate::relink::{ADMIN, Place};
use crate::steps::{INBOX, fail, message, register, register_account, subscribe};

const NOT_AUTHORIZED: &str = "You are not authorized to do this action";

/// Fails unless it was forbidden: 401 on Chatwoot's routes, 403 on our own.
#[track_caller]
fn refused(answer: &Answer) {
    assert!([401, 403].contains(&answer.status.as_u16()), "{}: {}", answer.status, answer.body);
}

#[tokio::test]
async fn case_47_webhooks_are_for_administrators() {
    let place = Place::new();
    let agent = place.token(1, "agent").await;
    let ingest = place.token(1, "ingest").await;
    let administrator = place.token(1, "administrator").await;
    let relink = place.serve().await;
    let admin = relink.api();
    register(&admin).await;
    let webhook = subscribe(&admin, "https://example.com/hook", &["message_created"]).await;
    let path = format!("/webhooks/{}", webhook["id"]);

    let refused = json!({ "error": NOT_AUTHORIZED });
    for token in [&agent, &ingest] {
        let api = admin.by(token);
        let body = json!({ "url": "https://example.com/mine" });
        assert_eq!(api.get("/webhooks").await.json(401), refused);
        assert_eq!(api.post("/webhooks", body.clone()).await.json(401), refused);
        assert_eq!(api.patch(&path, body.clone()).await.json(401), refused);
        assert_eq!(api.put(&path, body).await.json(401), refused);
        assert_eq!(api.delete(&path).await.json(401), refused);
    }
    let api = admin.by(&administrator);
    assert_eq!(api.get("/webhooks").await.json(200)["payload"]["webhooks"][0], webhook);
}

#[tokio::test]
async fn an_agent_looks_and_an_ingest_token_reports() {
    let place = Place::new();
    let agent = place.token(1, "agent").await;
    let ingest = place.token(1, "ingest").await;
    let relink = place.serve().await;
    let admin = relink.api();
    register(&admin).await;

    let agent = admin.by(&agent);
    assert_eq!(agent.get("/inboxes").await.status, 200);
    assert_eq!(agent.get(INBOX).await.status, 200);
    assert_eq!(agent.get("/health").await.status, 200);
    assert_eq!(agent.get(&format!("{INBOX}/timeline")).await.status, 200);
    // It would show whole urls and bodies.
    refused(&agent.get("/webhooks/1/timeline").await);
    refused(&agent.get("/webhooks/1/deliveries").await);
    let inbox = json!({ "name": "Mine", "channel_type": "Channel::Email" });
    let event = json!({ "event": "message_created", "data": {} });
    refused(&agent.put("/inboxes/43", inbox.clone()).await);
    refused(&agent.delete(INBOX).await);
    refused(&fail(&agent).await);
    refused(&agent.post("/events", event).await);

    let ingest = admin.by(&ingest);
    assert_eq!(fail(&ingest).await.json(200)["authorization_error_count"], 1);
    message(&ingest, "reported").await;
    refused(&ingest.put("/inboxes/43", inbox).await);
    refused(&ingest.delete(INBOX).await);
    assert_eq!(admin.get(INBOX).await.status, 200, "nobody deleted it");
}

#[tokio::test]
async fn a_token_that_is_made_beside_the_service_is_good_at_once() {
    let place = Place::new();
    let relink = place.serve().await;
    let admin = relink.api();
    register(&admin).await;
    for _ in 0..3 {
        let ingest = place.token(1, "ingest").await;
        fail(&admin.by(&ingest)).await.json(200);
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_beside_the_service_is_refused_when_the_command_ends() {
    let place = Place::new();
    let relink = place.serve().await;
    let admin = relink.api();
    register(&admin).await;
    let (gone, kept) = (place.token(1, "ingest").await, place.token(1, "ingest").await);
    fail(&admin.by(&gone)).await.json(200);
    let listed = place.run_well(&["token", "list"]).await;
    assert_eq!(listed.lines().filter(|line| line.ends_with("good")).count(), 2, "{listed}");
    let said = place.run_well(&["token", "revoke", &gone]).await;
    assert!(said.contains("token 1 (ingest of account 1) is revoked"), "{said}");
    assert!(!said.contains(&gone), "{said}");
    assert_eq!(fail(&admin.by(&gone)).await.status, 401);
    fail(&admin.by(&kept)).await.json(200);
    let begun = tokio::time::Instant::now();
    let again = place.run_well(&["token", "revoke", "1"]).await;
    assert!(begun.elapsed() >= Duration::from_millis(500), "whoever serves may not have heard yet");
    assert!(again.contains("was revoked already"), "{again}");
    let listed = place.run_well(&["token", "list", "--account", "1", "--json"]).await;
    assert!(!listed.contains(&gone) && !listed.contains("hash"), "{listed}");
    let first: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    assert_eq!((&first["token"], &first["revoked_by"]), (&json!(1), &json!("relink/cli")));
    for unknown in ["9", "rl_nobody"] {
        place.run(&["token", "revoke", unknown]).await.refused(1);
    }
    for mistyped in ["nobody", &format!("x{gone}"), &format!("--{gone}")] {
        let ended = place.run(&["token", "revoke", mistyped]).await;
        assert!(!ended.refused(2).said().contains(mistyped), "{ended:?}");
    }
    assert_eq!(place.log_of("installation.token_revoked").await.len(), 1);
}

#[tokio::test]
async fn an_administrators_token_that_was_made_is_revoked_and_the_next_start_makes_another() {
    let place = Place::new().unset("RELINK_ADMIN_TOKEN");
    let token = |said: String| {
        let (_, token) = said.split_once("administrator token (shown only now): ").unwrap();
        token.lines().next().unwrap().to_owned()
    };
    let relink = place.serve().await;
    let first = token(relink.says(|text| text.contains("shown only now")).await);
    let api = relink.api().by(&first);
    register_account(&api).await;
    place.run_well(&["token", "revoke", "1"]).await;
    assert_eq!(api.get("/webhooks").await.status, 401);
    assert!(relink.terminate().await.success());
    let relink = place.serve().await;
    let second = token(relink.says(|text| text.contains("shown only now")).await);
    assert_eq!(relink.api().by(&second).get("/webhooks").await.status, 200);
    assert_eq!(relink.api().by(&first).get("/webhooks").await.status, 401);
}

#[tokio::test]
async fn a_missing_and_a_wrong_token_are_told_apart_as_in_chatwoot() {
    let place = Place::new();
    let relink = place.serve().await;
    register_account(&relink.api()).await;
    let sign_in = "You need to sign in or sign up before continuing.";
    let nobody = relink.api().by_nobody().get("/webhooks").await.json(401);
    assert_eq!(nobody["errors"], json!([sign_in]));
    let wrong = relink.api().by("not-a-token").get("/webhooks").await.json(401);
    assert_eq!(wrong, json!({ "error": "Invalid Access Token" }));
    relink.api().by_nobody().get("/health").await.problem(401);
    relink.api().by("not-a-token").get("/health").await.problem(401);
}

#[tokio::test]
async fn a_token_may_come_in_either_header() {
    let place = Place::new();
    let relink = place.serve().await;
    register_account(&relink.api()).await;
    let nobody = relink.api().by_nobody();
    for (header, value) in [
        ("api_access_token", ADMIN.to_owned()),
        ("api-access-token", ADMIN.to_owned()),
        ("authorization", format!("Bearer {ADMIN}")),
    ] {
        let call = nobody.call(reqwest::Method::GET, "/webhooks").header(header, value);
        assert_eq!(call.send().await.unwrap().status(), 200, "{header}");
    }
}

#[tokio::test]
async fn a_token_opens_its_own_account_and_no_other() {
    let place = Place::new();
    let token = place.token(1, "administrator").await;
    let relink = place.serve().await;
    register_account(&relink.api()).await;
    register_account(&relink.api().of_account(2)).await;
    let api = relink.api().by(&token);
    assert_eq!(api.get("/webhooks").await.status, 200);
    let refused = api.of_account(2).get("/webhooks").await.json(401);
    assert_eq!(refused, json!({ "error": "You are not authorized to access this account" }));
    let other = api.of_account(2).get("/health").await;
    assert!([401, 403, 404].contains(&other.status.as_u16()), "{}", other.body);
}

/// Everything that account 2 may try with what belongs to account 1.
async fn all_are_404(other: &Api, webhook: &serde_json::Value) {
    let unknown = json!({ "error": "Resource could not be found" });
    assert_eq!(other.get(INBOX).await.status, 404);
    assert_eq!(other.delete(INBOX).await.status, 404);
    assert_eq!(fail(other).await.status, 404);
    assert_eq!(other.get(&format!("{INBOX}/timeline")).await.status, 404);
    let inbox = json!({ "name": "Stolen", "channel_type": "Channel::Email" });
    assert_eq!(other.put(INBOX, inbox).await.status, 404);
    let path = format!("/webhooks/{}", webhook["id"]);
    assert_eq!(other.patch(&path, json!({ "name": "Stolen" })).await.json(404), unknown);
    assert_eq!(other.delete(&path).await.json(404), unknown);
    assert_eq!(other.get(&format!("{path}/timeline")).await.status, 404);
    assert_eq!(other.get(&format!("{path}/deliveries")).await.status, 404);
}

#[tokio::test]
async fn what_belongs_to_another_account_is_not_there() {
    let place = Place::new();
    let relink = place.serve().await;
    let (first, second) = (relink.api(), relink.api().of_account(2));
    register(&first).await;
    register_account(&second).await;
    let webhook = subscribe(&first, "https://example.com/hook", &["message_created"]).await;
    let position = fail(&first).await.position();

    all_are_404(&second, &webhook).await;
    let health = second.get(&format!("/health?consistent_to={position}")).await.json(200);
    assert_eq!(health["inboxes"], json!([]), "{health}");
    assert_eq!(health["webhooks"], json!([]), "{health}");
    assert_eq!(first.get(INBOX).await.json(200)["name"], "Support on WhatsApp");
}

#[tokio::test]
async fn a_delivery_of_another_account_is_not_there() {
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", "1h");
    let receiver = crate::receiver::Receiver::start().await;
    let relink = place.serve().await;
    let (first, second) = (relink.api(), relink.api().of_account(2));
    register_account(&first).await;
    register_account(&second).await;
    subscribe(&first, &receiver.url("/hook"), &["message_created"]).await;
    subscribe(&second, &receiver.url("/other"), &["message_created"]).await;
    message(&first, "of the first account").await;
    let arrivals = receiver.expect(1).await;
    assert_eq!(arrivals[0].path, "/hook", "an event reaches its own account's webhooks");
    let position = place.written("delivery.delivered", 1).await;
    let path = format!("/deliveries/{}?consistent_to={position}", arrivals[0].delivery());
    first.get(&path).await.json(200);
    second.get(&path).await.problem(404);
    assert_eq!(place.log_of("delivery.queued").await.len(), 1);
}
