//! Requests that broke off between two steps, and those that came after them.

use events::{Actor, KeyId, Sealed, Timestamp};
use serde_json::json;

use super::*;
use crate::http::testing::Service;

const ACCOUNT: AccountId = AccountId(1);
const URL: &str = "https://example.com/hook";
const ELSEWHERE: &str = "https://example.com/elsewhere";

fn context(id: Uuid) -> Context {
    let now = Timestamp::from_micros(1);
    Context { id, correlation: id, actor: Actor::ADMIN, account: Some(ACCOUNT), now }
}

async fn service() -> Service {
    let service = Service::start().await;
    assert_eq!(service.call("PUT", "1", r#"{"name": "Acme"}"#).await.status, 201);
    service
}

fn desk(service: &Service) -> Desk<'_> {
    Desk { app: &service.app, context: context(Uuid::new_v4()), account: ACCOUNT }
}

fn at(url: &str) -> Params {
    Params { url: Some(url.to_owned()), ..Params::default() }
}

async fn live_at(service: &Service, url: &str) -> Vec<WebhookId> {
    service.app.own_writes().await;
    service
        .app
        .views
        .webhook_health
        .read(|view| view.of_account(ACCOUNT).filter(|it| it.url == url).map(|it| it.id).collect())
}

#[tokio::test]
async fn a_number_taken_in_vain_is_a_gap() {
    let service = service().await;
    desk(&service).take_number().await.unwrap();
    let written = desk(&service).create(at(URL)).await.unwrap();
    assert_eq!(written.id, WebhookId(2));
}

#[tokio::test]
async fn a_creation_that_is_refused_takes_no_number() {
    let service = service().await;
    desk(&service).create(at(URL)).await.unwrap();
    assert_eq!(desk(&service).create(at(URL)).await, Err(taken()));
    let redacted =
        json!({ "url": ELSEWHERE, "delivery": { "headers": { "X-Key": "[redacted]" } } });
    let redacted = Params::read(&redacted, true).unwrap();
    assert!(desk(&service).create(redacted).await.is_err(), "there is no value to keep");
    let nobodys = Desk { account: AccountId(9), ..desk(&service) };
    assert_eq!(nobodys.create(at(ELSEWHERE)).await, Err(Problem::NoResource));
    let written = desk(&service).create(at(ELSEWHERE)).await.unwrap();
    assert_eq!(written.id, WebhookId(2));
}

#[tokio::test]
async fn a_claim_without_a_webhook_is_stepped_over() {
    let service = service().await;
    let first = desk(&service);
    let broken = first.take_number().await.unwrap();
    assert_eq!(first.claim(broken, URL).await, Ok(Claim::Ours));
    let written = desk(&service).create(at(URL)).await.unwrap();
    assert_eq!(live_at(&service, URL).await, [written.id]);
    assert_eq!(desk(&service).create(at(URL)).await, Err(taken()));
}

#[tokio::test]
async fn a_creation_that_lost_its_claim_is_taken_back() {
    let service = service().await;
    let slow = desk(&service);
    let id = slow.take_number().await.unwrap();
    slow.claim(id, URL).await.unwrap();
    let quick = desk(&service).create(at(URL)).await.unwrap();
    // What `create` does behind its claim, had it been that slow.
    assert_eq!(slow.claim(id, URL).await, Ok(Claim::Anothers(quick.id)));
    assert_eq!(live_at(&service, URL).await, [quick.id]);
}

#[tokio::test]
async fn a_repeated_request_finds_what_it_created() {
    let service = service().await;
    let id = Uuid::new_v5(&Uuid::nil(), b"key");
    let once = Desk { context: context(id), ..desk(&service) };
    let first = once.create(at(URL)).await.unwrap();
    let again = Desk { context: context(id), ..desk(&service) };
    let second = again.create(at(URL)).await.unwrap();
    assert_eq!((second.id, &second.settings), (first.id, &first.settings));
    assert_eq!(live_at(&service, URL).await, [first.id]);
}

#[tokio::test]
async fn a_repeated_request_that_broke_off_behind_its_claim_is_carried_out() {
    let service = service().await;
    let id = Uuid::new_v5(&Uuid::nil(), b"key");
    let once = Desk { context: context(id), ..desk(&service) };
    let number = once.take_number().await.unwrap();
    once.claim(number, URL).await.unwrap();
    let again = Desk { context: context(id), ..desk(&service) };
    let written = again.create(at(URL)).await.unwrap();
    assert_eq!(live_at(&service, URL).await, [written.id]);
}

#[tokio::test]
async fn a_move_that_broke_off_before_it_leaves_the_new_url_free() {
    let service = service().await;
    let one = desk(&service).create(at(URL)).await.unwrap();
    desk(&service).claim(one.id, ELSEWHERE).await.unwrap();
    let two = desk(&service).create(at(ELSEWHERE)).await.unwrap();
    assert_eq!(live_at(&service, ELSEWHERE).await, [two.id]);
    assert_eq!(desk(&service).change(one.id, at(ELSEWHERE)).await, Err(taken()));
}

#[tokio::test]
async fn a_move_that_broke_off_behind_it_leaves_the_old_url_free() {
    let service = service().await;
    let one = desk(&service).create(at(URL)).await.unwrap();
    desk(&service).claim(one.id, ELSEWHERE).await.unwrap();
    let moved = Change { url: Some(ELSEWHERE.to_owned()), ..Change::default() };
    desk(&service).change_to(one.id, moved).await.unwrap();
    let two = desk(&service).create(at(URL)).await.unwrap();
    assert_eq!(live_at(&service, URL).await, [two.id]);
    assert_eq!(live_at(&service, ELSEWHERE).await, [one.id]);
}

#[tokio::test]
async fn a_deletion_that_broke_off_leaves_the_url_free() {
    let service = service().await;
    let one = desk(&service).create(at(URL)).await.unwrap();
    desk(&service).ask(one.id, Command::Delete { account: ACCOUNT }).await.unwrap();
    let two = desk(&service).create(at(URL)).await.unwrap();
    assert_eq!(live_at(&service, URL).await, [two.id]);
}

#[tokio::test]
async fn a_webhook_that_moved_back_keeps_its_url() {
    let service = service().await;
    let one = desk(&service).create(at(URL)).await.unwrap();
    desk(&service).release(one.id, URL.to_owned()).await;
    assert_eq!(desk(&service).create(at(URL)).await, Err(taken()));
}

#[tokio::test]
async fn a_secret_is_sealed_for_its_webhook_alone() {
    let service = service().await;
    let one = desk(&service).create(at(URL)).await.unwrap();
    let vault = &service.app.vault;
    assert!(vault.unseal(&secret_context(one.id), one.settings.keys.secret()).is_ok());
    let other = secret_context(WebhookId(one.id.0 + 1));
    assert!(vault.unseal(&other, one.settings.keys.secret()).is_err());
    assert_ne!(
        *one.settings.keys.secret(),
        Sealed { key: KeyId([0; 8]), nonce: [0; 24], text: vec![] }
    );
}
