use std::sync::Arc;

use events::snapshot::{self, Header};
use events::store::memory::MemoryStore;
use events::{EventStore, StreamName, account};
use projections::Snapshots;

use super::*;
use crate::history::append;
use crate::store::embedded::Options;

/// A folder whose log has so many records.
async fn log_of(records: i64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(Embedded::serve(folder.path(), Options::default()).unwrap());
    write(&*log, records).await;
    log.close().await;
    folder
}

async fn write(log: &dyn EventStore, records: i64) {
    let stream = StreamName::from_log("account-1");
    for number in 0..records {
        let renamed = account::Renamed { name: number.to_string() };
        append(log, &stream, account::Event::from(renamed), number).await;
    }
}

/// A snapshot of a log that has so many records.
async fn keep(folder: &Path, name: &str, records: i64) {
    let whole = MemoryStore::default();
    write(&whole, records).await;
    let position = whole.head().await.unwrap();
    let hash = whole.record_at(position).await.unwrap().unwrap().hash.0;
    let header = Header { name: name.to_owned(), version: 1, position, as_of: None, hash };
    let bytes = snapshot::encode(&header, &"what it holds").unwrap();
    SnapshotFolder::of_data(folder).save(name, &bytes).unwrap();
}

#[tokio::test]
async fn a_log_that_reaches_as_far_as_its_snapshots_is_whole() {
    let folder = log_of(3).await;
    keep(folder.path(), "access", 3).await;
    keep(folder.path(), "audit", 2).await;
    assert_eq!(check(folder.path(), For::Serving), Ok(()));
    assert_eq!(check(Path::new("/nowhere"), For::Serving), Ok(()), "there was none yet");
}

#[tokio::test]
async fn a_log_that_ends_before_a_snapshot_may_be_read_and_not_written() {
    let folder = log_of(3).await;
    keep(folder.path(), "access", 3).await;
    keep(folder.path(), "audit", 5).await;
    let log = folder.path().join("relink.db");
    let before = fs::read(&log).unwrap();
    for purpose in [For::Serving, For::Appending] {
        let lost = check(folder.path(), purpose).unwrap_err();
        let Lost::End { end, position, witness, .. } = &lost else { panic!("{lost:?}") };
        assert_eq!((*end, *position), (Position(3), Position(5)));
        assert!(witness.ends_with("snapshots/audit.snapshot"), "{witness:?}");
        assert!(lost.to_string().contains("remove"), "{lost}");
    }
    assert_eq!(check(folder.path(), For::Reading), Ok(()));
    assert_eq!(fs::read(&log).unwrap(), before, "nothing is written");
    fs::remove_dir_all(folder.path().join("snapshots")).unwrap();
    assert_eq!(check(folder.path(), For::Serving), Ok(()), "as the message says");
}

#[tokio::test]
async fn a_log_that_is_gone_ends_before_its_snapshots() {
    let folder = log_of(3).await;
    keep(folder.path(), "access", 3).await;
    fs::remove_file(folder.path().join("relink.db")).unwrap();
    let lost = check(folder.path(), For::Serving).unwrap_err();
    assert!(matches!(lost, Lost::End { end: Position::START, .. }), "{lost:?}");
}

#[tokio::test]
async fn a_damaged_snapshot_is_no_witness() {
    let folder = log_of(3).await;
    keep(folder.path(), "access", 5).await;
    let file = folder.path().join("snapshots/access.snapshot");
    let mut bytes = fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&file, bytes).unwrap();
    fs::write(folder.path().join("snapshots/audit.snapshot"), "nonsense").unwrap();
    assert_eq!(check(folder.path(), For::Serving), Ok(()));
}

#[tokio::test]
async fn an_emptied_log_is_refused_beside_whatever_no_empty_log_has() {
    for purpose in [For::Serving, For::Appending, For::Reading] {
        let folder = log_of(3).await;
        let log = folder.path().join("relink.db");
        fs::write(&log, "").unwrap();
        assert_eq!(check(folder.path(), purpose), Ok(()), "a first start may have broken off");
        keep(folder.path(), "access", 3).await;
        let lost = check(folder.path(), purpose).unwrap_err();
        assert!(matches!(&lost, Lost::All { witness, .. } if witness.ends_with("access.snapshot")));
        fs::write(folder.path().join("secret.key"), "a key").unwrap();
        let lost = check(folder.path(), purpose).unwrap_err();
        assert!(matches!(&lost, Lost::All { witness, .. } if witness.ends_with("secret.key")));
        assert!(lost.to_string().contains(&log.display().to_string()), "{lost}");
        assert_eq!(fs::metadata(&log).unwrap().len(), 0, "nothing is written");
    }
}

#[test]
fn a_state_of_one_stream_tells_nothing_of_where_the_log_ends() {
    for name in ["fanout", "inbox_health", "quarantine"] {
        assert!(is_of_the_whole_log(Path::new(&format!("snapshots/{name}.snapshot"))), "{name}");
    }
    assert!(!is_of_the_whole_log(Path::new("snapshots/ledger-7.snapshot")));
}
