use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use projections::Snapshots;
use tempfile::TempDir;

use crate::node::Identity;
use crate::snapshots::SnapshotFolder;
use crate::vault::Vault;

/// What others than the owner may do with the folder and with everything in it.
fn rights_of_others(path: &Path) -> Vec<(PathBuf, u32)> {
    let rights = std::fs::metadata(path).unwrap().permissions().mode() & 0o077;
    let mut found = vec![(path.to_owned(), rights)];
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            found.extend(rights_of_others(&entry.unwrap().path()));
        }
    }
    found
}

#[test]
fn nothing_in_a_data_folder_is_for_others_to_read() {
    let outer = TempDir::new().unwrap();
    let data = outer.path().join("data");
    let snapshots = SnapshotFolder::of_data(&data);
    for bytes in [b"first", b"other"] {
        snapshots.save("access", bytes).unwrap();
    }
    Vault::open(None, &data).unwrap();
    let _node = Identity::kept(&data, None);
    let rights = rights_of_others(&data);
    assert_eq!(rights.len(), 5, "{rights:?}");
    assert!(rights.iter().all(|(_, rights)| *rights == 0), "{rights:?}");
}
