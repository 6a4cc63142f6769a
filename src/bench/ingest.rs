//! Durable evidence over HTTP, held against the same server's `/healthz`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request};

use super::Plan;
use super::load::{self, For, Make};
use super::report::{Figure, against};
use super::server::{Server, TOKEN};

pub(super) const CONNECTIONS: usize = 64;
pub(super) const INBOXES: u64 = 10_000;
pub(super) const ROUND: Duration = Duration::from_secs(4);

/// What Meta answers when the password was changed.
pub(super) const EVIDENCE: &str = r#"{"provider":"meta","status":400,"code":190,"subcode":460}"#;

pub(super) async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start(&plan.folder.join("ingest"), &[]).await?;
    server.register_account().await?;
    let register = make(Method::PUT, |inbox| format!("/{inbox}"), REGISTRATION);
    let each = For::Requests(INBOXES.div_ceil(CONNECTIONS as u64));
    load::drive(server.address(), CONNECTIONS, each, &register).await?;

    let healthz: Make = Arc::new(|_, _| {
        let request = Request::get("/healthz").header("host", "localhost");
        request.body(Full::default()).expect("a fixed request is well made")
    });
    let evidence = make(Method::POST, |inbox| format!("/{inbox}/authorization_errors"), EVIDENCE);
    let mut rounds = vec![];
    for round in 0..=plan.rounds {
        let time = For::Time(ROUND);
        let yardstick = load::drive(server.address(), CONNECTIONS, time, &healthz).await?;
        let measured = load::drive(server.address(), CONNECTIONS, time, &evidence).await?;
        // The first round warms up: it wakes every actor.
        if round > 0 {
            rounds.push((measured, yardstick));
        }
    }
    let bar = ("at least 0.5 of /healthz", 0.5);
    Ok(vec![against("ingest: durable evidence POSTs", "/s", "/s /healthz", &rounds, bar)])
}

pub(super) const REGISTRATION: &str = r#"{"name":"Support","channel_type":"Channel::Whatsapp"}"#;

/// Requests that go round all inboxes, each connection from a place of its own.
pub(super) fn make(method: Method, path: fn(u64) -> String, body: &'static str) -> Make {
    let stride = INBOXES.div_ceil(CONNECTIONS as u64);
    Arc::new(move |connection, nth| {
        let inbox = (connection as u64 * stride + nth) % INBOXES + 1;
        Request::builder()
            .method(method.clone())
            .uri(format!("/api/v1/accounts/1/inboxes{}", path(inbox)))
            .header("host", "localhost")
            .header("api_access_token", TOKEN)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(body.as_bytes())))
            .expect("a request of fixed parts and a number is well made")
    })
}
