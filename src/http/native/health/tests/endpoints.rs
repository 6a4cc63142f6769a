//! Endpoints in the health of an account: webhooks, those of API inboxes, and mail.

use events::delivery::{
    AttemptClass, AttemptFailed, Backlog, DisableRule, EndpointDisabled, EndpointEnabled, Event,
    Queued,
};
use events::{AccountId, Actor, Category, DeliveryId, EndpointId, EventId, StreamName, WebhookId};

use super::*;

const INBOX: EndpointId = EndpointId::Inbox(InboxId(700));
const MAIL: EndpointId = EndpointId::Mail(AccountId(1));
const WEBHOOK: EndpointId = EndpointId::Webhook(WebhookId(1));

fn delivery(endpoint: EndpointId) -> DeliveryId {
    DeliveryId::of(EventId(uuid::Uuid::from_u128(7)), endpoint)
}

fn queued(endpoint: EndpointId) -> Event {
    Queued {
        delivery: delivery(endpoint),
        account: AccountId(1),
        event: "message_created".to_owned(),
        source: EventId(uuid::Uuid::from_u128(7)),
        body: "{}".to_owned(),
        // So far ahead that no attempt begins.
        due: second(40_000_000_000),
        key: None,
    }
    .into()
}

fn failed(endpoint: EndpointId, class: AttemptClass) -> Event {
    AttemptFailed {
        delivery: delivery(endpoint),
        attempt: 1,
        class,
        detail: "it failed".to_owned(),
        response: None,
        started_at: second(30),
        duration_us: 1,
        retry_at: Some(second(40_000_000_000)),
        charged: true,
        throttled_until: None,
        address: None,
    }
    .into()
}

fn disabled(rule: DisableRule) -> Event {
    let (by, at) = (Actor::DELIVERY, second(50));
    EndpointDisabled { rule, reason: "it is gone".to_owned(), by, at, since: None, held: None }
        .into()
}

/// Tells the ledger of an endpoint; the position of the last.
async fn tell(
    service: &Service,
    endpoint: EndpointId,
    story: impl IntoIterator<Item = Event>,
) -> Position {
    let stream = StreamName::new(Category::Ledger, endpoint);
    let mut last = Position::START;
    for event in story {
        last = append(&*service.app.store, &stream, event, 60).await;
    }
    service.app.acknowledge(last);
    last
}

/// An API inbox whose webhook said that it is gone, and a mail server that is not there.
async fn in_trouble() -> (Service, Position) {
    let (service, _) = service().await;
    let inbox = r#"{"name": "Bot", "channel_type": "Channel::Api", "webhook_url": "http://x.io"}"#;
    assert_eq!(service.call("PUT", "1/inboxes/700", inbox).await.status, 201);
    let gone = disabled(DisableRule::Gone);
    tell(&service, INBOX, [queued(INBOX), failed(INBOX, AttemptClass::Gone), gone]).await;
    let story = [queued(MAIL), failed(MAIL, AttemptClass::Connect)];
    let last = tell(&service, MAIL, story).await;
    (service, last)
}

#[tokio::test]
async fn api_inboxes_and_mail_are_listed_as_webhooks_are() {
    let (service, _) = in_trouble().await;
    let health = health(&service, "").await;
    let [inbox, mail] = &health["endpoints"].as_array().unwrap()[..] else { panic!("{health}") };
    let what = |one: &Value| json!([one["kind"], one["id"], one["name"], one["state"]]);
    assert_eq!(what(inbox), json!(["inbox", 700, "Bot", "disabled"]));
    assert_eq!(what(mail), json!(["mail", 1, "mail to administrators", "failing"]));
    let held = |one: &Value| json!([one["pending"], one["held"], one["disabled_rule"]]);
    assert_eq!((held(inbox), held(mail)), (json!([1, 1, "gone"]), json!([1, 0, null])));
    assert!(mail["next_action"].as_str().unwrap().contains("RELINK_SMTP_URL"));
    for (path, shown) in [("inboxes/700/webhook", inbox), ("mail", mail)] {
        let why = service.call("GET", &format!("1/{path}/why"), "").await.json();
        assert_eq!((&why["state"], &why["since"]), (&shown["state"], &shown["since"]), "{path}");
        assert_eq!((&why["hint"], &why["held"]), (&shown["next_action"], &shown["held"]));
    }
}

