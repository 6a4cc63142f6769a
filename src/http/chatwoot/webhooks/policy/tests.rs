use serde_json::json;

use super::*;

fn read(delivery: &Value) -> (PolicyChange, Vec<String>) {
    let mut invalid = Invalid::default();
    let change = PolicyChange::read(Some(delivery), &mut invalid);
    (change, invalid.messages)
}

fn apply(change: &PolicyChange, policy: &Policy) -> Policy {
    let seal = |_: &str, text: &str, _: Option<&Sealed>| Sealed {
        key: events::KeyId([0; 8]),
        nonce: [0; 24],
        text: text.into(),
    };
    change.apply(policy, &seal).unwrap()
}

#[test]
fn what_is_set_is_shown_again() {
    let delivery = json!({
        "concurrency": 4, "timeout": "5s", "retry_schedule": ["1s", "5m"], "inbox_ids": [42],
        "rate_per_second": 50, "ordering": "fifo",
        "headers": { "X-Team": { "value": "support", "plain": true } },
    });
    let (change, problems) = read(&delivery);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(show(&apply(&change, &Policy::default())), delivery);
}

#[test]
fn null_goes_back_to_the_installation() {
    let policy = Policy { concurrency: Some(4), timeout_ms: Some(5_000), ..Policy::default() };
    let (change, _) = read(&json!({"concurrency": null}));
    assert_eq!(apply(&change, &policy), Policy { timeout_ms: Some(5_000), ..Policy::default() });
}

#[test]
fn limits_are_said() {
    let bad = [
        json!({"concurrency": 0}),
        json!({"concurrency": 65}),
        json!({"timeout": "99ms"}),
        json!({"timeout": "61s"}),
        json!({"timeout": 5}),
        json!({"retry_schedule": vec!["1s"; 31]}),
        json!({"retry_schedule": ["8d"]}),
        json!({"retry_schedule": "1s"}),
        json!({"inbox_ids": []}),
        json!({"inbox_ids": ["42"]}),
    ];
    for delivery in bad {
        let (change, problems) = read(&delivery);
        assert_eq!(problems.len(), 1, "{delivery}");
        assert!(change.is_empty(), "{delivery}");
    }
    for delivery in [json!({"retry_schedule": []}), json!({"retry_schedule": ["7d"]})] {
        assert!(read(&delivery).1.is_empty(), "{delivery}");
    }
}

#[test]
fn what_is_unknown_is_named_once_and_not_however_much_it_is() {
    let known = KNOWN.join(", ");
    let told = |delivery: Value| read(&delivery).1;
    let one = format!("delivery.speed is unknown; there are {known}");
    assert_eq!(told(json!({ "speed": 1, "timeout": "5s" })), [one]);
    let two = format!("delivery.speed, colour are unknown; there are {known}");
    assert_eq!(told(json!({ "speed": 1, "colour": 1 })), [two]);
    let many = (0..9_999).map(|nth| (format!("x{nth}"), json!(1))).collect::<Map<_, _>>();
    let [message] = &told(Value::Object(many))[..] else { panic!("one message tells them") };
    assert!(message.contains(" and 9994 more are unknown") && message.len() < 300, "{message}");
}

#[test]
fn a_rate_and_an_ordering_are_set_and_taken_back() {
    let seal = |_: &str, _: &str, _: Option<&Sealed>| unreachable!("there are no headers");
    let given = json!({ "rate_per_second": 50, "ordering": "by_key" });
    let mut invalid = Invalid::default();
    let change = PolicyChange::read(Some(&given), &mut invalid);
    let policy = change.apply(&Policy::default(), &seal).unwrap();
    assert_eq!((policy.rate_per_second, policy.ordering), (Some(50), Ordering::ByKey));
    let shown = show(&policy);
    assert_eq!((&shown["rate_per_second"], &shown["ordering"]), (&json!(50), &json!("by_key")));
    let given = json!({ "rate_per_second": null, "ordering": null });
    let change = PolicyChange::read(Some(&given), &mut invalid);
    assert_eq!(change.apply(&policy, &seal).unwrap(), Policy::default());
    assert!(invalid.messages.is_empty());
    for bad in [json!({ "rate_per_second": 0 }), json!({ "ordering": "random" })] {
        let mut invalid = Invalid::default();
        PolicyChange::read(Some(&bad), &mut invalid);
        assert_eq!(invalid.messages.len(), 1, "{bad}");
    }
}

#[test]
fn what_is_unknown_is_refused_by_name() {
    let (_, problems) = read(&json!({"colour": 1}));
    assert!(problems[0].starts_with("delivery.colour is unknown"), "{problems:?}");
    assert_eq!(read(&json!("fast")).1, ["delivery must be an object"]);
}
