//! A receiver that fails as by chance, and `kill -9` in the middle: nothing is lost, little is
//! repeated, and each key stays in order. `RELINK_TEST_FULL=1` is the full size, and measures
//! how fast it is, which a machine that is busy with other tests cannot keep up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::api::Api;
use crate::receiver::{Arrival, Receiver, Reply};
use crate::relink::Place;
use crate::steps;

const NDJSON: &str = "application/x-ndjson";

/// As many effects as one ledger has under way: no more can be unwritten at a kill.
const IN_FLIGHT_MAX: usize = 256;

fn full() -> bool {
    std::env::var_os("RELINK_TEST_FULL").is_some()
}

fn place() -> Place {
    Place::new().set("RELINK_RETRY_SCHEDULE", &["300ms"; 100].join(","))
}

/// Reports messages, of which each is in one of the conversations.
async fn say(api: &Api, numbers: std::ops::Range<usize>, conversations: usize) {
    let line = |number: usize| {
        let conversation = json!({ "id": number % conversations });
        let data = json!({ "id": number, "content": "!", "conversation": conversation });
        json!({ "event": "message_created", "data": data }).to_string()
    };
    let lines: Vec<_> = numbers.map(line).collect();
    let answer = api.post_raw("/events", NDJSON, lines.join("\n")).await;
    assert_eq!(answer.body.lines().count(), lines.len(), "{}", answer.body);
}

fn number(arrival: &Arrival) -> usize {
    usize::try_from(arrival.json()["id"].as_u64().unwrap()).unwrap()
}

/// What was taken, in the order of arrival.
fn taken(arrivals: &[Arrival]) -> Vec<usize> {
    arrivals.iter().filter(|arrival| arrival.answered == Some(200)).map(number).collect()
}

async fn until_all_are_taken(receiver: &Receiver, count: usize) -> Vec<usize> {
    let is_taken = |arrival: &&Arrival| arrival.answered == Some(200);
    let all = |arrivals: &[Arrival]| {
        // Cheap before dear: it is asked at every arrival.
        arrivals.iter().filter(is_taken).count() >= count
            && taken(arrivals).into_iter().collect::<BTreeSet<_>>().len() == count
    };
    taken(&receiver.until(all).await)
}

#[tokio::test]
async fn nothing_is_lost_and_little_repeated_through_kills_and_a_receiver_that_fails_at_random() {
    let (kills, each) = if full() { (20, 500) } else { (3, 60) };
    let place = place();
    let receiver = Receiver::start().await;
    receiver.answer("/hook", Reply::Fails(20));
    let mut relink = place.serve().await;
    steps::register_account(&relink.api()).await;
    steps::subscribe(&relink.api(), &receiver.url("/hook"), &["message_created"]).await;
    let mut in_flight = vec![];
    for round in 0..kills {
        let before = receiver.arrivals().len();
        say(&relink.api(), round * each..(round + 1) * each, 1_000).await;
        receiver.expect(before + each / 2).await;
        relink.kill().await;
        let written = place.log_of("delivery.delivered").await.len();
        // What was taken and is not written was under way at this kill or at one before.
        let unwritten = taken(&receiver.arrivals()).len() - written;
        let now = unwritten - in_flight.iter().sum::<usize>();
        assert!(now <= IN_FLIGHT_MAX, "{now} were under way at the kill");
        in_flight.push(now);
        relink = place.serve().await;
    }
    let count = kills * each;
    let all = until_all_are_taken(&receiver, count).await;
    place.written("delivery.delivered", count).await;
    let (repeats, allowed) = (all.len() - count, in_flight.iter().sum::<usize>());
    println!("{count} deliveries, {kills} kills: {repeats} repeats, {in_flight:?} in flight");
    assert!(repeats <= allowed, "{repeats} repeats, {in_flight:?} in flight at the kills");
    drop(relink);
}

