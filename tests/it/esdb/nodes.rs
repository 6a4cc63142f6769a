//! Two real nodes on one log.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::{Namespace, in_namespace};
use crate::api::{Answer, Api};
use crate::double::Double;
use crate::receiver::{Arrival, Receiver, Reply};
use crate::relink::{DEADLINE, Place, Relink};
use crate::steps::{
    self, INBOX, fail, invalidated, message, register, register_account, subscribe,
};

/// Set it to run the sizes that issue 3 names; they take minutes.
const FULL: &str = "RELINK_TEST_FULL";

/// All nodes must open what each of them seals.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The survivor works what a dead node worked within this time.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(15);

pub(super) fn full() -> bool {
    std::env::var(FULL).is_ok_and(|set| !set.is_empty())
}

fn node_on(url: &str, name: &str) -> Place {
    Place::new()
        .set("ENABLE_INBOX_EVENTS", "true")
        .set("RELINK_SECRET_KEY", KEY)
        .set("RELINK_STORE", url)
        .set("RELINK_NODE", name)
}

/// Two nodes, each in a folder of its own, that have divided the work.
async fn two_nodes(url: &str) -> ([Place; 2], [Relink; 2]) {
    let places = [node_on(url, "one"), node_on(url, "two")];
    let nodes = [places[0].serve().await, places[1].serve().await];
    for node in &nodes {
        until_nodes(&node.api(), &["one", "two"]).await;
    }
    (places, nodes)
}

async fn division(api: &Api) -> Value {
    api.get("//api/v1/nodes").await.json(200)
}

/// Waits until the node knows exactly these, and works.
async fn until_nodes(api: &Api, names: &[&str]) -> Value {
    let so = async {
        loop {
            let shown = division(api).await;
            let all = shown["nodes"].as_array().unwrap();
            let known: BTreeSet<_> = all.iter().filter_map(|node| node["name"].as_str()).collect();
            let works = all.iter().any(|node| node["state"] == "working");
            if works && all.len() == names.len() && known == names.iter().copied().collect() {
                return shown;
            }
        }
    };
    timeout(DEADLINE, so).await.expect("the nodes hear of each other")
}

/// The webhooks that the node of this name works.
fn worked_by(shown: &Value, name: &str) -> Vec<u64> {
    let all = shown["nodes"].as_array().unwrap();
    let node = all.iter().find(|node| node["name"] == name).unwrap();
    let webhooks = node["works"]["webhooks"].as_array().unwrap();
    webhooks.iter().map(|id| id.as_u64().unwrap()).collect()
}

/// Asks until it is answered, as a client does that is told to come again.
async fn insist(api: &Api, path: &str, body: Value) -> Answer {
    loop {
        let answer = api.post(path, body.clone()).await;
        if ![429, 503].contains(&answer.status.as_u16()) {
            return answer;
        }
    }
}

