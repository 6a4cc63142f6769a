use super::*;
use crate::store::testing::record;

fn extend(tail: &Tail, behind: u64, positions: impl IntoIterator<Item = u64>) {
    let page: Vec<_> = positions.into_iter().map(record).collect();
    tail.extend(Position(behind), &page);
}

fn behind(tail: &Tail, position: u64) -> Option<Vec<u64>> {
    let page = tail.behind(Position(position))?;
    Some(page.iter().map(|record| record.position.0).collect())
}

#[test]
fn pages_that_follow_each_other_are_one_end_of_the_log() {
    let tail = Tail::default();
    extend(&tail, 30, [37, 44]);
    extend(&tail, 44, [58]);
    assert_eq!(behind(&tail, 30), Some(vec![37, 44, 58]));
    assert_eq!(behind(&tail, 40), Some(vec![44, 58]));
    assert_eq!(behind(&tail, 44), Some(vec![58]));
}

#[test]
fn what_stands_before_or_behind_is_for_the_server_to_say() {
    let tail = Tail::default();
    assert_eq!(behind(&tail, 0), None);
    extend(&tail, 30, [37, 44]);
    assert_eq!(behind(&tail, 29), None, "something may stand at 30");
    assert_eq!(behind(&tail, 44), None);
    assert_eq!(behind(&tail, 60), None);
}

#[test]
fn only_what_is_before_the_known_end_is_past() {
    let tail = Tail::default();
    assert!(!tail.is_past(Position::START), "nothing is known yet");
    extend(&tail, 30, [37, 44]);
    assert!(tail.is_past(Position(29)));
    assert!(!tail.is_past(Position(44)) && !tail.is_past(Position(60)));
}

#[test]
fn a_page_that_leaves_a_gap_begins_anew() {
    let tail = Tail::default();
    extend(&tail, 30, [37, 44]);
    extend(&tail, 58, [65]);
    assert_eq!(behind(&tail, 37), None);
    assert_eq!(behind(&tail, 58), Some(vec![65]));
}

#[test]
fn a_page_that_was_read_twice_or_is_of_the_past_changes_nothing() {
    let tail = Tail::default();
    extend(&tail, 30, [37, 44]);
    extend(&tail, 30, [37, 44]);
    extend(&tail, 0, [7, 16]);
    extend(&tail, 44, []);
    assert_eq!(behind(&tail, 30), Some(vec![37, 44]));
    assert_eq!(behind(&tail, 0), None);
}

#[test]
fn a_longer_page_takes_the_place_of_a_shorter_one() {
    let tail = Tail::default();
    extend(&tail, 30, [37, 44]);
    extend(&tail, 16, [30, 37, 44, 58]);
    assert_eq!(behind(&tail, 16), Some(vec![30, 37, 44, 58]));
}

#[test]
fn the_oldest_go_when_there_are_too_many_bytes() {
    let tail = Tail::default();
    let most = BYTES_MAX as u64 / 1024;
    extend(&tail, 0, 1..=most);
    extend(&tail, most, most + 1..=most + 10);
    assert_eq!(behind(&tail, 9), None);
    assert_eq!(behind(&tail, 10).unwrap()[0], 11);
}