#[tokio::test]
async fn each_key_arrives_in_order_through_failures_and_a_restart() {
    const KEYS: usize = 100;
    let count = if full() { KEYS * 50 } else { KEYS * 4 };
    let place = place();
    let receiver = Receiver::start().await;
    receiver.answer("/hook", Reply::Fails(10));
    let relink = place.serve().await;
    let api = relink.api();
    steps::register_account(&api).await;
    let wanted = json!({
        "url": receiver.url("/hook"),
        "subscriptions": ["message_created"],
        "delivery": { "ordering": "by_key" },
    });
    let webhook: Value = api.post("/webhooks", wanted).await.json(200);
    assert_eq!(webhook["payload"]["webhook"]["delivery"]["ordering"], "by_key", "{webhook}");
    for from in (0..count).step_by(500) {
        say(&api, from..count.min(from + 500), KEYS).await;
    }
    receiver.expect(count / 2).await;
    relink.kill().await;
    let relink = place.serve().await;
    let all = until_all_are_taken(&receiver, count).await;
    let mut keys = BTreeMap::<usize, Vec<usize>>::new();
    for number in all {
        keys.entry(number % KEYS).or_default().push(number);
    }
    assert_eq!(keys.len(), KEYS);
    for (key, numbers) in keys {
        assert!(numbers.is_sorted(), "key {key} is out of order: {numbers:?}");
    }
    drop(relink);
}

async fn subscribe_at(api: &Api, receiver: &Receiver, rate: u32) {
    steps::register_account(api).await;
    let wanted = json!({
        "url": receiver.url("/hook"),
        "subscriptions": ["message_created"],
        "delivery": { "rate_per_second": rate, "concurrency": 64 },
    });
    assert_eq!(api.post("/webhooks", wanted).await.status, 200);
}

/// The fewest and the most arrivals in any whole second.
fn in_a_second(at: &[Instant]) -> (usize, usize) {
    const SECOND: Duration = Duration::from_secs(1);
    let last = *at.last().unwrap();
    let counts = at
        .iter()
        .filter(|from| last - **from >= SECOND)
        .map(|from| at.iter().filter(|it| *it >= from && **it - *from < SECOND).count());
    counts.fold((usize::MAX, 0), |(fewest, most), it| (fewest.min(it), most.max(it)))
}

#[tokio::test]
async fn a_rate_is_kept_at_the_receiver_for_retries_too() {
    let (events, arrivals) = if full() { (600, 520) } else { (150, 130) };
    let receiver = Receiver::start().await;
    receiver.answer("/hook", Reply::Fails(10));
    let place = place();
    let relink = place.serve().await;
    subscribe_at(&relink.api(), &receiver, 50).await;
    say(&relink.api(), 0..events, 10).await;
    let at: Vec<_> = receiver.expect(arrivals).await.iter().map(|arrival| arrival.at).collect();
    let (fewest, most) = in_a_second(&at);
    println!("a rate of 50: between {fewest} and {most} in any second");
    // On a busy machine arrivals come in bunches, and yet not more of them in all.
    let rate = (at.len() - 1) as f64 / (*at.last().unwrap() - at[0]).as_secs_f64();
    assert!(rate < 55.0, "{rate} a second");
    assert!(!full() || fewest >= 45 && most <= 51, "between {fewest} and {most} in a second");
    drop(relink);
}

#[tokio::test]
async fn a_dead_endpoint_with_much_owed_is_drained_at_its_rate_as_soon_as_it_is_back() {
    const RATE: u32 = 250;
    let owed = if full() { 10_000 } else { 500 };
    let receiver = Receiver::start().await;
    receiver.answer("/hook", Reply::Status(503));
    let place = place();
    let relink = place.serve().await;
    subscribe_at(&relink.api(), &receiver, RATE).await;
    for from in (0..owed).step_by(500) {
        say(&relink.api(), from..from + 500, 100).await;
    }
    place.written("delivery.queued", owed).await;
    place.written("delivery.endpoint_failing", 1).await;
    let back = Instant::now();
    receiver.answer("/hook", Reply::Status(200));
    let dead = receiver.arrivals().len();
    receiver.expect(dead + owed / 2).await;
    until_all_are_taken(&receiver, owed).await;
    let taken = receiver.arrivals().into_iter().filter(|arrival| arrival.answered == Some(200));
    let at: Vec<_> = taken.map(|arrival| arrival.at).collect();
    let (first, drained) = (at[0] - back, *at.last().unwrap() - at[0]);
    println!("{owed} owed: the first after {first:?}, all in {drained:?} at {RATE} a second");
    assert!(!full() || first < Duration::from_secs(2), "{first:?}");
    let rate = owed as f64 / drained.as_secs_f64();
    let slack = if full() { 1.02 } else { 1.1 };
    assert!(rate < f64::from(RATE) * slack, "{rate} a second");
    assert!(!full() || rate > f64::from(RATE) * 0.9, "{rate} a second");
    drop(relink);
}
