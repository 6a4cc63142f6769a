use std::collections::BTreeSet;

use std::sync::Arc;
use std::time::Duration;

use events::delivery::{AbandonReason, Abandoned, Delivered, Event, Queued, Reopened, Response};
use events::installation::Role;
use events::{AccountId, Actor, DeliveryId, EventId, WebhookId};
use projections::delivery_log::FINISHED_MAX;
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
    for event in told {
        let position = append(&*service.app.store, &ledger_of_webhook(), event, 10).await;
        service.app.acknowledge(position);
    }
    service.app.own_writes().await;
}

/// The ids of all pages, in their order.
async fn all(service: &Service, query: &str) -> Vec<String> {
    let (mut ids, mut before) = (vec![], String::new());
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
    let view = service.app.views.delivery_log.reading();
    assert!(!view.knows(id(5)), "or nothing is shown by this");
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
    assert!(!service.app.views.delivery_log.read(|view| view.knows(id(0))), "it has left");
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

/// Asks for pages of one read each, one after the other, while deliveries end: what they list, and
/// how many they were.
async fn walked(service: &Service, limit: usize, before: Revision) -> (Vec<Delivery>, usize) {
    let paging = Paging { reads_max: 1, ..Paging::new() };
    let (mut listed, mut below, mut pages) = (vec![], Some(before), 0);
    while below.is_some() {
        let filter = Filter { below, ..Filter::newest(limit) };
        let page = paging.page(&service.app, &caller(), WEBHOOK.into(), filter).await.unwrap();
        assert!(page.next_before <= below, "it never goes back");
        (below, pages) = (page.next_before, pages + 1);
        listed.extend(page.deliveries);
        write(service, [taken(pages as u128)]).await;
        assert!(pages < 100, "it never comes to an end");
    }
    (listed, pages)
}

#[tokio::test]
async fn a_long_way_is_gone_in_many_requests_of_which_each_goes_on_where_the_last_was() {
    // The first fifty end late, so that reading back finds their ends first.
    let many = 3 * PAGE_MAX as u128 / 2;
    let late = (0..50).map(queued);
    let told = late.chain((50..many).flat_map(|number| [queued(number), taken(number)]));
    let service = service(told.chain((30..50).map(taken))).await;
    let all = Filter { below: Some(Revision(70)), ..Filter::newest(200) };
    let whole = Paging::new().page(&service.app, &caller(), WEBHOOK.into(), all).await.unwrap();
    assert_eq!((whole.deliveries.len(), whole.next_before), (60, None));

    let (listed, pages) = walked(&service, 7, Revision(70)).await;
    let in_order = |page: &[Delivery]| page.iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(in_order(&listed), in_order(&whole.deliveries));
    assert!(pages > 60 / 7 + 1, "{pages} pages: the way there is gone in steps");
}

#[tokio::test]
async fn pages_from_a_moment_back_are_gone_on_with_though_the_first_are_empty() {
    let many = PAGE_MAX as u128;
    let told = (0..many).flat_map(|number| [queued(number), taken(number)]);
    let service = service(told).await;
    let paging = Paging { reads_max: 1, ..Paging::new() };
    let before = Some(second(10));
    let filter = Filter { before, ..Filter::newest(5) };
    let page = paging.page(&service.app, &caller(), WEBHOOK.into(), filter).await.unwrap();
    assert_eq!(page.deliveries, [], "all are of that second");
    let last = page.next_before.map(|place| place.0);
    assert_eq!(last, Some(0), "no number takes the place of the moment and means more");
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

#[tokio::test]
async fn a_ledger_that_cannot_be_read_is_named_with_the_place() {
    let store = Arc::new(Staged::default());
    let told = (0..MANY).flat_map(|number| [queued(number), taken(number)]);
    let service = over(store.clone(), told).await;
    store.answer(|stream, _| {
        let damage = || Failure::Corrupt { position: None, reason: "it is torn".to_owned() };
        let torn = *stream == ledger_of_webhook();
        torn.then(|| Box::pin(std::future::ready(Err(damage()))) as _)
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