#[tokio::test]
async fn those_of_others_those_removed_and_those_in_other_states_are_not() {
    let (service, before) = in_trouble().await;
    let only = health(&service, "state=failing").await;
    assert_eq!(only["endpoints"].as_array().unwrap().len(), 1);
    service.call("PUT", "2", r#"{"name": "Other"}"#).await;
    let other = service.call("GET", "2/health", "").await.json();
    assert_eq!(other["endpoints"], json!([]));
    assert_eq!(service.call("DELETE", "1/inboxes/700", "").await.status, 200);
    let left = health(&service, "").await;
    assert_eq!(left["endpoints"].as_array().unwrap().len(), 1);
    assert_eq!(left["endpoints"][0]["kind"], "mail");
    let then = health(&service, &format!("at={before}")).await;
    assert_eq!(then["endpoints"][0]["name"], "Bot", "it was there then: {then}");
    assert_eq!(then["endpoints"][1]["state"], "failing");
}

#[tokio::test]
async fn of_the_past_those_whose_ledgers_are_damaged_are_marked_and_listed() {
    let (service, _) = in_trouble().await;
    let mut last = Position::START;
    for endpoint in [INBOX, MAIL] {
        let stream = StreamName::new(Category::Ledger, endpoint);
        let failed = failed(endpoint, AttemptClass::Connect);
        let alter = |record: &mut events::store::Proposed| record.version += 1;
        last = append_altered(&*service.app.store, &stream, failed, 60, alter).await;
    }
    let shown = health(&service, &format!("at={last}")).await;
    for (row, ledger) in [(0, "ledger-inbox.700"), (1, "ledger-mail.1")] {
        assert_eq!(shown["endpoints"][row]["halted"], true, "{shown}");
        let halted = shown["halted"].as_array().unwrap();
        assert!(halted.iter().any(|it| it["stream"] == ledger), "{shown}");
    }
}

#[tokio::test]
async fn what_is_held_is_told_so_whatever_it_answered_before() {
    let (service, _) = service().await;
    let state = async || {
        let shown = health(&service, "").await["webhooks"][0].clone();
        let why = service.call("GET", "1/webhooks/1/why", "").await.json();
        assert_eq!((&why["state"], &why["since"]), (&shown["state"], &shown["since"]));
        assert_eq!((&why["status"], &why["hint"]), (&shown["status"], &shown["next_action"]));
        shown["state"].as_str().unwrap().to_owned()
    };
    let refused = || failed(WEBHOOK, AttemptClass::Auth);
    tell(&service, WEBHOOK, [queued(WEBHOOK), refused(), refused()]).await;
    assert_eq!(state().await, "action_needed");
    tell(&service, WEBHOOK, [disabled(DisableRule::Asked)]).await;
    assert_eq!(state().await, "disabled");
    let held = health(&service, "state=disabled").await;
    assert_eq!(held["webhooks"][0]["id"], 1);
    let (by, at) = (Actor::ADMIN, second(70));
    let enabled = EndpointEnabled { backlog: Backlog::All, by, at };
    tell(&service, WEBHOOK, [enabled.into()]).await;
    assert_eq!(state().await, "action_needed", "it is still to be seen whether it takes any");
}

#[tokio::test]
async fn every_answer_is_as_of_the_moment_until_which_it_is_complete() {
    let (service, _) = service().await;
    service.caught_up().await;
    let asked_at = service.app.clock.now();
    for path in ["1/health", "1/incidents", "1/expiring"] {
        let told = service.call("GET", path, "").await.json();
        let as_of: Timestamp = told["as_of"].as_str().unwrap().parse().unwrap();
        assert!(as_of >= asked_at, "{path} is of {as_of}, and was asked for at {asked_at}");
    }
}

#[tokio::test]
async fn the_past_of_a_webhook_is_told_after_it_is_deleted() {
    // Given a webhook whose endpoint refused twice, and which is deleted
    let (service, _) = service().await;
    let refused = [queued(WEBHOOK), failed(WEBHOOK, AttemptClass::Auth)];
    let seen = tell(&service, WEBHOOK, refused).await.0;
    let before = service.call("GET", "1/incidents", "").await.json();
    assert_eq!(service.call("DELETE", "1/webhooks/1", "").await.status, 200);
    assert_eq!(health(&service, "").await["webhooks"], json!([]));
    // When one asks how it was before
    let then = health(&service, &format!("at={seen}")).await;
    let incidents = service.call("GET", &format!("1/incidents?at={seen}"), "").await.json();
    // Then it and its trouble are told
    assert_eq!(
        (&then["webhooks"][0]["id"], &then["webhooks"][0]["pending"]),
        (&json!(1), &json!(1))
    );
    let one = &incidents["incidents"][0];
    assert_eq!((&one["id"], &one["state"]), (&json!("webhook-1-1"), &json!("open")));
    assert_eq!(one["count"], before["incidents"][0]["count"], "{before}");
}
