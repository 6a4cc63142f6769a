use super::*;
use crate::store::testing::record;

fn kept(positions: impl IntoIterator<Item = u64>) -> Recent {
    let recent = Recent::default();
    recent.extend(positions.into_iter().map(record));
    recent
}

fn behind(recent: &Recent, position: u64, head: u64) -> Option<Vec<u64>> {
    let found = recent.behind(Position(position), Position(head), 3)?;
    Some(found.iter().map(|record| record.position.0).collect())
}

#[test]
fn what_was_written_is_found_behind_any_of_its_positions() {
    let recent = kept(5..=9);
    assert_eq!(behind(&recent, 4, 9), Some(vec![5, 6, 7]));
    assert_eq!(behind(&recent, 7, 9), Some(vec![8, 9]));
    assert_eq!(behind(&recent, 9, 9), Some(vec![]));
}

#[test]
fn what_stands_before_it_is_for_the_engine_to_say() {
    assert_eq!(behind(&kept(5..=9), 3, 9), None);
    assert_eq!(behind(&kept([]), 0, 0), None);
}

#[test]
fn what_another_process_wrote_is_for_the_engine_to_say() {
    assert_eq!(behind(&kept(5..=9), 7, 10), None, "behind the end");
    let recent = kept([5, 6, 8]);
    assert_eq!(behind(&recent, 5, 8), None, "in between");
    assert_eq!(behind(&recent, 7, 8), Some(vec![8]));
}

#[test]
fn the_oldest_go_when_there_are_too_many_bytes() {
    let bytes: u64 = BYTES_MAX as u64 / 1024;
    let recent = kept(1..=bytes + 10);
    assert_eq!(behind(&recent, 9, bytes + 10), None);
    assert_eq!(behind(&recent, 10, bytes + 10), Some(vec![11, 12, 13]));
}
