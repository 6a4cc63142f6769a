//! How long it takes to say what a provider's answer means.

use std::hint::black_box;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Plan;
use super::report::{Figure, median};
use crate::providers;

/// As often as each answer is classified in a round.
const TIMES: u32 = 2_000;

pub(super) fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let reports: Vec<_> = answers().iter().map(Value::to_string).collect();
    let evidence: Result<Vec<_>, _> =
        reports.iter().map(|report| providers::evidence(report.as_bytes())).collect();
    let evidence = evidence?;
    let calls = f64::from(TIMES) * reports.len() as f64;
    let (mut matched, mut read) = (vec![], vec![]);
    for round in 0..=plan.rounds {
        let begin = Instant::now();
        for _ in 0..TIMES {
            for evidence in &evidence {
                black_box(providers::classify(black_box(evidence)));
            }
        }
        let each = begin.elapsed().as_secs_f64() * 1e6 / calls;
        let begin = Instant::now();
        for _ in 0..TIMES {
            for report in &reports {
                let evidence = providers::evidence(black_box(report.as_bytes()))?;
                black_box(providers::classify(&evidence));
            }
        }
        // The first round fills the caches.
        if round > 0 {
            matched.push(each);
            read.push(begin.elapsed().as_secs_f64() * 1e6 / calls);
        }
    }
    let figure = |figure, rounds: &[f64], bar, met: fn(f64) -> bool| {
        let measured = median(rounds);
        let met = met(measured);
        Figure { figure, measured, unit: "us", yardstick: None, ratio: None, bar, met }
    };
    let bar = "under 5 us";
    Ok(vec![
        figure("classify: an answer that was read", &matched, bar, |us| us < 5.0),
        figure("classify: a report, JSON to verdict", &read, "told, no bar", |_| true),
    ])
}

/// One of each kind of matching: a pair, a range, a word, a status with words, a mail server's
/// line.
fn answers() -> [Value; 6] {
    [
        json!({"status": 400, "body": {"error": {"message": "Error validating access token",
            "type": "OAuthException", "code": 190, "error_subcode": 460, "fbtrace_id": "A"}}}),
        json!({"provider": "whatsapp", "status": 400, "code": 132_005}),
        json!({"body": {"ok": false, "error": "token_revoked"}}),
        json!({"provider": "line", "status": 429, "message": "your monthly limit"}),
        json!({"provider": "microsoft", "status": 400, "body": {"error": "invalid_grant",
            "error_description": "AADSTS50173: The grant is expired", "error_codes": [50_173]}}),
        json!({"provider": "smtp", "body": "535-5.7.8 Username and Password not accepted"}),
    ]
}
