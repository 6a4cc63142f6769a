mod far;
mod one;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use events::delivery::{
    AbandonReason, Abandoned, Delivered, Event, Queued, Reopened, Response, Trim, Trimmed,
};
use events::installation::Role;
use events::store::PAGE_MAX;
use events::{AccountId, Actor, DeliveryId, EventId, WebhookId};
use projections::delivery_log::{DeliveryStatus, FINISHED_MAX};
use serde_json::json;
use tokio::time::timeout;
use uuid::Uuid;

use super::*;
use crate::history::{Staged, append, second};
use crate::http::testing::Service;

const WEBHOOK: WebhookId = WebhookId(1);

/// Longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(10);

/// More than the view lists, of one kind.
const MANY: u128 = FINISHED_MAX as u128 + 60;

fn id(number: u128) -> DeliveryId {
    DeliveryId::of(EventId(Uuid::from_u128(number)), WEBHOOK)
}

fn queued(number: u128) -> Event {
    owed(number).into()
}

fn again(number: u128) -> Event {
    Reopened { queued: owed(number), attempts: 1, recovery: None }.into()
}

fn owed(number: u128) -> Queued {
    Queued {
        delivery: id(number),
        account: AccountId(1),
        event: "message_created".to_owned(),
        source: EventId(Uuid::from_u128(number)),
        body: "{}".to_owned(),
        due: second(40_000_000_000),
        key: None,
    }
}

fn given_up(number: u128) -> Event {
    Abandoned { delivery: id(number), reason: AbandonReason::Exhausted }.into()
}

fn taken(number: u128) -> Event {
    let response = Response { status: 204, body: String::new(), truncated: false };
    let (started_at, duration_us, address) = (second(0), 1, None);
    Delivered { delivery: id(number), attempt: 1, response, started_at, duration_us, address }
        .into()
}

/// A webhook whose ledger says these things, all in one second.
async fn service(told: impl IntoIterator<Item = Event>) -> Service {
    over(Arc::default(), told).await
}

