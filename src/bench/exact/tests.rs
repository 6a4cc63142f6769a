use super::super::Subject;
use super::*;
use crate::config::StoreSetting;

#[tokio::test]
async fn ten_thousand_reports_are_right_to_the_last_count() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_owned();
    let (subject, rounds, store) = (Subject::Exact, 1, StoreSetting::Embedded);
    let only = None;
    let plan = Plan { subject, only, rounds, events: 10_000, inboxes: 1_000, folder, store };
    let figures = run(&plan).await.unwrap();
    assert!(figures.iter().all(|figure| figure.met), "{figures:?}");
}

#[test]
fn the_story_has_everything_in_it() {
    let all: Vec<_> = (1..=300).map(expected).collect();
    assert!(all.iter().any(|plain| plain.required) && all.iter().any(|plain| plain.count == 0));
    assert!(all.iter().any(|plain| !plain.required && plain.count > 0));
}
