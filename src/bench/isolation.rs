//! Whether one hanging endpoint among twenty delays the other nineteen.

use std::time::Duration;

use reqwest::Method;
use tokio::time::Instant;

use super::Plan;
use super::receiver::{HANGING, Receiver};
use super::report::{Figure, median};
use super::server::Server;

const HEALTHY: u64 = 19;
const EVENTS: u64 = 200;
/// Between two events: 950 deliveries a second over all endpoints.
const PACE: Duration = Duration::from_millis(20);

pub(super) async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let receiver = Receiver::start().await?;
    let settings = [("RELINK_WEBHOOK_TIMEOUT", "60s"), ("RELINK_RETRY_SCHEDULE", "1h")];
    // One server has nineteen healthy endpoints, the other the same and one that hangs.
    let healthy = Server::start(&plan.folder.join("healthy"), &settings).await?;
    let hanging = Server::start(&plan.folder.join("hanging"), &settings).await?;
    for server in [&healthy, &hanging] {
        server.register_account().await?;
        for number in 1..=HEALTHY {
            server.subscribe(&format!("{}/endpoint-{number}", receiver.url)).await?;
        }
    }
    hanging.subscribe(&format!("{}/{HANGING}", receiver.url)).await?;
    let (mut without, mut with) = (vec![], vec![]);
    for round in 0..=plan.rounds {
        let alone = p99(&healthy, &receiver).await?;
        let beside = p99(&hanging, &receiver).await?;
        if round > 0 {
            without.push(alone);
            with.push(beside);
        }
    }
    let growth: Vec<f64> =
        with.iter().zip(&without).map(|(with, without)| with / without).collect();
    let ratio = median(&growth);
    Ok(vec![Figure {
        figure: "p99 of 19 endpoints beside a hanging one",
        measured: median(&with),
        unit: "ms",
        yardstick: Some(("ms without", median(&without))),
        ratio: Some(ratio),
        bar: "grows by less than 10 %",
        met: ratio < 1.1,
    }])
}

/// Milliseconds from handing an event in to its arrival at one of the nineteen.
async fn p99(server: &Server, receiver: &Receiver) -> anyhow::Result<f64> {
    receiver.note_times();
    let target = receiver.count() + EVENTS * HEALTHY;
    let mut handed_in = Vec::with_capacity(usize::try_from(EVENTS)?);
    let mut ticks = tokio::time::interval(PACE);
    for number in 0..EVENTS {
        ticks.tick().await;
        handed_in.push(Instant::now());
        let body = format!(r#"{{"event":"message_created","data":{{"number":{number}}}}}"#);
        server.call(Method::POST, "/api/v1/accounts/1/events", body).await?;
    }
    receiver.reached(target).await;
    let mut latencies = vec![];
    for ((_, number), arrived) in receiver.note_times() {
        let begin = handed_in.get(usize::try_from(number)?);
        if let Some(begin) = begin {
            latencies.push(arrived.duration_since(*begin).as_secs_f64() * 1e3);
        }
    }
    latencies.sort_by(f64::total_cmp);
    let index = latencies.len() * 99 / 100;
    Ok(latencies.get(index).copied().unwrap_or(f64::NAN))
}
