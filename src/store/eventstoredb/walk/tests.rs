use super::*;
use crate::store::testing::record;

const FULL: u64 = PAGE_MAX as u64;

fn page(last: u64) -> Vec<Record> {
    (last - FULL..last).map(|before| record(before + 1)).collect()
}

#[test]
fn only_behind_a_full_page_somebody_walks_on() {
    let walk = Walk::default();
    walk.keep(&page(2 * FULL)[1..], None);
    assert!(walk.take(Position(2 * FULL)).is_none(), "that was the end of the log");
    walk.keep(&page(2 * FULL), None);
    assert!(walk.take(Position(FULL)).is_none(), "somebody else");
    assert!(walk.take(Position(2 * FULL)).is_some());
    assert!(walk.take(Position(2 * FULL)).is_none(), "it has been taken");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_come_back_is_forgotten_when_others_read() {
    let walk = Walk::default();
    walk.keep(&page(FULL), None);
    tokio::time::advance(UNREAD_MAX).await;
    assert!(walk.take(Position::START).is_none());
    assert!(walk.step().is_some(), "it may still come");
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(walk.take(Position::START).is_none());
    assert!(walk.step().is_none());
}
