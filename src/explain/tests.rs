use events::delivery::{
    AttemptClass, AttemptFailed, EndpointDisabled, EndpointPaused, Event, Tally,
};
use events::{AccountId, Actor, EndpointId, EventId, InboxId, WebhookId};

use super::*;

#[test]
fn a_word_for_the_shell_is_one_word_whatever_is_in_it() {
    assert_eq!(quoted("a b"), "'a b'");
    assert_eq!(quoted("it's $HOME `x`"), r"'it'\''s $HOME `x`'");
}

#[test]
fn only_a_url_that_names_an_address_tells_where_it_led() {
    assert_eq!(literal("https://93.184.215.14/hook").as_deref(), Some("93.184.215.14:443"));
    assert_eq!(literal("http://[::1]:8080/").as_deref(), Some("[::1]:8080"));
    assert_eq!(literal("https://example.com/hook"), None);
}

#[test]
fn every_class_of_failure_has_a_hint() {
    for class in AttemptClass::ALL.iter().copied() {
        for endpoint in [EndpointId::Inbox(InboxId(1)), EndpointId::Mail(AccountId(1))] {
            let none = hint(endpoint, class).is_none();
            assert_eq!(none, class == AttemptClass::Ok, "{endpoint} {class:?}");
        }
    }
}

fn failed(class: AttemptClass) -> Event {
    AttemptFailed {
        delivery: DeliveryId::of(EventId(uuid::Uuid::nil()), WebhookId(1)),
        attempt: 1,
        class,
        detail: "it failed".to_owned(),
        response: None,
        started_at: Timestamp::default(),
        duration_us: 1,
        retry_at: None,
        charged: true,
        throttled_until: None,
        address: None,
    }
    .into()
}

fn disabled(rule: events::delivery::DisableRule) -> Event {
    let (by, at) = (Actor::ADMIN, Timestamp::default());
    EndpointDisabled { rule, reason: String::new(), by, at, since: None, held: None }.into()
}

fn told(endpoint: EndpointId, story: impl IntoIterator<Item = Event>) -> Option<String> {
    let mut tally = Tally::default();
    for event in story {
        tally.take(Timestamp::default(), &event);
    }
    next_action(endpoint, &tally)
}

#[test]
fn what_to_do_about_an_endpoint_is_what_mends_its_failure_and_lets_go_what_is_held() {
    use events::delivery::DisableRule;

    let webhook = EndpointId::Webhook(WebhookId(1));
    let held = "what it is owed is held until somebody enables it";
    let connect = hint(webhook, AttemptClass::Connect).unwrap();
    assert_eq!(told(webhook, []), None);
    assert_eq!(told(webhook, [failed(AttemptClass::Connect)]).as_deref(), Some(connect));
    let refused = [failed(AttemptClass::Connect), failed(AttemptClass::Auth)];
    let refused = refused.into_iter().chain([failed(AttemptClass::Auth)]);
    assert_eq!(told(webhook, refused).as_deref(), hint(webhook, AttemptClass::Auth));
    let paused = EndpointPaused { by: Actor::ADMIN, at: Timestamp::default() };
    assert_eq!(told(webhook, [paused.into()]).as_deref(), Some(held));
    let overdue = [failed(AttemptClass::Connect), disabled(DisableRule::Failing)];
    assert_eq!(told(webhook, overdue), Some(format!("{connect}; {held}")));
    let gone = [failed(AttemptClass::Connect), disabled(DisableRule::Gone)];
    assert!(told(webhook, gone).unwrap().starts_with("the receiver says that it is gone"));
    let mail = told(EndpointId::Mail(AccountId(1)), [failed(AttemptClass::Connect)]).unwrap();
    assert!(mail.contains("RELINK_SMTP_URL"), "{mail}");
}
