//! The figures of a cluster, measured as a process of its own. `RELINK_TEST_FULL=1` alone: they
//! mean something on a quiet machine and in a release build, and are held to their bars there.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Namespace;
use super::nodes::full;
use crate::relink::Place;

const PATIENCE: Duration = Duration::from_secs(600);

/// One at a time, for each would be in the other's way.
static TURN: Mutex<()> = Mutex::const_new(());

async fn measure(only: &str) {
    if !full() {
        return;
    }
    let _turn = TURN.lock().await;
    let namespace = Namespace::new();
    let place = Place::new().set("RELINK_STORE", namespace.url());
    let sizes = ["--rounds", "3", "--events", "1000000", "--json"];
    let command = [&["bench", "cluster", "--only", only], &sizes[..]].concat();
    let done = timeout(PATIENCE, place.command(&command).output());
    let done = done.await.expect("it ends").unwrap();
    let printed = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    eprintln!("{printed}");
    let report: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let figures = report["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 1);
    assert!(figures[0]["met"] == true || cfg!(debug_assertions), "{}", figures[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_is_at_least_half_as_fast_as_appends_of_the_bare_client() {
    measure("evidence").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_is_at_least_half_as_fast_as_a_read_of_the_bare_client() {
    measure("rebuild").await;
}