/// Each delivery came once.
fn all_once(arrivals: &[Arrival]) {
    let mut seen = BTreeSet::new();
    for arrival in arrivals {
        assert!(seen.insert((arrival.path.clone(), arrival.delivery())), "{arrival:?} came twice");
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_is_refused_by_every_node() {
    let namespace = Namespace::new();
    let (places, nodes) = two_nodes(namespace.url()).await;
    register(&nodes[0].api()).await;
    let token = places[0].token(1, "ingest").await;
    for node in &nodes {
        fail(&node.api().by(&token)).await.json(200);
    }
    places[1].run_well(&["token", "revoke", &token]).await;
    for node in &nodes {
        assert_eq!(fail(&node.api().by(&token)).await.status, 401);
    }
}

#[tokio::test]
async fn what_one_node_writes_the_other_answers() {
    let namespace = Namespace::new();
    let (_places, nodes) = two_nodes(namespace.url()).await;
    let [one, two] = [nodes[0].api(), nodes[1].api()];
    register(&one).await;
    // Each is asked in its turn, with a memory of what it was when it was asked last.
    for turn in 0..3 {
        let (here, there) = if turn % 2 == 0 { (&one, &two) } else { (&two, &one) };
        fail(here).await.json(200);
        let second = fail(there).await.json(200);
        assert_eq!(second["reauthorization_required"], true);
        assert_eq!(second["authorization_error_count"], 2);
        steps::reauthorize(here).await.json(200);
        // Nothing is to be written: the answer must not come from a memory of before.
        let again = steps::reauthorize(there).await.json(200);
        assert_eq!(again["reauthorization_required"], false);
        assert_eq!(here.get(INBOX).await.json(200)["authorization_error_count"], 0);
        assert_eq!(there.get(INBOX).await.json(200)["authorization_error_count"], 0);
    }
    let removed = one.delete(INBOX).await.status;
    assert!(removed.is_success(), "{removed}");
    fail(&two).await.problem(404);
    let health = two.get("/health").await.json(200);
    assert_eq!((&health["node"], &health["inboxes"]), (&json!("two"), &json!([])));
    let metrics = two.get("//metrics").await.body;
    assert!(metrics.contains("relink_node_info{name=\"two\"} 1"), "{metrics}");
}

#[tokio::test]
async fn webhooks_are_divided_and_a_retry_reaches_the_node_that_works_them() {
    let namespace = Namespace::new();
    let (places, nodes) = two_nodes(namespace.url()).await;
    let [one, two] = [nodes[0].api(), nodes[1].api()];
    register_account(&one).await;
    let receiver = Receiver::start().await;
    for number in 0..8 {
        let path = format!("/hook-{number}");
        receiver.answer(&path, Reply::Status(500));
        // Nothing is tried again before it is asked for.
        let wanted = json!({
            "url": receiver.url(&path),
            "subscriptions": ["message_created"],
            "delivery": { "retry_schedule": ["10m"] },
        });
        one.post("/webhooks", wanted).await.json(200);
    }
    let shown = division(&two).await;
    let [ones, twos] = [worked_by(&shown, "one"), worked_by(&shown, "two")];
    assert_eq!(ones.len() + twos.len(), 8, "{shown}");
    let api = |webhook: u64| if ones.contains(&webhook) { &two } else { &one };
    message(&two, "hello").await;
    receiver.expect(8).await;
    places[0].written("delivery.attempt_failed", 8).await;
    for number in 0..8 {
        receiver.answer(&format!("/hook-{number}"), Reply::Status(200));
    }
    // Each is asked for at the node that does not work it.
    for event in places[0].log_of("delivery.queued").await {
        let delivery = event["data"]["delivery"].as_str().unwrap();
        let stream = event["stream"].as_str().unwrap();
        let webhook = stream.strip_prefix("ledger-").unwrap().parse().unwrap();
        let retried = api(webhook).post(&format!("/deliveries/{delivery}/retry"), json!({})).await;
        assert!(retried.status.is_success(), "{}", retried.body);
    }
    receiver.expect(16).await;
    places[0].written("delivery.delivered", 8).await;
    assert_eq!(receiver.arrivals().len(), 16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_and_prompts_at_two_nodes_are_counted_exactly() {
    let (inboxes, reports) = if full() { (1000, 10_000) } else { (20, 200) };
    let namespace = Namespace::new();
    let (places, nodes) = two_nodes(namespace.url()).await;
    let apis = [nodes[0].api(), nodes[1].api()];
    register_account(&apis[0]).await;
    let receiver = Receiver::start().await;
    subscribe(&apis[0], &receiver.url("/one"), &["inbox_updated"]).await;
    subscribe(&apis[1], &receiver.url("/two"), &["inbox_updated"]).await;
    let bound = Arc::new(Semaphore::new(64));
    let each = |count: usize, call: fn(Api, usize) -> CallFuture| {
        let (bound, apis) = (bound.clone(), apis.clone());
        async move {
            let mut calls = JoinSet::new();
            for nth in 0..count {
                let permit = bound.clone().acquire_owned().await.unwrap();
                let call = call(apis[nth / inboxes % 2].clone(), nth % inboxes);
                calls.spawn(async move {
                    call.await;
                    drop(permit);
                });
            }
            calls.join_all().await;
        }
    };
    each(inboxes, |api, inbox| Box::pin(register_numbered(api, inbox))).await;
    let before = receiver.arrivals().len();
    each(reports, |api, inbox| Box::pin(report(api, inbox))).await;

    // One transition for each inbox, told to each subscription once.
    let (expected, patience) = (2 * inboxes, if full() { 20 * DEADLINE } else { DEADLINE });
    let told = |arrivals: &[Arrival]| {
        arrivals.len() >= before + expected && transitions(&arrivals[before..]).len() >= expected
    };
    receiver.until_within(patience, told).await;
    let recorded = places[0].log_of("inbox.authorization_error_recorded").await;
    let prompted = places[0].log_of("inbox.reauthorization_required").await;
    assert_eq!(prompted.len(), inboxes, "one transition each");
    assert_eq!(recorded.len(), reports - reports / 10, "no report is lost and none counted twice");
    for inbox in 0..inboxes {
        let counts = recorded.iter().filter(|event| event["stream"] == format!("inbox-{inbox}"));
        let counts: Vec<_> = counts.map(|event| event["data"]["count"].as_u64().unwrap()).collect();
        assert_eq!(counts, (1..=counts.len() as u64).collect::<Vec<_>>());
    }
    let arrivals = receiver.arrivals();
    assert_eq!(transitions(&arrivals[before..]).len(), expected);
    all_once(&arrivals);
}

type CallFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

fn transitions(arrivals: &[Arrival]) -> Vec<&Arrival> {
    let required = steps::changed(false, true);
    arrivals.iter().filter(|it| it.json()["changed_attributes"] == required).collect()
}

async fn register_numbered(api: Api, inbox: usize) {
    let body = json!({ "name": format!("Inbox {inbox}"), "channel_type": "Channel::Whatsapp" });
    let answer = api.put(&format!("/inboxes/{inbox}"), body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

/// Of ten that come together one is a prompt.
async fn report(api: Api, inbox: usize) {
    let prompts = inbox.is_multiple_of(10);
    let (path, body) = match prompts {
        true => (format!("/inboxes/{inbox}/prompt_reauthorization"), json!({})),
        false => (format!("/inboxes/{inbox}/authorization_errors"), invalidated()),
    };
    let answer = insist(&api, &path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_prompts_at_once_at_two_nodes_make_one_transition() {
    const INBOXES: usize = 10;
    let turns = if full() { 100 } else { 5 };
    let namespace = Namespace::new();
    let (places, nodes) = two_nodes(namespace.url()).await;
    let apis = [nodes[0].api(), nodes[1].api()];
    register_account(&apis[0]).await;
    let receiver = Receiver::start().await;
    subscribe(&apis[0], &receiver.url("/hook"), &["inbox_updated"]).await;
    let mut each = JoinSet::new();
    for inbox in 0..INBOXES {
        let apis = apis.clone();
        each.spawn(async move {
            register_numbered(apis[0].clone(), inbox).await;
            for _ in 0..turns {
                let path = format!("/inboxes/{inbox}/prompt_reauthorization");
                let both = apis.each_ref().map(|api| insist(api, &path, json!({})));
                let [one, two] = both;
                let (one, two) = tokio::join!(one, two);
                for answer in [one, two] {
                    assert_eq!(answer.json(200)["reauthorization_required"], true);
                }
                let path = format!("/inboxes/{inbox}/reauthorized");
                let cleared = insist(&apis[inbox % 2], &path, json!({})).await.json(200);
                assert_eq!(cleared["reauthorization_required"], false);
            }
        });
    }
    each.join_all().await;
    let prompts = INBOXES * turns;
    let patience = if full() { 10 * DEADLINE } else { DEADLINE };
    let told = |arrivals: &[Arrival]| transitions(arrivals).len() >= prompts;
    receiver.until_within(patience, told).await;
    assert_eq!(places[0].log_of("inbox.reauthorization_required").await.len(), prompts);
    assert_eq!(places[0].log_of("inbox.reauthorized").await.len(), prompts);
    let arrivals = receiver.arrivals();
    assert_eq!(transitions(&arrivals).len(), prompts);
    all_once(&arrivals);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_at_two_nodes_at_once_is_one_event_with_one_id() {
    const KEYS: usize = 20;
    let namespace = Namespace::new();
    let (places, nodes) = two_nodes(namespace.url()).await;
    let apis = [nodes[0].api(), nodes[1].api()];
    register_account(&apis[0]).await;
    for key in 0..KEYS {
        let event = json!({ "event": "message_created", "data": { "id": key } });
        let asked = apis.each_ref().map(|api| {
            let call = api.call(Method::POST, "/events").json(&event);
            Answer::to(call.header("idempotency-key", format!("key-{key}")))
        });
        let [one, two] = asked;
        let (one, two) = tokio::join!(one, two);
        assert_eq!(one.json(202)["id"], two.json(202)["id"]);
    }
    let received = places[0].log_of("platform.event_received").await;
    assert_eq!(received.len(), KEYS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_one_of_two_nodes_is_killed_the_other_delivers_what_it_owed() {
    let owed = if full() { 5000 } else { 60 };
    let namespace = Namespace::new();
    let ([place, _other], [survivor, victim]) = two_nodes(namespace.url()).await;
    register_account(&survivor.api()).await;
    let receiver = Receiver::start().await;
    const HOOKS: usize = 10;
    for number in 0..HOOKS {
        let path = format!("/hook-{number}");
        receiver.answer(&path, Reply::Hang);
        subscribe(&survivor.api(), &receiver.url(&path), &["message_created"]).await;
    }
    let shown = division(&survivor.api()).await;
    let victims = worked_by(&shown, "two");
    assert!(!victims.is_empty() && victims.len() < HOOKS, "{shown}");
    for nth in 0..owed / HOOKS {
        message(&survivor.api(), &format!("message {nth}")).await;
    }
    place.written("delivery.queued", owed).await;
    victim.kill().await;
    let killed = Instant::now();
    // Webhooks are numbered from 1, in the order in which they were made.
    let first = format!("/hook-{}", victims[0] - 1);
    let before = receiver.arrivals_at(&first).len();
    for number in 0..HOOKS {
        receiver.answer(&format!("/hook-{number}"), Reply::Status(200));
    }
    receiver.expect_at(&first, before + 1).await;
    let taken = killed.elapsed();
    assert!(taken < TAKEN_OVER_WITHIN, "it took {taken:?}");
    eprintln!("the survivor began {taken:?} after the kill");
    until_nodes(&survivor.api(), &["one"]).await;
    let patience = if full() { 20 * DEADLINE } else { 2 * DEADLINE };
    let delivered = |arrivals: &[Arrival]| {
        let taken = arrivals.iter().filter(|it| it.answered == Some(200));
        arrivals.len() >= owed
            && taken.map(Arrival::delivery).collect::<BTreeSet<_>>().len() == owed
    };
    receiver.until_within(patience, delivered).await;
    place.written("delivery.delivered", owed).await;
}

#[tokio::test]
async fn a_node_that_stops_hands_its_part_over_at_once() {
    let namespace = Namespace::new();
    let ([_place, _other], [survivor, leaving]) = two_nodes(namespace.url()).await;
    assert!(leaving.terminate().await.success());
    let begun = Instant::now();
    until_nodes(&survivor.api(), &["one"]).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
}

/// Seconds of all cores that a process has used.
fn cpu_of(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<_> = rest.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_gone_two_nodes_wait_quietly_and_resume_when_it_is_back() {
    let gone = Duration::from_secs(if full() { 60 } else { 12 });
    let mut double = Double::start();
    let url = in_namespace(&double.url());
    let (places, nodes) = two_nodes(&url).await;
    let apis = [nodes[0].api(), nodes[1].api()];
    register(&apis[0]).await;
    let receiver = Receiver::start().await;
    subscribe(&apis[0], &receiver.url("/hook"), &["message_created"]).await;
    for nth in 0..20 {
        message(&apis[nth % 2], "before").await;
    }
    // Some are delivered, of some the end cannot be written any more.
    receiver.expect(3).await;
    double.kill(0);
    let killed = Instant::now();
    for api in &apis {
        let begun = Instant::now();
        fail(api).await.problem(503);
        assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    }
    // The outage itself is what is measured: nothing happens that could be waited for.
    let before = nodes.each_ref().map(|node| cpu_of(node.process()));
    let began = Instant::now();
    sleep(gone.saturating_sub(killed.elapsed()).max(Duration::from_secs(5))).await;
    let waited = began.elapsed().as_secs_f64();
    for (node, before) in nodes.iter().zip(before) {
        let busy = (cpu_of(node.process()) - before) / waited;
        assert!(busy < 0.3, "{busy:.2} of a core while there is nothing to do");
    }
    double.raise(0);
    let back = Instant::now();
    for api in &apis {
        let ready = async { while api.get("//readyz").await.status != 200 {} };
        timeout(DEADLINE, ready).await.expect("it is ready again");
    }
    let written = async { while fail(&apis[1]).await.status != 200 {} };
    timeout(DEADLINE, written).await.expect("it writes again");
    message(&apis[1], "after").await;
    let told = |arrivals: &[Arrival]| arrivals.iter().any(|it| it.json()["content"] == "after");
    receiver.until(told).await;
    assert!(back.elapsed() < Duration::from_secs(5), "it took {:?}", back.elapsed());
    eprintln!("all resumed {:?} after the server was back", back.elapsed());
    until_nodes(&apis[0], &["one", "two"]).await;
    let recorded = places[0].log_of("inbox.authorization_error_recorded").await.len();
    let count = fail(&apis[0]).await.json(200)["authorization_error_count"].as_u64().unwrap();
    assert_eq!(recorded as u64 + 1, count, "nothing that was acknowledged is lost");
}