async fn over(store: Arc<Staged>, told: impl IntoIterator<Item = Event>) -> Service {
    let service = Service::over(store).await;
    service.caught_up().await;
    assert_eq!(service.call("PUT", "1", r#"{"name":"Acme"}"#).await.status, 201);
    let body = r#"{"url": "https://example.com/hook"}"#;
    assert_eq!(service.call("POST", "1/webhooks", body).await.status, 200);
    write(&service, told).await;
    service
}

fn ledger_of_webhook() -> StreamName {
    StreamName::new(Category::Ledger, WEBHOOK)
}

async fn write(service: &Service, told: impl IntoIterator<Item = Event>) {
    write_at(service, 10, told).await;
}

async fn write_at(service: &Service, at: i64, told: impl IntoIterator<Item = Event>) {
    for event in told {
        let position = append(&*service.app.store, &ledger_of_webhook(), event, at).await;
        service.app.acknowledge(position);
    }
    service.app.own_writes().await;
}

fn is_known(service: &Service, number: u128) -> bool {
    service.app.views.delivery_log.read(|view| view.delivery(id(number)).is_some())
}

/// The ids of all pages, in their order.
async fn all(service: &Service, query: &str) -> Vec<String> {
    all_from(service, query, String::new()).await
}

/// The ids of all pages from the one that is asked for by `before`.
async fn all_from(service: &Service, query: &str, mut before: String) -> Vec<String> {
    let mut ids = vec![];
    loop {
        let path = format!("1/webhooks/1/deliveries?limit=200&before={before}&{query}");
        let page = service.call("GET", &path, "").await.json();
        let listed = page["deliveries"].as_array().unwrap();
        ids.extend(listed.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        let next = &page["next_before"];
        if next.is_null() {
            return ids;
        }
        before = next.to_string();
    }
}

fn ids(numbers: impl DoubleEndedIterator<Item = u128>) -> Vec<String> {
    numbers.rev().map(|number| id(number).to_string()).collect()
}

#[tokio::test]
async fn every_delivery_of_one_moment_is_on_one_page() {
    let service = service((0..450).map(queued)).await;
    assert_eq!(all(&service, "").await, ids(0..450));
    assert_eq!(all(&service, "status=pending").await.len(), 450);
}

#[tokio::test]
async fn what_has_left_the_view_is_listed_from_the_ledger() {
    let told = (0..5).flat_map(|number| [queued(number), given_up(number)]);
    let told = told.chain((5..MANY).flat_map(|number| [queued(number), taken(number)]));
    let service = service(told.chain([queued(MANY)])).await;
    assert_eq!(all(&service, "").await, ids(0..=MANY));
    assert_eq!(all(&service, "status=abandoned").await, ids(0..5));
    assert_eq!(all(&service, "status=delivered").await, ids(5..MANY));
    assert_eq!(all(&service, "status=pending").await, ids(MANY..=MANY));
    assert!(!is_known(&service, 5), "or nothing is shown by this");
}

#[tokio::test]
async fn all_that_were_given_up_are_found_between_those_delivered() {
    let told = (0..MANY).flat_map(|number| [queued(number), given_up(number)]);
    let told = told.chain((MANY..MANY + 9).flat_map(|number| [queued(number), taken(number)]));
    let service = service(told).await;
    assert_eq!(all(&service, "status=abandoned").await, ids(0..MANY));
    let once: BTreeSet<_> = all(&service, "").await.into_iter().collect();
    assert_eq!(once.len() as u128, MANY + 9);
    assert_eq!(all(&service, "after=1970-01-01T00:00:10Z").await, [] as [String; 0]);
}

#[tokio::test]
async fn what_was_brought_back_and_leaves_the_view_between_two_pages_is_in_the_second() {
    let others = (1..10).map(queued);
    let brought_back = [given_up(0), again(0), taken(0)];
    let service = service([queued(0)].into_iter().chain(others).chain(brought_back)).await;
    let first = service.call("GET", "1/webhooks/1/deliveries?limit=5", "").await.json();
    let more = (10..10 + MANY).flat_map(|number| [queued(number), taken(number)]);
    write(&service, more).await;
    assert!(!is_known(&service, 0), "it has left");
    let query = format!("limit=9&before={}", first["next_before"]);
    let path = format!("1/webhooks/1/deliveries?{query}");
    let second = service.call("GET", &path, "").await.json();
    let listed = second["deliveries"].as_array().unwrap();
    let listed: Vec<_> = listed.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(listed, ids(0..5));
}

fn caller() -> Caller {
    Caller { actor: Actor::ADMIN, token: None, account: AccountId(1), role: Role::Administrator }
}

/// Pages of one step each, one after the other, while deliveries end and others ask for the first
/// page: what they list, and how many they were.
async fn walked(service: &Service, filter: &Filter) -> (Vec<DeliveryId>, usize) {
    let paging = Paging { reads_max: 1, ..Paging::new(Damages::new()) };
    let page = async |below, filter: &Filter| {
        let filter = Filter { below, ..filter.clone() };
        paging.page(&service.app, &caller(), WEBHOOK.into(), filter).await.unwrap()
    };
    let (mut listed, mut below, mut pages) = (vec![], filter.below, 0);
    while below.is_some() {
        for _ in 0..16 {
            page(None, &Filter { event: Some("none".to_owned()), ..Filter::newest(5) }).await;
        }
        let next = page(below, filter).await;
        assert!(next.next_before < below, "it goes on: {:?} of {below:?}", next.next_before);
        (below, pages) = (next.next_before, pages + 1);
        listed.extend(next.deliveries.into_iter().map(|it| it.id));
        write(service, [taken(pages as u128)]).await;
    }
    (listed, pages)
}

fn newest_below(place: u64, limit: usize) -> Filter {
    Filter { below: Some(Revision(place)), ..Filter::newest(limit) }
}

#[tokio::test]
async fn each_page_goes_on_though_others_ask_for_the_first_again_and_again() {
    // The first fifty end late.
    let many = 3 * PAGE_MAX as u128 / 2;
    let late = (0..50).map(queued);
    let told = late.chain((50..many).flat_map(|number| [queued(number), taken(number)]));
    let service = service(told.chain((30..50).map(taken))).await;
    let (listed, _) = walked(&service, &newest_below(70, 7)).await;
    assert_eq!(listed, (0..60).rev().map(id).collect::<Vec<_>>());

    let event = Some("none".to_owned());
    let (listed, pages) = walked(&service, &Filter { event, ..newest_below(9_000, 7) }).await;
    assert_eq!(listed, []);
    assert!(pages > 2, "{pages} pages: none reads all");
}

#[tokio::test]
async fn a_page_from_long_ago_takes_few_reads_also_where_deliveries_were_brought_back_since() {
    let store = Arc::new(Staged::default());
    let many = 3 * PAGE_MAX as u128;
    let told = (0..many).flat_map(|number| [queued(number), taken(number)]);
    let service = over(store.clone(), told).await;
    let again = [again(3), given_up(3)].into_iter().chain((many..many + MANY).map(queued));
    let again = again.chain((many..many + MANY).map(given_up));
    write(&service, again).await;
    assert!(!is_known(&service, 3), "it has left once more");

    let reads = Arc::new(AtomicUsize::new(0));
    let counted = reads.clone();
    store.answer(move |stream, _| {
        counted.fetch_add(usize::from(*stream == ledger_of_webhook()), Ordering::Relaxed);
        None
    });
    let (paging, filter) = (Paging::new(Damages::new()), newest_below(12, 9));
    let page = paging.page(&service.app, &caller(), WEBHOOK.into(), filter).await.unwrap();
    let listed = page.deliveries.iter().map(|it| (it.id, it.status, it.revision.0));
    let listed: Vec<_> = listed.collect();
    let is = |number| match number {
        3 => DeliveryStatus::Abandoned,
        _ => DeliveryStatus::Delivered,
    };
    let expected = (0..6_u8).rev().map(|nth| (id(nth.into()), is(nth), u64::from(nth) * 2));
    assert_eq!(listed, expected.collect::<Vec<_>>());
    assert_eq!(page.next_before, None);
    let reads = reads.load(Ordering::Relaxed);
    assert!(reads <= 4, "{reads} reads: back, on to the ends, and on from where one was again");
}

#[tokio::test]
async fn what_is_older_than_all_is_not_there() {
    let many = PAGE_MAX as u128;
    let told = (0..many).flat_map(|number| [queued(number), taken(number)]);
    let service = service(told).await;
    let filter = Filter { before: Some(second(10)), ..Filter::newest(5) };
    let page = Paging::new(Damages::new())
        .page(&service.app, &caller(), WEBHOOK.into(), filter)
        .await
        .unwrap();
    assert_eq!((page.deliveries, page.next_before), (vec![], None), "all are of that second");
}

/// More that were given up than the view has, of which the first is brought back after so many
/// pages were listed.
async fn brought_back_after(pages: usize) -> (Service, Vec<String>) {
    let told = (0..MANY).flat_map(|number| [queued(number), given_up(number)]);
    let service = service(told).await;
    assert!(!is_known(&service, 0), "it has left");
    let (mut seen, mut before) = (vec![], String::new());
    for _ in 0..pages {
        let path = format!("1/webhooks/1/deliveries?limit=200&before={before}");
        let page = service.call("GET", &path, "").await.json();
        let listed = page["deliveries"].as_array().unwrap();
        seen.extend(listed.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        before = page["next_before"].to_string();
    }
    write_at(&service, 60, [again(0)]).await;
    seen.extend(all_from(&service, "", before).await);
    (service, seen)
}

#[tokio::test]
async fn one_that_is_brought_back_after_it_has_left_is_on_one_page_wherever_a_walk_is() {
    for pages in [0, 1, 3] {
        let (service, seen) = brought_back_after(pages).await;
        assert_eq!(seen, ids(0..MANY), "after {pages} pages");
        assert_eq!(all(&service, "status=pending").await, ids(0..1));
        assert_eq!(all(&service, "status=abandoned").await, ids(1..MANY));
        write_at(&service, 70, [taken(0)]).await;
        assert_eq!(all(&service, "").await, ids(0..MANY));
        assert_eq!(all(&service, "status=delivered").await, ids(0..1));
    }
}

#[tokio::test]
async fn one_that_is_brought_back_was_created_when_it_was_queued() {
    let (service, _) = brought_back_after(0).await;
    let listed = service.call("GET", "1/webhooks/1/deliveries?status=pending", "").await.json();
    assert_eq!(listed["deliveries"][0]["created_at"], json!(second(10)));
    let shown = service.call("GET", &format!("1/deliveries/{}", id(0)), "").await.json();
    assert_eq!((&shown["created_at"], &shown["status"]), (&json!(second(10)), &json!("pending")));
    let explained = format!("1/deliveries/{}/explain", id(0));
    let explained = service.call("GET", &explained, "").await.json();
    assert_eq!(explained["queued_at"], json!(second(10)));
}

#[tokio::test]
async fn one_that_was_brought_back_far_behind_its_end_and_has_left_is_shown_as_it_ended() {
    // Given one that is given up, and brought back more than a page of records later
    let told = (0..2_100).flat_map(|number| [queued(number), given_up(number)]);
    let service = service(told).await;
    let later = 3_000..3_000 + MANY;
    let behind = later.flat_map(|number| [queued(number), taken(number)]);
    write_at(&service, 60, [again(0), taken(0)].into_iter().chain(behind)).await;
    assert!(!is_known(&service, 0), "it has left once more");
    // Then its last end is told, and not its first
    let shown = service.call("GET", &format!("1/deliveries/{}", id(0)), "").await.json();
    let told = (&shown["status"], &shown["finished_at"]);
    assert_eq!(told, (&json!("delivered"), &json!(second(60))), "{shown}");
}

#[tokio::test]
async fn one_whose_queueing_retention_removed_is_listed_where_it_was_brought_back() {
    let told = (0..MANY).flat_map(|number| [queued(number), given_up(number)]);
    let service = service(told).await;
    let later = 3_000..3_000 + MANY;
    let behind = later.clone().flat_map(|number| [queued(number), taken(number)]);
    write_at(&service, 60, [again(0), taken(0)].into_iter().chain(behind)).await;
    // When all is removed that stood before it was brought back
    let before = Revision(MANY as u64 * 2);
    let trim = Trim { before, summed_at: second(1), at: second(60) };
    write_at(&service, 61, [Trimmed { trim, outcomes: vec![] }.into()]).await;
    service.app.store.truncate(&ledger_of_webhook(), before).await.unwrap();
    let listed = all(&service, "status=delivered").await;
    assert_eq!(listed.last(), Some(&id(0).to_string()));
    assert_eq!(listed.len(), later.count() + 1);
}

#[tokio::test]
async fn where_retention_was_at_work_what_is_brought_back_is_not_missed_either() {
    let (service, _) = brought_back_after(0).await;
    let trim = Trim { before: Revision(0), summed_at: second(1), at: second(60) };
    write_at(&service, 60, [Trimmed { trim, outcomes: vec![] }.into()]).await;
    let listed: BTreeSet<_> = all(&service, "").await.into_iter().collect();
    assert_eq!(listed, ids(0..MANY).into_iter().collect());
    let first = service.call("GET", "1/webhooks/1/deliveries?limit=1", "").await.json();
    let rest = all_from(&service, "", first["next_before"].to_string()).await;
    assert_eq!(rest.last(), Some(&id(0).to_string()));
}

#[tokio::test]
async fn whoever_waits_for_a_ledger_is_told_when_the_service_stops() {
    let store = Arc::new(Staged::default());
    let told = (0..MANY).flat_map(|number| [queued(number), taken(number)]);
    let service = over(store.clone(), told).await;
    let of_ledger = |stream: &StreamName| *stream == ledger_of_webhook();
    store.answer(move |stream, _| of_ledger(stream).then(|| Box::pin(std::future::pending()) as _));
    let stop = async {
        tokio::task::yield_now().await;
        service.app.stopping.send_replace(true);
    };
    let asked = service.call("GET", "1/webhooks/1/deliveries?before=9", "");
    let (answer, ()) = tokio::join!(asked, stop);
    assert_eq!(answer.status, 503, "{answer:?}");
    let one = format!("1/deliveries/{}", id(3));
    let explained = format!("{one}/explain");
    for (method, path, body) in [
        ("GET", one.as_str(), ""),
        ("GET", &explained, ""),
        ("GET", "1/webhooks/1/why", ""),
        ("POST", "1/webhooks/1/recover", r#"{"since":"1970-01-01T00:00:00Z"}"#),
    ] {
        let asked = timeout(DEADLINE, service.call(method, path, body));
        assert_eq!(asked.await.map(|answer| answer.status), Ok(503), "{path}");
    }
}

fn torn() -> Failure {
    Failure::Corrupt { position: None, reason: "it is torn".to_owned() }
}

/// What cannot be read, and then does not answer whoever looks for the damage.
#[tokio::test]
async fn whoever_waits_until_damage_is_named_is_told_when_the_service_stops() {
    let store = Arc::new(Staged::default());
    let told = (0..MANY).flat_map(|number| [queued(number), taken(number)]);
    let service = over(store.clone(), told).await;
    let inbox = r#"{"name":"Support","channel_type":"Channel::Whatsapp"}"#;
    assert_eq!(service.call("PUT", "1/inboxes/42", inbox).await.status, 201);
    let prompt = "1/inboxes/42/prompt_reauthorization";
    assert_eq!(service.call("POST", prompt, r#"{"reason":"gone"}"#).await.status, 200);
    service.app.own_writes().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let nth = asked.clone();
    store.answer(move |stream, _| {
        let is_meant = *stream == ledger_of_webhook() || stream.to_string() == "inbox-42";
        is_meant.then(|| match nth.fetch_add(1, Ordering::Relaxed) {
            0 => Box::pin(std::future::ready(Err(torn()))) as _,
            _ => Box::pin(std::future::pending()) as _,
        })
    });
    service.app.stopping.send_replace(true);
    for (method, path, body) in [
        ("GET", "1/webhooks/1/deliveries?before=9", ""),
        ("GET", &format!("1/deliveries/{}", id(3)), ""),
        ("POST", "1/webhooks/1/recover", r#"{"since":"1970-01-01T00:00:00Z"}"#),
        ("GET", "1/inboxes/42/why", ""),
    ] {
        asked.store(0, Ordering::Relaxed);
        let answer = timeout(DEADLINE, service.call(method, path, body)).await;
        assert_eq!(answer.map(|answer| answer.status), Ok(503), "{path}");
        assert!(asked.load(Ordering::Relaxed) > 1, "{path}: it looked for the damage");
    }
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_is_named_with_the_place() {
    let store = Arc::new(Staged::default());
    let told = (0..MANY).flat_map(|number| [queued(number), taken(number)]);
    let service = over(store.clone(), told).await;
    store.answer(|stream, _| {
        let is_meant = *stream == ledger_of_webhook();
        is_meant.then(|| Box::pin(std::future::ready(Err(torn()))) as _)
    });
    let one = format!("1/deliveries/{}", id(3));
    let explained = format!("{one}/explain");
    for path in ["1/webhooks/1/deliveries?before=9", &one, &explained, "1/webhooks/1/why"] {
        let answer = service.call("GET", path, "").await;
        assert_eq!((answer.status, &answer.json()["code"]), (503, &"halted".into()), "{path}");
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains("ledger-1") && detail.contains("position"), "{path}: {detail}");
        assert!(!answer.head.headers.contains_key("retry-after"), "{path}: it does not pass");
    }
}
