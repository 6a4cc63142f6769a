use serde_json::json;

use super::*;

fn condition(key: &str, operator: Value) -> Value {
    json!({
        "attribute_key": key, "filter_operator": "equal_to", "values": ["x"],
        "query_operator": operator,
    })
}

fn rule(conditions: Value, actions: Value) -> Value {
    json!({
        "name": "Label", "event_name": "conversation_created",
        "conditions": conditions, "actions": actions,
    })
}

fn errors(body: &Value) -> Value {
    match creation(body, AccountId(1)) {
        Err(Problem::Unprocessable(errors)) => errors,
        other => panic!("{body} gives {other:?}"),
    }
}

#[test]
fn a_rule_is_active_unless_it_is_said_not_to_be() {
    let conditions = json!([condition("status", json!("and")), condition("city", json!(null))]);
    let actions = json!([{"action_name": "add_label", "action_params": ["vip"]}]);
    let created = creation(&rule(conditions.clone(), actions.clone()), AccountId(1)).unwrap();
    assert!(created.active);
    assert_eq!(
        (created.conditions, created.actions),
        (conditions.to_string(), actions.to_string())
    );
    let inactive = json!({"name": "n", "event_name": "e", "active": false});
    assert!(!creation(&inactive, AccountId(1)).unwrap().active);
}

#[test]
fn what_is_unknown_is_told_in_the_words_of_chatwoot() {
    let unknown = json!([condition("mood", json!("AND")), condition("shoe", json!("AND"))]);
    let expected = json!({"conditions": ["Automation conditions mood,shoe not supported."]});
    assert_eq!(errors(&rule(unknown, json!([]))), expected);
    let actions = json!([{"action_name": "dance"}, {"action_name": "add_label"}]);
    let expected = json!({"actions": ["Automation actions dance not supported."]});
    assert_eq!(errors(&rule(json!([]), actions)), expected);
    let custom = json!([{"attribute_key": "tier", "custom_attribute_type": "contact_attribute"}]);
    assert!(creation(&rule(custom, json!([])), AccountId(1)).is_ok());
}

#[test]
fn all_conditions_but_one_need_an_operator_and_there_are_two() {
    let open = json!([condition("status", json!(null)), condition("city", json!(null))]);
    let expected = json!({"conditions": ["Automation conditions should have query operator."]});
    assert_eq!(errors(&rule(open, json!([]))), expected);
    let odd = json!([condition("status", json!("XOR; DROP TABLE"))]);
    let expected = json!({"conditions": ["Query operator must be either \"AND\" or \"OR\""]});
    assert_eq!(errors(&rule(odd, json!([]))), expected);
}

#[test]
fn a_rule_needs_a_name_and_an_event_only_when_it_is_made() {
    let blank = json!(["can't be blank"]);
    assert_eq!(errors(&json!({})), json!({"name": blank, "event_name": blank}));
    assert_eq!(change(&json!({})).unwrap(), Change::default());
    let wrong = change(&json!({"name": "", "active": "perhaps", "conditions": {}}));
    let expected = json!({
        "conditions": ["must be a list of objects"], "name": blank, "active": ["is invalid"],
    });
    assert_eq!(wrong, Err(Problem::Unprocessable(expected)));
}

#[test]
fn however_much_is_wrong_a_few_things_are_told() {
    let odd: Vec<_> = (0..9_999).map(|nth| condition(&format!("mood{nth}"), json!("X"))).collect();
    let dance: Vec<_> = (0..9_999).map(|nth| json!({ "action_name": "x".repeat(nth) })).collect();
    let errors = errors(&rule(json!(odd), json!(dance)));
    let unknown =
        "Automation conditions mood0,mood1,mood2,mood3,mood4 and 9994 more not supported.";
    assert_eq!(errors["conditions"][0], unknown);
    assert!(errors["actions"][0].as_str().unwrap().contains(" and 9994 more not supported"));
    assert!(errors.to_string().len() < 2_000, "{errors}");
}
