use serde_json::json;

use super::*;

fn create(body: &Value) -> Result<Params, Problem> {
    Params::read(body, true)
}

fn wrong(body: &Value) -> (String, Vec<&'static str>) {
    match create(body) {
        Err(Problem::Invalid { message, attributes, .. }) => (message, attributes),
        other => panic!("{body} gives {other:?}"),
    }
}

#[test]
fn nested_means_the_same_as_flat() {
    let flat = json!({"url": "https://a.test/", "name": "A", "inbox_id": "4"});
    let nested = json!({"webhook": flat});
    assert_eq!(create(&flat), create(&nested));
    let params = create(&flat).unwrap();
    assert_eq!(params.url.as_deref(), Some("https://a.test/"));
    assert_eq!(params.name, Some(Some("A".to_owned())));
    assert_eq!(params.inbox, Some(Some(InboxId(4))));
}

#[test]
fn a_body_without_any_parameter_misses_the_webhook() {
    for body in [json!({}), json!({"webhook": {}}), json!({"foo": 1}), json!([]), json!(null)] {
        assert_eq!(create(&body), Err(Problem::Missing("webhook")), "{body}");
    }
}

#[test]
fn only_web_addresses_are_urls() {
    let bad = [
        "javascript:alert(1)",
        "ftp://a.test/",
        "http://",
        "a.test",
        "",
        "http://a b/",
        "https://a.test/a\nb",
        "https://a.\ttest/",
    ];
    for url in bad {
        let (message, attributes) = wrong(&json!({"url": url}));
        assert_eq!((&*message, &*attributes), ("Url is invalid", &["url"][..]), "{url}");
    }
    for url in ["http://127.0.0.1:3000/x", "https://a.test/a@b:c?q=d@e"] {
        assert!(create(&json!({"url": url})).is_ok(), "{url}");
    }
    for url in ["https://user:pass@a.test/?q=1", "https://user@a.test/", "https://:pass@a.test/"] {
        let (message, attributes) = wrong(&json!({"url": url}));
        assert!(message.contains("delivery") && !message.contains("pass@"), "{message}");
        assert_eq!(attributes, ["url"], "{url}");
    }
}

#[test]
fn creating_needs_a_url_and_changing_does_not() {
    let body = json!({"name": "A"});
    assert_eq!(wrong(&body).0, "Url is invalid");
    assert_eq!(Params::read(&body, false).unwrap().url, None);
}

#[test]
fn subscriptions_are_known_events_or_wildcards_that_mean_some() {
    let at = |subscriptions| json!({"url": "https://a.test/", "subscriptions": subscriptions});
    let of = |subscriptions: Value| create(&at(subscriptions));
    assert_eq!(of(json!(null)).unwrap().subscriptions, None);
    let some = of(json!(["conversation_*", "inbox_updated", "inbox_updated"])).unwrap();
    let kept = ["conversation_*".to_owned(), "inbox_updated".to_owned()];
    assert_eq!(some.subscriptions, Some(kept.to_vec()));
    for bad in [json!([]), json!(["nothing"]), json!(["x_*"]), json!([1]), json!("inbox_updated")] {
        let (message, attributes) = wrong(&at(bad.clone()));
        assert_eq!(message, "Subscriptions Invalid events", "{bad}");
        assert_eq!(attributes, ["subscriptions"], "{bad}");
    }
}

#[test]
fn which_events_are_refused_and_which_there_are_is_said_beside_chatwoots_words() {
    let given = json!({ "url": "https://a.test/", "subscriptions": ["inbox_updated", "parrots"] });
    let refused = Params::read(&given, true).unwrap_err().native_body();
    let [detail] = &refused["details"].as_array().unwrap()[..] else { panic!("{refused}") };
    let detail = detail.as_str().unwrap();
    assert!(detail.starts_with(r#"["parrots"] in subscriptions are no events; there are"#));
    for known in ["message_created", "webhook.failing", "message_*"] {
        assert!(detail.contains(known), "{known}: {detail}");
    }
}

#[test]
fn of_many_events_that_there_are_not_a_few_are_named() {
    let unknown: Vec<_> = (0..9_999).map(|nth| format!("{nth}{}", "\u{7f}".repeat(99))).collect();
    let given = json!({ "url": "https://a.test/", "subscriptions": unknown });
    let refused = Params::read(&given, true).unwrap_err().native_body();
    let detail = refused["details"][0].as_str().unwrap();
    assert!(detail.contains("] and 9994 more in subscriptions are no events"), "{detail}");
    assert!(detail.contains("there are") && detail.contains("message_*"), "{detail}");
    assert!(refused.to_string().len() < 4 << 10, "{refused}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let (message, attributes) = wrong(&json!({"url": "x", "subscriptions": [], "inbox_id": true}));
    assert_eq!(message, "Url is invalid, Inbox must exist, Subscriptions Invalid events");
    assert_eq!(attributes, ["inbox", "subscriptions", "url"]);
}

#[test]
fn null_takes_name_and_inbox_away() {
    let params = Params::read(&json!({"name": null, "inbox_id": null}), false).unwrap();
    assert_eq!((params.name, params.inbox), (Some(None), Some(None)));
}

#[test]
fn names_and_urls_have_a_limit() {
    let (_, attributes) = wrong(&json!({
        "url": format!("https://a.test/{}", "x".repeat(2_048)),
        "name": "x".repeat(256),
    }));
    assert_eq!(attributes, ["name", "url"]);
}
