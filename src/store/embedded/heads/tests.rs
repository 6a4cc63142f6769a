use events::Category;

use super::*;

fn stream(id: usize) -> StreamName {
    StreamName::new(Category::Inbox, id)
}

fn head(stream: usize, last: u64) -> Head {
    Head { stream: stream as i64, last: Some(Revision(last)) }
}

#[test]
fn the_last_head_is_remembered() {
    let mut heads = Heads::default();
    assert_eq!(heads.get(&stream(1)), None);
    heads.set(&stream(1), head(1, 0));
    heads.set(&stream(1), head(1, 1));
    assert_eq!(heads.get(&stream(1)), Some(head(1, 1)));
}

#[test]
fn memory_is_bounded_and_keeps_what_is_used() {
    let mut heads = Heads::default();
    for id in 0..3 * GENERATION_MAX {
        heads.set(&stream(id), head(id, 0));
        if id % 1000 == 0 {
            heads.set(&stream(7), head(7, id as u64));
        }
    }
    assert!(heads.young.len() + heads.old.len() <= 2 * GENERATION_MAX);
    assert_eq!(heads.get(&stream(0)), None);
    assert!(heads.get(&stream(7)).is_some());
    assert!(heads.get(&stream(3 * GENERATION_MAX - 1)).is_some());
}

#[test]
fn the_newer_of_two_generations_counts() {
    let mut heads = Heads::default();
    heads.set(&stream(0), head(0, 1));
    for id in 1..=GENERATION_MAX {
        heads.set(&stream(id), head(id, 0));
    }
    heads.set(&stream(0), head(0, 2));
    assert_eq!(heads.get(&stream(0)), Some(head(0, 2)));
    heads.clear();
    assert_eq!(heads.get(&stream(0)), None);
}
