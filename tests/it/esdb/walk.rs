//! Going through a log of several pages, as a rebuild and whoever catches up does.

use events::store::{PAGE_BYTES_MAX, PAGE_MAX};
use events::{EventStore, Position, Record};

use super::writer::{Writer, everything};
use super::{Namespace, open};
use crate::double::Double;

/// As many records as one append of these tests has.
const EACH: usize = PAGE_MAX / 4;

async fn write(writer: &mut Writer<'_>, records: usize) {
    for _ in 0..records / EACH {
        writer.write(&[""; EACH]).await;
    }
}

/// The next pages behind a record, until there is none or as many as wanted.
async fn walk(store: &dyn EventStore, found: &mut Vec<Record>, pages: usize) {
    for _ in 0..pages {
        let behind = found.last().map_or(Position::START, |last| last.position);
        let page = store.follow(behind).await.unwrap();
        if page.is_empty() {
            return;
        }
        found.extend(page);
    }
}

#[tokio::test]
async fn a_long_log_is_asked_for_as_seldom_as_a_short_one() {
    let namespace = Namespace::new();
    // A server does not tell how often it is asked.
    let asked = || namespace.double().map_or(0, |double| double.reads().len());
    let mut questions = vec![];
    let writing = namespace.open();
    let mut writer = Writer::new(&writing);
    for pages in [3, 4] {
        write(&mut writer, pages * PAGE_MAX).await;
        // Whoever has read or written nothing yet.
        let store = namespace.open();
        let (before, mut found) = (asked(), vec![]);
        walk(&store, &mut found, usize::MAX).await;
        questions.push(asked() - before);
        assert_eq!(found, everything(&writing).await);
    }
    assert_eq!(questions[0], questions[1], "the second log has more than twice the pages");
}

#[tokio::test]
async fn a_log_is_asked_for_as_seldom_by_who_comes_later() {
    let namespace = Namespace::new();
    let asked = || namespace.double().map_or(0, |double| double.reads().len());
    let writing = namespace.open();
    let mut writer = Writer::new(&writing);
    write(&mut writer, 4 * PAGE_MAX).await;
    writer.write(&["last"]).await;
    let store = namespace.open();
    let mut questions = vec![];
    // The first keeps the end of the log for the others, who need not ask for that.
    for _ in 0..3 {
        let (before, mut found) = (asked(), vec![]);
        walk(&store, &mut found, usize::MAX).await;
        questions.push(asked() - before);
        assert_eq!(found.len(), 4 * PAGE_MAX + 1);
    }
    assert_eq!(questions[1], questions[2], "the second has left its answer in the way");
}

#[tokio::test]
async fn what_is_written_meanwhile_is_seen_in_its_place() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    write(&mut writer, 3 * PAGE_MAX).await;
    let mut found = vec![];
    walk(&store, &mut found, 2).await;
    // The server has begun to answer, and sends what there was then.
    writer.write(&["late"]).await;
    walk(&store, &mut found, usize::MAX).await;
    assert_eq!(found.len(), 3 * PAGE_MAX + 1);
    assert_eq!(found, everything(&store).await);
}

#[tokio::test]
async fn a_server_that_is_gone_in_between_interrupts_nobody_for_good() {
    let mut double = Double::start();
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    write(&mut writer, 4 * PAGE_MAX).await;
    let mut found = vec![];
    walk(&store, &mut found, 2).await;
    double.kill(0);
    double.raise(0);
    walk(&store, &mut found, usize::MAX).await;
    assert_eq!(found, everything(&store).await);
}

#[tokio::test]
async fn two_that_walk_at_a_time_both_see_all() {
    let namespace = Namespace::new();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    write(&mut writer, 4 * PAGE_MAX).await;
    let (mut one, mut other) = (vec![], vec![]);
    walk(&store, &mut one, 1).await;
    loop {
        let known = one.len() + other.len();
        walk(&store, &mut one, 1).await;
        walk(&store, &mut other, 1).await;
        if one.len() + other.len() == known {
            break;
        }
    }
    let all = everything(&store).await;
    assert_eq!(one, all);
    assert_eq!(other, all);
}

#[tokio::test]
async fn the_end_of_the_log_is_asked_for_beside_a_walk_and_disturbs_it_not() {
    let namespace = Namespace::new();
    let writing = namespace.open();
    write(&mut Writer::new(&writing), 4 * PAGE_MAX).await;
    let all = everything(&writing).await;
    let last = all.last().unwrap().position;
    let store = namespace.open();
    let mut found = vec![];
    loop {
        let known = found.len();
        walk(&store, &mut found, 1).await;
        if found.len() == known {
            break;
        }
        assert_eq!(store.head().await, Ok(last));
    }
    assert_eq!(found, all);
    if let Some(double) = namespace.double() {
        // The walk's second page comes with all others.
        let from = all[PAGE_MAX - 1].position.0;
        let again = double.reads().into_iter().rev().take_while(|at| *at != from);
        assert_eq!(again.filter(|at| *at < last.0).count(), 0, "its answer was taken from it");
    }
}

#[tokio::test]
async fn what_is_written_meanwhile_makes_no_step_larger_than_a_page() {
    // As large as every server takes it; three times as many as a page has.
    const LARGE: usize = 900 << 10;
    const RECORDS: usize = PAGE_BYTES_MAX * 3 / 2 / LARGE;
    let namespace = Namespace::new();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    let large = "x".repeat(LARGE);
    write(&mut writer, PAGE_MAX).await;
    for _ in 0..RECORDS {
        writer.write(&[&large]).await;
    }
    let mut found = vec![];
    walk(&store, &mut found, 2).await;
    // The server has begun to answer with what there was.
    for _ in 0..RECORDS {
        writer.write(&[&large]).await;
    }
    loop {
        let known = found.len();
        walk(&store, &mut found, 1).await;
        if found.len() == known {
            break;
        }
        let bytes: usize = found[known..].iter().map(|it| it.metadata.len() + it.data.len()).sum();
        assert!(bytes < PAGE_BYTES_MAX + 2 * LARGE, "{bytes}");
    }
    assert_eq!(found, everything(&store).await);
}

#[tokio::test]
async fn behind_a_position_between_two_records_a_page_is_as_long_as_anywhere() {
    const WANTED: usize = 10;
    let namespace = Namespace::new();
    let store = namespace.open();
    let mut writer = Writer::new(&store);
    write(&mut writer, 2 * PAGE_MAX).await;
    let all = everything(&store).await;
    let last = &all[PAGE_MAX - WANTED / 2];
    let between = Position(last.position.0 + 1);
    let found = namespace.open().read_all(between, WANTED).await.unwrap();
    assert_eq!(found, all[PAGE_MAX - WANTED / 2 + 1..][..WANTED]);
}
