use std::sync::Arc;

use events::Position;
use serde_json::{Value, json};

use crate::history::Staged;
use crate::http::testing::{Service, furnished};

async fn report(service: &Service, call: &str, body: &str) -> Value {
    let answer = service.call("POST", &format!("1/inboxes/42/{call}"), body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn listed(service: &Service, query: &str) -> Vec<Value> {
    let answer = service.call("GET", &format!("1/incidents?{query}"), "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["incidents"].as_array().unwrap().clone()
}

/// What is told, but for what passing time changes.
fn without_durations(told: &Value) -> Value {
    let mut told = told.clone();
    told["as_of"] = Value::Null;
    for list in ["installation", "incidents"] {
        for one in told[list].as_array_mut().unwrap() {
            one["duration_s"] = Value::Null;
        }
    }
    told
}

#[tokio::test]
async fn an_incident_is_listed_muted_and_closed_by_hand() {
    let service = furnished().await;
    let first = report(&service, "authorization_errors", "").await;
    report(&service, "authorization_errors", "").await;
    let open = listed(&service, "state=open").await;
    assert_eq!((open.len(), &open[0]["id"]), (1, &json!("inbox-42-1")));
    assert_eq!(
        (&open[0]["count"], &open[0]["cause"]),
        (&json!(2), &json!("threshold: 2 of 2, auth"))
    );
    let muted = service.call("POST", "1/incidents/inbox-42-1/mute", "").await;
    assert_eq!(muted.status, 200, "{muted:?}");
    assert_eq!(
        (&muted.json()["muted"], &muted.json()["muted_by"]),
        (&json!(true), &json!("admin"))
    );
    assert_eq!(listed(&service, "muted=false").await.len(), 0);
    let unmuted = service.call("POST", "1/incidents/inbox-42-1/unmute", "").await.json();
    assert_eq!(unmuted["muted"], false);
    let closed = service.call("POST", "1/incidents/inbox-42-1/close", "").await.json();
    assert_eq!((&closed["ended"], &closed["ended_by"]), (&json!("by_hand"), &json!("admin")));
    assert_eq!(listed(&service, "state=open").await.len(), 0);
    assert_eq!(listed(&service, "state=closed&subject=inbox/42&class=auth").await.len(), 1);
    let again = service.call("POST", "1/incidents/inbox-42-1/close", "").await;
    assert_eq!(again.status, 409, "{again:?}");
    let position = &first["position"];
    let then = listed(&service, &format!("at={position}")).await;
    assert_eq!((&then[0]["state"], &then[0]["count"]), (&json!("open"), &json!(1)));
    let timeline = service.call("GET", "1/inboxes/42/timeline", "").await.text;
    for kind in ["inbox.incident_muted", "inbox.incident_unmuted"] {
        assert!(timeline.contains(kind), "{timeline}");
    }
}

#[tokio::test]
async fn what_the_app_has_is_shown_to_each_account_as_far_as_it_is_touched() {
    let service = furnished().await;
    let secret = r#"{"provider":"microsoft","code":"invalid_client","subcode":"AADSTS7000222"}"#;
    let answer = report(&service, "authorization_errors", secret).await;
    assert_eq!((&answer["class"], &answer["scope"]), (&json!("config"), &json!("app")));
    assert_eq!(answer["authorization_error_count"], 0);
    let shown = service.call("GET", "1/incidents", "").await.json();
    assert_eq!(shown["incidents"], json!([]));
    assert_eq!(shown["installation"][0]["subjects"], json!(["inbox/42"]));
    let theirs = service.call("GET", "2/incidents", "").await.json();
    assert_eq!(theirs["installation"], json!([]));
    report(&service, "authorization_successes", "").await;
    let shown = service.call("GET", "1/incidents?state=closed", "").await.json();
    assert_eq!(shown["installation"][0]["ended"], "healed");
}

#[tokio::test]
async fn what_the_app_had_is_told_of_the_past_as_it_was_told_then() {
    let service = furnished().await;
    for inbox in 1..=5 {
        let body = r#"{"name":"n","channel_type":"Channel::Email"}"#;
        service.call("PUT", &format!("1/inboxes/{inbox}"), body).await;
    }
    let before = report(&service, "authorization_errors", "").await["position"].clone();
    // Given a burst that is suspected to be the app's, and that is over
    let refused = r#"{"provider":"google","status":400,"body":{"error":"invalid_grant"}}"#;
    let mut reported = Value::Null;
    for inbox in 1..=5 {
        let path = format!("1/inboxes/{inbox}/authorization_errors");
        reported = service.call("POST", &path, refused).await.json()["position"].clone();
    }
    let told = service.call("GET", "1/incidents", "").await.json();
    assert_eq!(told["installation"][0]["affected"], 5, "{told}");
    assert_eq!(told["incidents"][0]["part_of"], "app-1", "{told}");
    service.call("POST", "1/inboxes/3/authorization_successes", "").await;
    // Then the past tells of it as it was told
    let then = service.call("GET", &format!("1/incidents?at={reported}"), "").await.json();
    assert_eq!(then["installation"][0]["state"], "open", "{then}");
    assert_eq!(without_durations(&then), without_durations(&told));
    let health = service.call("GET", &format!("1/health?at={before}"), "").await.json();
    let then = service.call("GET", &format!("1/incidents?at={before}"), "").await.json();
    assert_eq!(then["as_of"], health["as_of"], "of one moment both are");
    assert_eq!((&then["installation"], &then["total"]), (&json!([]), &json!(1)), "{then}");
    let theirs = service.call("GET", &format!("2/incidents?at={reported}"), "").await.json();
    assert_eq!((&theirs["installation"], &theirs["total"]), (&json!([]), &json!(0)), "{theirs}");
}

#[tokio::test]
async fn damage_of_others_leaves_an_account_its_own_past() {
    let store = Arc::new(Staged::default());
    let service = Service::over(store.clone()).await;
    service.caught_up().await;
    service.call("PUT", "1", r#"{"name":"Acme"}"#).await;
    let inbox = r#"{"name":"Support","channel_type":"Channel::Whatsapp"}"#;
    let registered = service.call("PUT", "1/inboxes/42", inbox).await.json();
    // Given an app that touched the account, and trouble of its own
    let secret = r#"{"provider":"microsoft","code":"invalid_client","subcode":"AADSTS7000222"}"#;
    report(&service, "authorization_errors", secret).await;
    let seen = report(&service, "authorization_errors", "").await["position"].clone();
    let past = format!("1/incidents?at={seen}");
    let told = service.call("GET", &past, "").await.json();
    assert_eq!((&told["installation"][0]["id"], &told["total"]), (&json!("app-1"), &json!(1)));
    // When a record before it cannot be read
    store.damage(Position(registered["position"].as_u64().unwrap()));
    let told = service.call("GET", &past, "").await.json();
    // Then what they had in common is said to be unknown, and its own is told
    assert_eq!((&told["installation"], &told["total"]), (&Value::Null, &json!(1)), "{told}");
    assert_eq!(told["incidents"][0]["id"], "inbox-42-1");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let service = furnished().await;
    report(&service, "authorization_errors", "").await;
    for query in ["state=x", "class=x", "muted=x", "subject=x", "limit=0", "at=x"] {
        let answer = service.call("GET", &format!("1/incidents?{query}"), "").await;
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
    }
    for path in ["2/incidents/inbox-42-1", "1/incidents/inbox-42-2", "1/incidents/x"] {
        let answer = service.call("POST", &format!("{path}/mute"), "").await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
    assert_eq!(listed(&service, "").await.len(), 1);
}

#[tokio::test]
async fn the_incidents_of_hooks_and_rules_are_listed_and_closed_and_known_in_the_past() {
    let service = furnished().await;
    let hook = r#"{"app_id": "slack"}"#;
    let rule = r#"{"name": "n", "event_name": "e", "actions": [{"action_name": "add_label"}]}"#;
    for (made, body, one, id) in [
        ("1/integrations/hooks", hook, "1/integrations/hooks/1", "hook-1-1"),
        ("1/automation_rules", rule, "1/automation_rules/1", "rule-1-1"),
    ] {
        assert_eq!(service.call("POST", made, body).await.status, 200);
        let prompt = format!("{one}/prompt_reauthorization");
        let position = service.call("POST", &prompt, "").await.json()["position"].clone();
        assert_eq!(listed(&service, "state=open").await[0]["id"], id);
        let closed = service.call("POST", &format!("1/incidents/{id}/close"), "").await.json();
        assert_eq!(closed["ended"], "by_hand", "{closed}");
        assert_eq!(listed(&service, "state=open").await.len(), 0);
        let then = listed(&service, &format!("at={position}&state=open")).await;
        assert_eq!(then[0]["id"], id, "{then:?}");
        let theirs = service.call("POST", &format!("2/incidents/{id}/mute"), "").await;
        assert_eq!(theirs.status, 404, "{theirs:?}");
    }
}

#[tokio::test]
async fn every_incident_is_reached_page_by_page_and_their_number_is_told() {
    let service = furnished().await;
    for inbox in 1..=5 {
        let body = r#"{"name":"n","channel_type":"Channel::Email"}"#;
        service.call("PUT", &format!("1/inboxes/{inbox}"), body).await;
        let path = format!("1/inboxes/{inbox}/prompt_reauthorization");
        assert_eq!(service.call("POST", &path, "").await.status, 200);
    }
    let (mut seen, mut before) = (vec![], String::new());
    loop {
        let path = format!("1/incidents?state=open&limit=2&before={before}");
        let page = service.call("GET", &path, "").await.json();
        assert_eq!(page["total"], 5);
        let ids = page["incidents"].as_array().unwrap().iter();
        seen.extend(ids.map(|one| one["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_before"].as_str() else { break };
        before = next.to_owned();
    }
    seen.sort();
    assert_eq!(seen, (1..=5).map(|inbox| format!("inbox-{inbox}-1")).collect::<Vec<_>>());
    let ago = service.call("GET", "1/incidents?before=2000-01-01T00:00:00Z", "").await.json();
    assert_eq!((&ago["incidents"], &ago["total"]), (&json!([]), &json!(5)));
    for before in ["noon", "2000-01-01T00:00:00Z/x"] {
        let answer = service.call("GET", &format!("1/incidents?before={before}"), "").await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }
}
