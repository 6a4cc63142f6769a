//! `kill -9` at any instant: what was acknowledged is there, what was owed is delivered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::api::{Answer, Api};
use crate::receiver::{Arrival, Receiver, Reply};
use crate::relink::{DEADLINE, Place};
use crate::steps::{self, invalidated, secret, subscribe};

const INBOXES: u64 = 8;

async fn register_inboxes(api: &Api) {
    steps::register_account(api).await;
    for inbox in 1..=INBOXES {
        let body = json!({ "name": "An inbox", "channel_type": "Channel::Whatsapp" });
        assert_eq!(api.put(&format!("/inboxes/{inbox}"), body).await.status, 201);
    }
}

/// What the service has acknowledged for one inbox.
#[derive(Debug, Default, Clone, Copy)]
struct Acknowledged {
    count: u64,
    position: u64,
}

/// Reports errors of one inbox, one behind the other, until the service is gone. `last` is what
/// was there before the first report, and the answer if none is acknowledged.
async fn report(
    api: Api,
    inbox: u64,
    mut last: Acknowledged,
    all: Arc<AtomicU64>,
    news: watch::Sender<u64>,
) -> Acknowledged {
    loop {
        let path = format!("/inboxes/{inbox}/authorization_errors");
        let call = api.call(Method::POST, &path).json(&invalidated());
        let Ok(answer) = Answer::perhaps(call).await else { return last };
        let answer = answer.json(200);
        let number = |name: &str| answer[name].as_u64().unwrap();
        last = Acknowledged {
            count: number("authorization_error_count"),
            position: number("position"),
        };
        let total = all.fetch_add(1, Ordering::SeqCst) + 1;
        news.send_replace(total);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_that_was_acknowledged_survives_kill_9() {
    let place = Place::new();
    let mut relink = place.serve().await;
    register_inboxes(&relink.api()).await;
    let mut known = [Acknowledged::default(); INBOXES as usize];

    for round in 1..=3 {
        let (news, mut heard) = watch::channel(0);
        let all = Arc::new(AtomicU64::new(0));
        let reporters: Vec<_> = (1..=INBOXES)
            .zip(known)
            .map(|(inbox, last)| {
                tokio::spawn(report(relink.api(), inbox, last, Arc::clone(&all), news.clone()))
            })
            .collect();
        timeout(DEADLINE, heard.wait_for(|total| *total >= 40 * round)).await.unwrap().unwrap();
        relink.kill().await;

        relink = place.serve().await;
        let api = relink.api();
        for ((inbox, reporter), known) in (1..=INBOXES).zip(reporters).zip(&mut known) {
            let acknowledged = reporter.await.unwrap();
            let path = format!("/inboxes/{inbox}?consistent_to={}", acknowledged.position);
            let shown = api.get(&path).await.json(200);
            let count = shown["authorization_error_count"].as_u64().unwrap();
            // One more may be written whose answer the crash took away.
            let may_be = acknowledged.count..=acknowledged.count + 1;
            assert!(may_be.contains(&count), "inbox {inbox}: {count}, not {may_be:?}");
            *known = Acknowledged { count, ..acknowledged };
        }
        place.run_well(&["verify"]).await;
    }
}

/// What each delivery looked like on its attempts.
fn by_delivery(arrivals: &[Arrival]) -> BTreeMap<String, Vec<&Arrival>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for arrival in arrivals {
        found.entry(arrival.delivery()).or_default().push(arrival);
    }
    found
}

fn taken(arrivals: &[Arrival]) -> BTreeSet<String> {
    let taken = arrivals.iter().filter(|arrival| arrival.answered == Some(200));
    taken.map(Arrival::delivery).collect()
}

#[tokio::test]
async fn deliveries_that_were_owed_at_kill_9_are_made() {
    const OWED: usize = 6;
    let schedule = ["50ms"; 100].join(",");
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", &schedule);
    let receiver = Receiver::start().await;
    receiver.answer("/hook", Reply::Status(503));
    let relink = place.serve().await;
    let api = relink.api();
    steps::register_account(&api).await;
    let webhook = subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    for number in 0..OWED {
        steps::message(&api, &format!("message {number}")).await;
    }
    receiver.until(|arrivals| by_delivery(arrivals).len() == OWED).await;
    relink.kill().await;
    let before = receiver.arrivals().len();

    receiver.answer("/hook", Reply::Status(200));
    let relink = place.serve().await;
    let arrivals = receiver.until(|arrivals| taken(arrivals).len() == OWED).await;
    assert!(arrivals.len() >= before + OWED);
    for (delivery, attempts) in by_delivery(&arrivals) {
        for attempt in &attempts {
            assert_eq!(attempt.body, attempts[0].body, "{delivery} changed its body");
            assert_eq!(attempt.header("webhook-id"), attempts[0].header("webhook-id"));
            attempt.check_signatures(secret(&webhook));
        }
    }
    assert_eq!(by_delivery(&arrivals).len(), OWED, "nothing was owed twice");
    place.written("delivery.delivered", OWED).await;
    drop(relink);
}

#[tokio::test]
async fn an_attempt_that_kill_9_cut_off_is_made_again() {
    let place = Place::new();
    let receiver = Receiver::start().await;
    receiver.answer("/hook", Reply::Hang);
    let relink = place.serve().await;
    let api = relink.api();
    steps::register_account(&api).await;
    subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    steps::message(&api, "cut off").await;
    receiver.expect(1).await;
    relink.kill().await;

    receiver.answer("/hook", Reply::Status(200));
    let relink = place.serve().await;
    let arrivals = receiver.expect(2).await;
    assert_eq!(arrivals[0].delivery(), arrivals[1].delivery());
    assert_eq!(arrivals[0].body, arrivals[1].body);
    place.written("delivery.delivered", 1).await;
    drop(relink);
}

#[tokio::test]
async fn what_was_accepted_right_before_kill_9_is_fanned_out_behind_it() {
    let place = Place::new();
    let receiver = Receiver::start().await;
    let mut relink = place.serve().await;
    steps::register_account(&relink.api()).await;
    subscribe(&relink.api(), &receiver.url("/hook"), &["message_created"]).await;
    for round in 1..=5 {
        let api = relink.api();
        steps::message(&api, &format!("round {round}")).await;
        relink.kill().await;
        relink = place.serve().await;
    }
    let arrivals = receiver.until(|arrivals| by_delivery(arrivals).len() == 5).await;
    let contents: BTreeSet<String> = arrivals
        .iter()
        .map(|arrival| arrival.json()["content"].as_str().unwrap().to_owned())
        .collect();
    let wanted: BTreeSet<String> = (1..=5).map(|round| format!("round {round}")).collect();
    assert_eq!(contents, wanted);
}

#[tokio::test]
async fn each_attempt_has_a_time_and_a_signature_of_its_own() {
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", "3s,3s,3s");
    let receiver = Receiver::start().await;
    receiver.answer("/hook", Reply::Status(500));
    let relink = place.serve().await;
    let api = relink.api();
    steps::register_account(&api).await;
    let webhook = subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    steps::message(&api, "twice").await;
    receiver.expect(1).await;
    receiver.answer("/hook", Reply::Status(200));

    let arrivals = receiver.expect(2).await;
    let (first, second) = (&arrivals[0], &arrivals[1]);
    assert_eq!(first.delivery(), second.delivery());
    assert_eq!(first.body, second.body);
    for header in ["x-chatwoot-timestamp", "x-chatwoot-signature", "webhook-signature"] {
        assert_ne!(first.header(header), second.header(header), "{header}");
    }
    first.check_signatures(secret(&webhook));
    second.check_signatures(secret(&webhook));
    let body: Value = first.json();
    assert_eq!(body["event"], "message_created");
}
