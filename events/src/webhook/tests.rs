use super::*;

#[test]
fn a_subscription_is_a_name_or_a_prefix() {
    let wanted = ["message_created".to_owned(), "conversation_*".to_owned()];
    assert!(subscribes(&wanted, "message_created"));
    assert!(subscribes(&wanted, "conversation_updated"));
    assert!(!subscribes(&wanted, "message_updated"));
    assert!(!subscribes(&[], "message_created"));
}

#[test]
fn the_defaults_are_the_first_eight() {
    assert_eq!(SUBSCRIBABLE[..8], DEFAULT_SUBSCRIPTIONS);
}

#[test]
fn relinks_own_events_are_asked_for_by_name() {
    let wants = |wanted: &str, event| subscribes(&[wanted.to_owned()], event);
    assert!(wants("webhook.failing", "webhook.failing"));
    assert!(wants("webhook.*", "webhook.disabled"));
    assert!(wants("delivery.*", "delivery.abandoned"));
    for wildcard in ["*", "web*", "webhook*", "delivery*"] {
        assert!(!wants(wildcard, "webhook.failing"), "{wildcard}");
        assert!(!wants(wildcard, "delivery.abandoned"), "{wildcard}");
    }
    assert!(wants("*", "campaign.started"), "the platform's own names may have full stops");
}
