//! The figures of a cluster, measured as a process of its own. `RELINK_TEST_FULL=1` alone: they
//! mean something on a quiet machine and in a release build, and are held to their bars there.

use std::time::Duration;

use tokio::time::timeout;

use super::Namespace;
use super::nodes::full;
use crate::relink::Place;

const PATIENCE: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_at_least_half_as_fast_as_the_bare_client() {
    if !full() {
        return;
    }
    let namespace = Namespace::new();
    let place = Place::new().set("RELINK_STORE", namespace.url());
    let sizes = ["--rounds", "3", "--events", "1000000", "--json"];
    let measure = place.command(&[&["bench", "cluster"], &sizes[..]].concat()).output();
    let done = timeout(PATIENCE, measure).await.expect("it ends").unwrap();
    let printed = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    eprintln!("{printed}");
    let report: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let figures = report["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 2);
    for figure in figures {
        assert!(figure["met"] == true || cfg!(debug_assertions), "{figure}");
    }
}
