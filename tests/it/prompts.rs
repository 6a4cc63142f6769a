//! Two prompts at once are one transition, time and again, for every kind of subject.
//! `RELINK_TEST_FULL=1` is the full size: a thousand times each.

use serde_json::json;

use crate::api::Api;
use crate::relink::Place;
use crate::steps::{INBOX, connect_slack, make_rule, register};

/// Prompts twice at once and reauthorizes, as often as that.
async fn race(api: Api, subject: &'static str, rounds: usize) {
    let prompt = format!("{subject}/prompt_reauthorization");
    let required = json!(true);
    for round in 0..rounds {
        let (one, other) = tokio::join!(api.post(&prompt, json!({})), api.post(&prompt, json!({})));
        for answer in [one, other] {
            assert_eq!(answer.json(200)["reauthorization_required"], required, "round {round}");
        }
        let over = api.post(&format!("{subject}/reauthorized"), json!({})).await.json(200);
        assert_eq!(over["reauthorization_required"], false, "round {round}");
    }
}

#[tokio::test]
async fn of_two_prompts_at_once_exactly_one_is_a_transition() {
    let rounds = if std::env::var_os("RELINK_TEST_FULL").is_some() { 1_000 } else { 40 };
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    connect_slack(&api).await;
    make_rule(&api).await;
    let subjects = [INBOX, "/integrations/hooks/1", "/automation_rules/1"];
    let races = subjects.map(|subject| tokio::spawn(race(api.clone(), subject, rounds)));
    for race in races {
        race.await.unwrap();
    }
    for category in ["inbox", "hook", "rule"] {
        for event in ["reauthorization_required", "reauthorized"] {
            let written = place.log_of(&format!("{category}.{event}")).await.len();
            assert_eq!(written, rounds, "{category}.{event}");
        }
    }
    // Each transition of a hook turns it off, and on again; a rule stays off.
    assert_eq!(place.log_of("hook.disabled").await.len(), rounds);
    assert_eq!(place.log_of("hook.enabled").await.len(), rounds);
    assert_eq!(place.log_of("rule.deactivated").await.len(), 1);
}
