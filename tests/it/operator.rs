//! What an operator asks for: is it alive, ready, measured, described, and does it stop well.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Answer;
use crate::receiver::{Receiver, Reply};
use crate::relink::Place;
use crate::steps::{fail, invalidated, message, ready, register, register_account, subscribe};

#[tokio::test]
async fn it_lives_and_is_ready_without_a_token() {
    let place = Place::new();
    let relink = place.serve().await;
    let nobody = relink.api().by_nobody();
    assert_eq!(nobody.get("//healthz").await.status, 200);
    assert_eq!(ready(&nobody).await["status"], "ready");
}

#[tokio::test]
async fn whether_mail_is_sent_is_said_at_the_start() {
    let none = "no mail is sent: neither RELINK_SMTP_URL nor SMTP_ADDRESS is set";
    let place = Place::new();
    place.serve().await.says(|said| said.contains(none)).await;
    let place = place
        .set("RELINK_SMTP_URL", "smtp://127.0.0.1:9")
        .set("RELINK_MAIL_FROM", "Relink <relink@example.com>");
    let relink = place.serve().await;
    ready(&relink.api().by_nobody()).await;
    let caught_up = relink.says(|said| said.contains("views have caught up")).await;
    assert!(!caught_up.contains(none), "{caught_up}");
}

#[tokio::test]
async fn metrics_are_in_prometheus_text() {
    let place = Place::new();
    let relink = place.serve().await;
    register(&relink.api()).await;
    fail(&relink.api()).await.json(200);
    let metrics = relink.api().get("//metrics").await;
    assert_eq!(metrics.status, 200);
    let kind = metrics.header("content-type");
    assert!(kind.contains("text/plain") || kind.contains("openmetrics-text"), "{kind}");
    assert!(metrics.body.contains("# TYPE "), "{}", metrics.body);
    let mut samples = 0;
    for line in metrics.body.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        assert!(name.starts_with("relink_"), "{line}");
        value.parse::<f64>().unwrap_or_else(|_| panic!("no number: {line}"));
        samples += 1;
    }
    assert!(samples > 0, "{}", metrics.body);
}

#[tokio::test]
async fn openapi_describes_routes_that_are_there() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let described = api.by_nobody().get("//openapi.json").await.json(200);
    assert!(described["openapi"].as_str().unwrap().starts_with("3."), "{}", described["openapi"]);
    let paths = described["paths"].as_object().unwrap();
    for needed in ["/api/v1/accounts/{account}/webhooks", "/healthz", "/metrics"] {
        assert!(paths.keys().any(|path| same_route(path, needed)), "{needed} is not described");
    }

    for (path, operations) in paths {
        let filled = format!("/{}", fill(path));
        // A method that nobody has: 405 from a route, 404 from none.
        let probe = api.call(Method::from_bytes(b"PROPFIND").unwrap(), &filled);
        assert_ne!(Answer::to(probe).await.status, 404, "{path} is no route");
        for method in operations.as_object().unwrap().keys() {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else { continue };
            if ["GET", "PUT", "POST", "PATCH", "DELETE"].contains(&method.as_str()) {
                let call = api.call(method.clone(), &filled).json(&json!({}));
                // Only the head: a live answer has no end.
                assert_ne!(call.send().await.unwrap().status(), 405, "{method} {path}");
            }
        }
    }
}

/// Whether two paths are the same but for the names of their parameters.
fn same_route(one: &str, other: &str) -> bool {
    let shape = |path: &str| -> Vec<String> {
        let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
        parts.map(str::to_owned).collect()
    };
    shape(one) == shape(other)
}

/// A path whose parameters are all 1.
fn fill(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn a_read_that_waits_for_a_position_sees_the_write() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    for count in 1..=20 {
        let position = fail(&api).await.position();
        let inbox = api.get(&format!("/inboxes/42?consistent_to={position}")).await.json(200);
        assert_eq!(inbox["authorization_error_count"], count);
    }
}

#[tokio::test]
async fn a_read_that_waits_for_what_never_comes_is_503() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register_account(&api).await;
    let answer = api.get("/health?consistent_to=1000000000").await;
    answer.problem(503);
}

