use events::delivery::{
    AbandonReason, Abandoned, AttemptClass, AttemptFailed, Delivered, Queued, Response,
};
use events::{Category, DeliveryId, EventId, StreamName, webhook};
use uuid::Uuid;

use super::*;
use crate::testing::{
    ACCOUNT, WEBHOOK, fold, history, obeys_the_law, of_ledger, of_webhook, sealed, second,
    webhook_created,
};

fn delivery(number: u128) -> DeliveryId {
    DeliveryId::of(EventId(Uuid::from_u128(number)), WEBHOOK)
}

fn queued(number: u128) -> (StreamName, Event) {
    of_ledger(Queued {
        delivery: delivery(number),
        account: ACCOUNT,
        event: "inbox_updated".into(),
        source: EventId(Uuid::from_u128(number)),
        body: "{}".into(),
        due: second(0),
        key: None,
    })
}

fn failed(number: u128, class: AttemptClass) -> (StreamName, Event) {
    of_ledger(AttemptFailed {
        delivery: delivery(number),
        attempt: 1,
        class,
        detail: "it failed".into(),
        response: None,
        started_at: second(0),
        duration_us: 1,
        address: None,
        retry_at: None,
        charged: true,
        throttled_until: None,
    })
}

fn delivered(number: u128) -> (StreamName, Event) {
    of_ledger(Delivered {
        delivery: delivery(number),
        attempt: 1,
        response: Response { status: 200, body: String::new(), truncated: false },
        started_at: second(0),
        duration_us: 1,
        address: None,
    })
}

fn abandoned(number: u128) -> (StreamName, Event) {
    of_ledger(Abandoned { delivery: delivery(number), reason: AbandonReason::Exhausted })
}

fn webhook(events: impl IntoIterator<Item = (StreamName, Event)>) -> Webhook {
    let health: WebhookHealth = fold(&history(std::iter::once(webhook_created()).chain(events)));
    health.webhook(WEBHOOK).unwrap().clone()
}

#[test]
fn a_new_webhook_is_healthy_and_owed_nothing() {
    let webhook = webhook([]);
    assert_eq!(
        (webhook.status, webhook.since, webhook.created_at),
        (WebhookStatus::Healthy, second(1), second(1))
    );
    assert_eq!((webhook.counts, webhook.keys), (Counts::default(), SigningKeys::of(sealed())));
}

#[test]
fn it_fails_since_and_because_of_the_first_failure() {
    let webhook = webhook([
        queued(1),
        queued(2),
        failed(1, AttemptClass::Server),
        failed(2, AttemptClass::Timeout),
    ]);
    let shown = (webhook.status, webhook.since, webhook.cause);
    assert_eq!(shown, (WebhookStatus::Failing, second(4), Some(AttemptClass::Server)));
    let last = FailedAttempt { at: second(5), class: AttemptClass::Timeout };
    assert_eq!(webhook.last_failure, Some(last));
    assert_eq!(webhook.counts.pending, 2);
}

#[test]
fn a_delivery_makes_it_healthy_again() {
    let webhook = webhook([queued(1), failed(1, AttemptClass::Dns), delivered(1)]);
    let shown = (webhook.status, webhook.since, webhook.cause);
    assert_eq!(shown, (WebhookStatus::Healthy, second(4), None));
    assert_eq!(webhook.last_delivered_at, Some(second(4)));
    assert_eq!(webhook.counts, Counts { delivered: 1, ..Counts::default() });
}

#[test]
fn what_was_given_up_is_no_longer_owed() {
    let webhook = webhook([queued(1), failed(1, AttemptClass::Gone), abandoned(1)]);
    assert_eq!(webhook.counts, Counts { abandoned: 1, ..Counts::default() });
    assert_eq!(webhook.status, WebhookStatus::Failing);
}

#[test]
fn settings_are_followed() {
    let policy = Policy { concurrency: Some(4), ..Policy::default() };
    let webhook = webhook([
        of_webhook(webhook::Renamed { name: Some("CRM".into()) }),
        of_webhook(webhook::UrlChanged { url: "https://other.example".into() }),
        of_webhook(webhook::SubscriptionsChanged { subscriptions: vec!["message_*".into()] }),
        of_webhook(webhook::InboxChanged { inbox: Some(InboxId(42)) }),
        of_webhook(webhook::PolicyChanged { policy: policy.clone() }),
    ]);
    assert_eq!(
        (webhook.name.as_deref(), webhook.url.as_str()),
        (Some("CRM"), "https://other.example")
    );
    assert_eq!(
        (webhook.subscriptions, webhook.inbox, webhook.policy),
        (vec!["message_*".to_owned()], Some(InboxId(42)), policy)
    );
}

#[test]
fn a_deleted_webhook_is_not_listed_and_can_still_be_asked_about() {
    let events = [webhook_created(), queued(1), of_webhook(webhook::Deleted {}), abandoned(1)];
    let health: WebhookHealth = fold(&history(events));
    assert_eq!((health.of_account(ACCOUNT).count(), health.iter().count()), (0, 0));
    let webhook = health.webhook(WEBHOOK).unwrap();
    assert_eq!((webhook.deleted, webhook.counts.abandoned), (true, 1));
    assert_eq!(health.ever_of_account(ACCOUNT).collect::<Vec<_>>(), [WEBHOOK]);
    assert_eq!(health.ever_of_account(AccountId(2)).count(), 0);
}

