use super::*;
use crate::evidence::{Class, Scope};

fn policy(threshold: u32) -> Policy {
    Policy { threshold: Some(threshold), ..Policy::default() }
}

#[test]
fn without_a_policy_the_rules_are_chatwoots() {
    let (layers, own) = (Layers::default(), Policy::default());
    for (kind, threshold) in [
        ("Channel::Email", 10),
        ("Channel::Instagram", 1),
        ("Channel::Tiktok", 1),
        ("Channel::FacebookPage", 2),
        ("Channel::Whatsapp", 2),
        ("Integrations::Hook", 2),
        ("AutomationRule", 2),
    ] {
        assert_eq!(Rules::of(&layers, kind, &own, 0), Rules::chatwoots(threshold), "{kind}");
    }
}

#[test]
fn the_nearest_policy_that_says_something_decides() {
    let mut layers = Layers::default();
    let window = Policy { window_s: Some(60), ..policy(7) };
    layers.installation.set("Channel::Email", &window);
    layers.account.set("Channel::Email", &policy(5));
    layers.account.set("Channel::Line", &policy(9));
    let own = policy(3);
    let rules = Rules::of(&layers, "Channel::Email", &own, 4);
    assert_eq!((rules.threshold, rules.window), (3, Some(Duration::from_secs(60))));
    assert_eq!(rules.version.to_string(), "1.2.4");
    let none = Policy::default();
    assert_eq!(Rules::of(&layers, "Channel::Email", &none, 0).threshold, 5);
    layers.account.set("Channel::Email", &none);
    assert_eq!(Rules::of(&layers, "Channel::Email", &none, 0).threshold, 7);
    assert_eq!(layers.account.version, 3, "taking one away is a change too");
    let for_ever = Policy { window_s: Some(0), ..none };
    assert_eq!(Rules::of(&layers, "Channel::Email", &for_ever, 1).window, None);
}

#[test]
fn a_code_that_acts_at_once_is_found_in_every_spelling() {
    let evidence =
        Evidence { code: Some("190".into()), subcode: Some("460".into()), ..Evidence::default() };
    let rule = Some("meta 190/460".into());
    let verdict = Verdict { class: Class::Auth, scope: Scope::Account, rule };
    for (wanted, found) in [
        ("190/460", true),
        ("190", true),
        ("META 190/460", true),
        ("190/463", false),
        ("19", false),
    ] {
        let at_once = [wanted.to_owned()];
        let rules = Rules { at_once: &at_once, ..Rules::chatwoots(2) };
        assert_eq!(rules.acts_at_once(&evidence, &verdict).is_some(), found, "{wanted}");
    }
}
