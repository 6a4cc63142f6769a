use events::delivery::{AttemptFailed, Delivered, Queued, RecoveryId, Reopened, Response};
use events::webhook::{Deleted, UrlChanged};
use events::{DeliveryId, EventId, StreamName};
use uuid::Uuid;

use super::*;
use crate::testing::{
    ACCOUNT, WEBHOOK, fold, history, obeys_the_law, of_ledger, of_webhook, second, webhook_created,
};
use crate::webhook_health::WebhookHealth;

fn delivery() -> DeliveryId {
    DeliveryId::of(EventId(Uuid::from_u128(1)), WEBHOOK)
}

fn answered(status: u16) -> Response {
    Response { status, body: String::new(), truncated: false }
}

fn failed(class: AttemptClass, status: u16) -> (StreamName, Event) {
    of_ledger(AttemptFailed {
        delivery: delivery(),
        attempt: 1,
        class,
        detail: "it failed".into(),
        response: Some(answered(status)),
        started_at: second(0),
        duration_us: 1,
        address: None,
        retry_at: None,
        charged: true,
        throttled_until: None,
    })
}

fn refused(status: u16) -> (StreamName, Event) {
    failed(AttemptClass::Auth, status)
}

fn delivered() -> (StreamName, Event) {
    of_ledger(Delivered {
        delivery: delivery(),
        attempt: 1,
        response: answered(200),
        started_at: second(0),
        duration_us: 1,
        address: None,
    })
}

#[test]
fn an_endpoint_that_refuses_us_is_an_incident_until_it_takes_something() {
    let subject = Subject::Webhook(WEBHOOK);
    let mut known = vec![webhook_created(), failed(AttemptClass::Server, 500)];
    assert_eq!(fold::<Incidents>(&history(known.clone())).open_of(subject), None);
    known.push(refused(401));
    let incidents: Incidents = fold(&history(known.clone()));
    let open = incidents.open_of(subject).unwrap();
    assert_eq!((&*open.cause, open.required, open.count), ("auth (401)", false, 1));
    assert_eq!((open.first_at, open.account, open.class), (second(3), ACCOUNT, Some(Class::Auth)));
    known.extend([refused(403), refused(403)]);
    let incidents: Incidents = fold(&history(known.clone()));
    let open = incidents.open_of(subject).unwrap();
    assert_eq!((&*open.cause, open.required), ("threshold: 2 of 2, auth (403)", true));
    assert_eq!(open.count, 3);
    known.extend([delivered(), refused(401)]);
    let incidents: Incidents = fold(&history(known.clone()));
    let ended = incidents.get(subject, 1).and_then(|it| it.ended.as_ref());
    assert_eq!(ended.map(|(ending, _)| *ending), Some(Ending::Healed));
    assert_eq!(incidents.open_of(subject).map(|it| (it.number, it.count)), Some((2, 1)));
    obeys_the_law::<Incidents>(&history(known));
}

#[test]
fn it_is_over_with_another_url_and_with_the_webhook() {
    let moved = of_webhook(UrlChanged { url: "https://other.example".into() });
    for (event, ending) in
        [(moved, Ending::Reauthorized), (of_webhook(Deleted {}), Ending::Removed)]
    {
        let incidents: Incidents = fold(&history([webhook_created(), refused(401), event]));
        let ended = incidents.get(Subject::Webhook(WEBHOOK), 1).and_then(|it| it.ended.as_ref());
        assert_eq!(ended.map(|(ending, _)| *ending), Some(ending));
    }
}

#[test]
fn how_a_delivery_ends_that_a_recovery_brought_back_neither_begins_an_incident_nor_ends_one() {
    let subject = Subject::Webhook(WEBHOOK);
    let mut known = vec![webhook_created(), reopened(), refused(401), refused(401)];
    let incidents: Incidents = fold(&history(known.clone()));
    assert_eq!(incidents.open_of(subject), None);
    assert_eq!(errors(&known), 0, "its health says the same");
    known.extend([delivered(), refused(401), reopened(), refused(401), delivered()]);
    let incidents: Incidents = fold(&history(known.clone()));
    assert_eq!(incidents.open_of(subject).map(|it| it.count), Some(1));
    assert_eq!(errors(&known), 1);
    known.push(delivered());
    let incidents: Incidents = fold(&history(known.clone()));
    assert_eq!(incidents.open_of(subject), None);
    assert_eq!(errors(&known), 0);
    obeys_the_law::<Incidents>(&history(known));
}

fn errors(known: &[(StreamName, Event)]) -> u32 {
    let health: WebhookHealth = fold(&history(known.to_vec()));
    health.webhook(WEBHOOK).unwrap().authorization_error_count
}

fn reopened() -> (StreamName, Event) {
    let queued = Queued {
        delivery: delivery(),
        account: ACCOUNT,
        event: "message_created".into(),
        source: EventId(Uuid::from_u128(1)),
        body: "{}".into(),
        due: second(1),
        key: None,
    };
    let recovery = Some(RecoveryId::of(Uuid::from_u128(7), WEBHOOK));
    of_ledger(Reopened { queued, attempts: 1, recovery })
}
