//! Deliveries to a local receiver with all facts durable, held against a bare reqwest loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Method;
use tokio::time::Instant;

use super::Plan;
use super::receiver::Receiver;
use super::report::{Figure, against};
use super::server::Server;

const CONCURRENCY: usize = 64;
const DELIVERIES: u64 = 20_000;

pub(super) async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let width = CONCURRENCY.to_string();
    let settings = [("RELINK_ENDPOINT_CONCURRENCY", width.as_str())];
    let receiver = Receiver::start().await?;
    let url = format!("{}/deliver", receiver.url);
    let plain = Server::start(&plan.folder.join("deliver"), &settings).await?;
    plain.register_account().await?;
    plain.subscribe(&url).await?;
    let full = Server::start(&plan.folder.join("features"), &settings).await?;
    full.register_account().await?;
    let inbox = r#"{"name":"Support","channel_type":"Channel::Whatsapp"}"#;
    full.call(Method::PUT, "/api/v1/accounts/1/inboxes/1", inbox).await?;
    full.call(Method::POST, "/api/v1/accounts/1/webhooks", featured(&url)).await?;
    full.call(Method::POST, "/api/v1/accounts/1/webhooks/1/rotate_secret", "{}").await?;
    let (mut rounds, mut features) = (vec![], vec![]);
    for round in 0..=plan.rounds {
        let bare = bare(&receiver).await?;
        let relink_plain = relink(&plain, &receiver).await?;
        let relink_full = relink(&full, &receiver).await?;
        if round > 0 {
            rounds.push((relink_plain, bare));
            features.push((relink_full, relink_plain));
        }
    }
    let bar = ("at least 0.5 of a bare reqwest loop", 0.5);
    let all_on = ("at least 0.9 of the figure above", 0.9);
    Ok(vec![
        against("deliver: deliveries, all facts durable", "/s", "/s bare", &rounds, bar),
        against("deliver: the same, all features on", "/s", "/s plain", &features, all_on),
    ])
}

/// A webhook that asks for all there is but a rate, which may not be as high as what is measured,
/// and Ed25519, whose price is its own. A second secret signs beside the first.
fn featured(url: &str) -> String {
    serde_json::json!({
        "url": url,
        "subscriptions": ["message_*", "conversation_*"],
        "delivery": {
            "ordering": "by_key",
            "concurrency": CONCURRENCY,
            "timeout": "10s",
            "retry_schedule": ["1s", "5s", "1m"],
            "headers": { "Authorization": "Bearer of-the-gateway" },
            "inbox_ids": [1],
        },
    })
    .to_string()
}

/// What a body of an ordinary message weighs.
fn body(number: u64) -> String {
    let content = "Where is my order? ".repeat(20);
    let conversation = number % 1_000;
    let place = format!(r#""inbox":{{"id":1}},"conversation":{{"id":{conversation}}}"#);
    let data = format!(r#"{{"number":{number},"content":"{content}",{place}}}"#);
    format!(r#"{{"event":"message_created","data":{data}}}"#)
}

/// From the first event handed in to the last delivery recorded.
async fn relink(server: &Server, receiver: &Receiver) -> anyhow::Result<f64> {
    let lines: String = (0..DELIVERIES).map(|number| body(number) + "\n").collect();
    let target = receiver.count() + DELIVERIES;
    let begin = Instant::now();
    let (path, kind) = ("/api/v1/accounts/1/events", "application/x-ndjson");
    server.call_as(Method::POST, path, kind, lines).await?;
    receiver.reached(target).await;
    while server.metric("relink_deliveries_pending").await? > 0.0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(DELIVERIES as f64 / begin.elapsed().as_secs_f64())
}

/// The same number of posts with as many under way and as long a body.
async fn bare(receiver: &Receiver) -> anyhow::Result<f64> {
    let client = reqwest::Client::new();
    let url = format!("{}/bare", receiver.url);
    let next = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let tasks: Vec<_> = (0..CONCURRENCY)
        .map(|_| {
            let (client, url, next) = (client.clone(), url.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= DELIVERIES {
                        return anyhow::Ok(());
                    }
                    let request = client.post(&url).header("content-type", "application/json");
                    request.body(body(number)).send().await?.error_for_status()?.bytes().await?;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(DELIVERIES as f64 / begin.elapsed().as_secs_f64())
}
