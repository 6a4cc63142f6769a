use std::collections::BTreeSet;

use events::delivery::{AbandonReason, Abandoned, Delivered, Event, Queued, Response};
use events::{AccountId, DeliveryId, EventId, WebhookId};
use projections::delivery_log::FINISHED_MAX;
use uuid::Uuid;

use super::*;
use crate::history::{append, second};
use crate::http::testing::{Service, furnished};

const WEBHOOK: WebhookId = WebhookId(1);

/// More than the view lists, of one kind.
const MANY: u128 = FINISHED_MAX as u128 + 60;

fn id(number: u128) -> DeliveryId {
    DeliveryId::of(EventId(Uuid::from_u128(number)), WEBHOOK)
}

fn queued(number: u128) -> Event {
    Queued {
        delivery: id(number),
        account: AccountId(1),
        event: "message_created".to_owned(),
        source: EventId(Uuid::from_u128(number)),
        body: "{}".to_owned(),
        due: second(40_000_000_000),
        key: None,
    }
    .into()
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
    let service = furnished().await;
    let body = r#"{"url": "https://example.com/hook"}"#;
    assert_eq!(service.call("POST", "1/webhooks", body).await.status, 200);
    let ledger = StreamName::new(Category::Ledger, WEBHOOK);
    for event in told {
        let position = append(&*service.app.store, &ledger, event, 10).await;
        service.app.acknowledge(position);
    }
    service
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
