use tempfile::TempDir;

use super::*;

#[test]
fn a_node_is_the_same_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let first = Identity::kept(folder.path(), None);
    let id = first.id;
    drop(first);
    assert_eq!(Identity::kept(folder.path(), None).id, id);
}

#[test]
fn two_nodes_at_once_in_one_folder_are_two() {
    let folder = TempDir::new().unwrap();
    let first = Identity::kept(folder.path(), Some("eu-1"));
    let second = Identity::kept(folder.path(), None);
    assert_ne!(first.id, second.id);
    assert_eq!(first.name, "eu-1");
    let digits = &second.id.to_string()[..6];
    assert!(second.name.ends_with(digits), "{}", second.name);
}
