use super::*;

const EVENT: EventId = EventId(Uuid::from_u128(1));

#[test]
fn a_delivery_tells_its_webhook() {
    for number in [0, 1, 7, 1 << 40, (1 << 44) - 1] {
        assert_eq!(DeliveryId::of(EVENT, WebhookId(number)).webhook(), Some(WebhookId(number)));
    }
}

#[test]
fn the_same_event_owes_a_webhook_one_delivery() {
    assert_eq!(DeliveryId::of(EVENT, WebhookId(7)), DeliveryId::of(EVENT, WebhookId(7)));
    assert_ne!(DeliveryId::of(EVENT, WebhookId(7)), DeliveryId::of(EVENT, WebhookId(8)));
    let other = EventId(Uuid::from_u128(2));
    assert_ne!(DeliveryId::of(EVENT, WebhookId(7)), DeliveryId::of(other, WebhookId(7)));
}

#[test]
fn a_delivery_id_is_a_custom_uuid_without_full_stops() {
    let id = DeliveryId::of(EVENT, WebhookId(7));
    assert_eq!(id.0.get_version_num(), 8);
    assert!(!id.to_string().contains('.'));
    assert_eq!(id.to_string().parse(), Ok(id));
}

#[test]
fn the_same_cause_gives_the_same_ids_and_another_place_gives_others() {
    let cause = Uuid::from_u128(9);
    let first = EventId::caused_by(cause, "inbox-1", 0);
    assert_eq!(first, EventId::caused_by(cause, "inbox-1", 0));
    assert_ne!(first, EventId::caused_by(cause, "inbox-1", 1));
    assert_ne!(first, EventId::caused_by(cause, "inbox-2", 0));
}

#[test]
fn a_bad_id_is_named() {
    let error = "abc".parse::<InboxId>().unwrap_err();
    assert_eq!(error.to_string(), "\"abc\" is no inbox id");
}
