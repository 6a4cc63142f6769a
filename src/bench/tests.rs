use super::*;

fn plan(folder: &Path) -> Plan {
    let (rounds, only, events, inboxes) = (1, None, 1_000, 1_000);
    let (subject, store) = (Subject::Classify, StoreSetting::Embedded);
    Plan { subject, rounds, only, events, inboxes, folder: folder.to_owned(), store }
}

#[tokio::test]
async fn a_measurement_without_a_log_makes_no_folder() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    run(&Plan { folder: data.join("bench"), ..plan(&data) }).await.unwrap();
    assert!(!data.exists());
}

#[test]
fn folders_that_were_made_for_a_measurement_go_with_it_and_no_others() {
    let place = tempfile::tempdir().unwrap();
    let there = place.path().join("there");
    std::fs::create_dir(&there).unwrap();
    let made = there.join("made");
    let scratch = Scratch::make(&made.join("data/bench-1")).unwrap();
    std::fs::write(made.join("data/bench-1/log"), "").unwrap();
    drop(scratch);
    assert!(there.exists() && !made.exists());

    let scratch = Scratch::make(&made.join("bench-1")).unwrap();
    std::fs::write(made.join("somebody's"), "").unwrap();
    drop(scratch);
    assert!(made.join("somebody's").exists() && !made.join("bench-1").exists());
}
