use events::{StreamName, Subject, account, installation};

use super::*;
use crate::testing::{ACCOUNT, fold, history, obeys_the_law};

fn policy(threshold: u32) -> Policy {
    Policy { threshold: Some(threshold), ..Policy::default() }
}

fn records() -> Vec<Recorded<Event>> {
    let kind = || "Channel::Email".to_owned();
    let everywhere = installation::PolicySet { kind: kind(), policy: policy(7) };
    let here = account::PolicySet { kind: kind(), policy: policy(4) };
    let no_more = account::PolicySet { kind: kind(), policy: Policy::default() };
    let account = || Subject::Account(ACCOUNT).stream();
    history([
        (StreamName::installation(), Event::from(installation::Event::from(everywhere))),
        (account(), account::Event::from(here).into()),
        (account(), account::Event::from(no_more).into()),
    ])
}

#[test]
fn the_accounts_policy_comes_before_the_installations() {
    let (records, own) = (records(), Policy::default());
    for (until, threshold, version) in [(1, 7, "1.0.0"), (2, 4, "1.1.0"), (3, 7, "1.2.0")] {
        let policies: Policies = fold(&records[..until]);
        let rules = policies.rules(ACCOUNT, "Channel::Email", &own);
        assert_eq!((rules.threshold, rules.version.to_string().as_str()), (threshold, version));
        assert_eq!(policies.rules(AccountId(2), "Channel::Line", &own).threshold, 2);
    }
}

#[test]
fn seen_twice_is_seen_once() {
    obeys_the_law::<Policies>(&records());
}
