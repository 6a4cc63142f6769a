use super::*;

#[test]
fn what_was_saved_last_is_loaded() {
    let data = tempfile::tempdir().unwrap();
    let snapshots = SnapshotFolder::of_data(data.path());
    assert_eq!(snapshots.load("inbox_health").unwrap(), None);
    snapshots.save("inbox_health", b"first").unwrap();
    snapshots.save("inbox_health", b"second").unwrap();
    snapshots.save("access", b"other").unwrap();
    assert_eq!(snapshots.load("inbox_health").unwrap().as_deref(), Some(&b"second"[..]));
    let names = fs::read_dir(data.path().join("snapshots")).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["access.snapshot", "inbox_health.snapshot"]);
}

#[test]
fn what_a_crash_left_behind_is_not_loaded() {
    let data = tempfile::tempdir().unwrap();
    let snapshots = SnapshotFolder::of_data(data.path());
    snapshots.save("access", b"whole").unwrap();
    fs::write(data.path().join("snapshots/access.snapshot.new"), b"ha").unwrap();
    assert_eq!(snapshots.load("access").unwrap().as_deref(), Some(&b"whole"[..]));
    snapshots.save("access", b"next").unwrap();
    assert_eq!(snapshots.load("access").unwrap().as_deref(), Some(&b"next"[..]));
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_its_source() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("snapshots"), b"in the way").unwrap();
    let error = SnapshotFolder::of_data(data.path()).save("access", b"x").unwrap_err();
    assert_eq!(error.to_string(), "the snapshot access cannot be written");
    assert!(std::error::Error::source(&error).is_some());
}
