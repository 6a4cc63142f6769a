use events::WebhookId;

use super::*;
use crate::testing::{NOON, TestStore};

const HOOK: EndpointId = EndpointId::Webhook(WebhookId(7));
const OTHER: EndpointId = EndpointId::Webhook(WebhookId(8));

fn paid(position: u64, behind: &[(EndpointId, u64)]) -> Paid {
    Paid { position: Position(position), behind: laggards(behind) }
}

fn laggards(of: &[(EndpointId, u64)]) -> Laggards {
    of.iter().map(|(endpoint, from)| (*endpoint, Position(*from))).collect()
}

/// After these pages of one process: the last position of each, and who was stuck.
fn advanced(mut paid: Paid, pages: &[(u64, &[(EndpointId, u64)])]) -> Paid {
    let mut halted = BTreeSet::new();
    for (last, stuck) in pages {
        paid.advance(Position(*last), &laggards(stuck), &mut halted);
    }
    paid
}

#[test]
fn whoever_is_stuck_is_behind_and_everybody_else_goes_on() {
    let after = advanced(paid(10, &[]), &[(20, &[(HOOK, 15)])]);
    assert_eq!(after, paid(20, &[(HOOK, 15)]));
    assert_eq!(after.start(), Position(14));
    assert!(after.owes(Position(15), HOOK) && !after.owes(Position(14), HOOK));
    assert!(after.owes(Position(21), OTHER) && !after.owes(Position(15), OTHER));
}

#[test]
fn whoever_was_stuck_stays_behind_from_there_on_whatever_comes() {
    let after = advanced(paid(10, &[]), &[(20, &[(HOOK, 15)]), (30, &[(HOOK, 22)]), (40, &[])]);
    assert_eq!(after, paid(40, &[(HOOK, 15)]));
}

#[test]
fn whoever_takes_what_is_owed_again_catches_up_page_by_page() {
    let halfway = advanced(paid(30, &[(HOOK, 15)]), &[(20, &[])]);
    assert_eq!(halfway, paid(30, &[(HOOK, 21)]));
    assert_eq!(advanced(halfway, &[(30, &[])]), paid(30, &[]));
}

#[test]
fn whoever_is_stuck_again_is_behind_from_there_on() {
    let after = advanced(paid(30, &[(HOOK, 15)]), &[(20, &[(HOOK, 18)]), (40, &[])]);
    assert_eq!(after, paid(40, &[(HOOK, 18)]));
}

#[tokio::test]
async fn who_is_behind_another_never_sets_the_checkpoint_back() {
    let store = TestStore::default();
    let mut slow = Checkpoint::load(&store).await.unwrap();
    let mut fast = Checkpoint::load(&store).await.unwrap();
    fast.reached = paid(20, &[(HOOK, 15)]);
    fast.save(&store, NOON).await.unwrap();
    slow.reached = paid(10, &[]);
    slow.save(&store, NOON).await.unwrap();
    slow.save(&store, NOON).await.unwrap();
    let saved = Checkpoint::load(&store).await.unwrap().saved;
    assert_eq!(saved, paid(20, &[(HOOK, 15)]));
    slow.reached = paid(30, &[]);
    slow.save(&store, NOON).await.unwrap();
    assert_eq!(Checkpoint::load(&store).await.unwrap().saved, paid(30, &[]));
}