#[test]
fn seen_twice_is_seen_once() {
    obeys_the_law::<WebhookHealth>(&history([
        webhook_created(),
        queued(1),
        queued(2),
        failed(1, AttemptClass::Server),
        delivered(1),
        abandoned(2),
        of_webhook(webhook::Deleted {}),
    ]));
}

#[test]
fn two_refusals_need_somebody_until_one_is_taken_or_the_url_changes() {
    let refused = || failed(1, AttemptClass::Auth);
    let of = |events: Vec<(StreamName, Event)>| {
        let health: WebhookHealth =
            fold(&history([webhook_created(), queued(1)].into_iter().chain(events)));
        let webhook = health.webhook(WEBHOOK).unwrap();
        (webhook.authorization_error_count, webhook.action_needed_since)
    };
    assert_eq!(of(vec![refused()]), (1, None));
    let server = failed(1, AttemptClass::Server);
    assert_eq!(of(vec![refused(), server, refused(), refused()]), (3, Some(second(5))));
    assert_eq!(of(vec![refused(), refused(), delivered(1)]), (0, None));
    let moved = of_webhook(webhook::UrlChanged { url: "https://other.example/".into() });
    assert_eq!(of(vec![refused(), refused(), moved]), (0, None));
}

#[test]
fn who_begins_with_a_summary_tells_the_same_of_deliveries() {
    use events::delivery::{SummedUp, Tally};
    let story = [queued(1), failed(1, AttemptClass::Auth), delivered(1), queued(2), abandoned(2)];
    let mut tally = Tally::default();
    for record in history(std::iter::once(webhook_created()).chain(story.clone())) {
        if let Event::Delivery(event) = &record.event {
            tally.take(record.at, event);
        }
    }
    let (recent, recoveries, ordering) = (vec![], vec![], webhook::Ordering::None);
    let (at, tally, queued_so_far) = (second(9), Box::new(tally), 2);
    let summed = SummedUp {
        at,
        queued: queued_so_far,
        withdrawn: 0,
        ordering,
        recent,
        recoveries,
        tally,
        trimmed: None,
    };
    let more = [of_ledger(summed), queued(3), failed(3, AttemptClass::Server)];
    let whole = history(std::iter::once(webhook_created()).chain(story).chain(more));
    obeys_the_law::<WebhookHealth>(&whole);
    let left = [&whole[..1], &whole[6..]].concat();
    let shown = |history: &[_]| fold::<WebhookHealth>(history).webhook(WEBHOOK).unwrap().clone();
    assert_eq!(shown(&left), shown(&whole));
    assert_eq!((shown(&left).counts.delivered, shown(&left).counts.abandoned), (1, 1));
}

#[test]
fn api_inboxes_and_mail_are_followed_beside_the_webhooks() {
    let to = |endpoint: EndpointId, (_, event): (StreamName, Event)| {
        (StreamName::new(Category::Ledger, endpoint), event)
    };
    let (inbox, mail) = (EndpointId::Inbox(InboxId(42)), EndpointId::Mail(ACCOUNT));
    let story = history([
        webhook_created(),
        to(inbox, queued(1)),
        to(inbox, failed(1, AttemptClass::Connect)),
        to(mail, queued(2)),
        to(mail, delivered(2)),
    ]);
    obeys_the_law::<WebhookHealth>(&story);
    let health: WebhookHealth = fold(&story);
    assert_eq!(health.others().map(|(endpoint, _)| endpoint).collect::<Vec<_>>(), [inbox, mail]);
    let failing = health.other(inbox).unwrap();
    assert_eq!((failing.status, failing.since), (WebhookStatus::Failing, second(3)));
    assert_eq!(failing.counts.pending, 1);
    let fine = health.other(mail).unwrap();
    assert_eq!((fine.status, fine.since), (WebhookStatus::Healthy, second(4)));
    assert_eq!((fine.counts.pending, fine.counts.delivered), (0, 1));
    assert_eq!(health.webhook(WEBHOOK).unwrap().counts, Counts::default());
    assert_eq!(health.other(EndpointId::Inbox(InboxId(7))), None);
}

#[test]
fn an_inbox_whose_ledger_begins_with_a_summary_is_as_that_says() {
    use events::delivery::SummedUp;
    let mut tally = Tally::begun(second(2));
    tally.counts.delivered = 5;
    let summed = SummedUp {
        at: second(9),
        queued: 5,
        withdrawn: 0,
        ordering: webhook::Ordering::None,
        recent: vec![],
        recoveries: vec![],
        tally: Box::new(tally),
        trimmed: None,
    };
    let inbox = EndpointId::Inbox(InboxId(42));
    let event = Event::Delivery(summed.into());
    let health: WebhookHealth =
        fold(&history([webhook_created(), (StreamName::new(Category::Ledger, inbox), event)]));
    let shown = health.other(inbox).unwrap();
    assert_eq!((shown.since, shown.counts.delivered), (second(2), 5));
}