#[tokio::test]
async fn sigterm_ends_it_well_and_the_next_start_knows_everything() {
    let place = Place::new();
    let relink = place.serve().await;
    register(&relink.api()).await;
    let position = fail(&relink.api()).await.position();
    let status = relink.terminate().await;
    assert_eq!(status.code(), Some(0), "{status}");

    let relink = place.serve().await;
    let path = format!("/inboxes/42?consistent_to={position}");
    let inbox = relink.api().get(&path).await.json(200);
    assert_eq!(inbox["authorization_error_count"], 1);
}

#[tokio::test]
async fn sigterm_waits_for_no_endpoint_longer_than_ten_seconds() {
    let place = Place::new().set("RELINK_WEBHOOK_TIMEOUT", "10m");
    let relink = place.serve().await;
    let receiver = Receiver::start().await;
    register_account(&relink.api()).await;
    receiver.answer("/hook", Reply::Hang);
    subscribe(&relink.api(), &receiver.url("/hook"), &["message_created"]).await;
    message(&relink.api(), "held up").await;
    receiver.expect(1).await;

    let asked = tokio::time::Instant::now();
    let status = relink.terminate().await;
    assert_eq!(status.code(), Some(0), "{status}");
    assert!(asked.elapsed().as_secs() < 10, "it took {:?}", asked.elapsed());

    receiver.answer("/hook", Reply::Status(200));
    let relink = place.serve().await;
    let arrivals = receiver.expect(2).await;
    assert_eq!(arrivals[0].delivery(), arrivals[1].delivery());
    drop(relink);
}

#[tokio::test]
async fn what_was_answered_before_sigterm_is_kept_and_the_rest_is_refused() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let (tell, mut told) = tokio::sync::watch::channel(0);
    let reporter = tokio::spawn(async move {
        loop {
            let path = "/inboxes/42/authorization_errors";
            let call = api.call(Method::POST, path).json(&invalidated());
            match Answer::perhaps(call).await {
                Ok(answer) if answer.status == 200 => tell.send_modify(|count| *count += 1),
                Ok(_) | Err(_) => return *tell.borrow(),
            }
        }
    });
    told.wait_for(|count| *count >= 20).await.unwrap();
    assert!(relink.terminate().await.success());
    let acknowledged = reporter.await.unwrap();
    let written = place.log_of("inbox.authorization_error_recorded").await.len();
    assert_eq!(written, acknowledged, "what is in flight is finished and answered");
}

#[tokio::test]
async fn completions_are_printed_for_each_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.run_well(&["completions", shell]).await;
        assert!(script.contains("relink") && script.contains("serve"), "{shell}: {script}");
    }
    place.run(&["completions", "parrot"]).await.refused(2);
}

#[tokio::test]
async fn cache_keys_are_as_in_chatwoot_and_a_transition_bumps_the_inbox() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    fail(&api).await.position();
    let position = fail(&api).await.position();
    let answer = api.get(&format!("/cache_keys?consistent_to={position}")).await;
    let cache = "max-age=10, private, stale-while-revalidate=300";
    assert_eq!(answer.header("cache-control"), cache);
    let keys = answer.json(200)["cache_keys"].clone();
    for model in ["label", "inbox", "team"] {
        assert!(keys.get(model).is_some(), "{keys}");
    }
    let text = keys["inbox"].as_str().map_or_else(|| keys["inbox"].to_string(), str::to_owned);
    assert!(text.parse::<u64>().unwrap() > 1_700_000_000, "unix seconds: {keys}");
}

#[tokio::test]
async fn rebuild_makes_the_same_views_again() {
    let place = Place::new();
    let relink = place.serve().await;
    register(&relink.api()).await;
    fail(&relink.api()).await.position();
    let position = fail(&relink.api()).await.position();
    let path = format!("/health?at={position}");
    let before: Value = relink.api().get(&path).await.json(200);
    assert!(relink.terminate().await.success());
    place.run_well(&["rebuild"]).await;
    let relink = place.serve().await;
    let after: Value = relink.api().get(&path).await.json(200);
    assert_eq!(after["inboxes"], before["inboxes"]);
}
