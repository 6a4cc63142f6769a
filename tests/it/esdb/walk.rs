//! Going through a log of several pages, as a rebuild and whoever catches up does.

use events::store::PAGE_MAX;
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
    for _ in 0..5 {
        walk(&store, &mut one, 1).await;
        walk(&store, &mut other, 1).await;
    }
    let all = everything(&store).await;
    assert_eq!(one, all);
    assert_eq!(other, all);
}
