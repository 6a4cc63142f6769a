use super::*;
use crate::config::Secret;

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

#[test]
fn a_folder_that_could_not_be_made_is_not_said_to_be_left_behind() {
    let place = tempfile::tempdir().unwrap();
    let (file, made) = (place.path().join("file"), vec![]);
    std::fs::write(&file, "").unwrap();
    let missing = Scratch { folder: place.path().join("missing"), made: made.clone() };
    assert!(missing.clear().is_ok());
    let inside = Scratch { folder: file.join("bench-1"), made };
    assert!(inside.clear().is_err(), "what is there and does not go is told");
}

#[tokio::test]
async fn a_cluster_that_nobody_answers_for_is_no_log_whatever_is_measured_of_it() {
    let place = tempfile::tempdir().unwrap();
    let address = "esdb://127.0.0.1:1?tls=false&maxDiscoverAttempts=1&discoveryInterval=1";
    let store = StoreSetting::EventStoreDb(Secret::new(address));
    for only in [cluster::Part::Evidence, cluster::Part::Rebuild] {
        let (subject, store) = (Subject::Cluster, store.clone());
        let plan = Plan { subject, only: Some(only), store, ..plan(&place.path().join("data")) };
        let error = run(&plan).await.unwrap_err();
        assert!(error.downcast_ref::<events::Failure>().is_some(), "{only:?}: {error:#}");
    }
}
