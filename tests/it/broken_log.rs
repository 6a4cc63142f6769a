//! A log that is not what was written: `verify` finds the place, and nobody serves from it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::relink::Place;
use crate::steps::{fail, register};

/// A name that stands in one record alone.
const NAME: &[u8] = b"Support on WhatsApp";

/// A place whose service has ended well, with a story in its log.
async fn written() -> Place {
    let place = Place::new();
    let relink = place.serve().await;
    register(&relink.api()).await;
    fail(&relink.api()).await.json(200);
    fail(&relink.api()).await.json(200);
    assert!(relink.terminate().await.success());
    place
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Changes one byte of the inbox's name wherever it stands.
fn flip_a_byte(folder: &Path) {
    let mut flipped = 0;
    for file in files(folder) {
        let mut bytes = fs::read(&file).unwrap();
        let places: Vec<_> =
            bytes.windows(NAME.len()).enumerate().filter(|(_, window)| *window == NAME).collect();
        let places: Vec<_> = places.into_iter().map(|(at, _)| at).collect();
        for at in &places {
            bytes[at + 3] ^= 0x20;
        }
        flipped += places.len();
        if !places.is_empty() {
            fs::write(&file, bytes).unwrap();
        }
    }
    assert!(flipped > 0, "the name is in no file of {}", folder.display());
}

#[tokio::test]
async fn a_log_as_it_was_written_is_in_order() {
    let place = written().await;
    place.run_well(&["verify"]).await;
}

#[tokio::test]
async fn verify_works_while_the_service_runs() {
    let place = Place::new();
    let relink = place.serve().await;
    register(&relink.api()).await;
    place.run_well(&["verify"]).await;
    drop(relink);
}

#[tokio::test]
async fn a_flipped_byte_is_found_at_its_position() {
    let place = written().await;
    let registered = place.log_of("inbox.registered").await[0]["position"].to_string();
    flip_a_byte(&place.data());
    let done = place.run(&["verify"]).await;
    assert_eq!(done.code, Some(1), "{done:?}");
    let named = format!("position {registered}");
    assert!(done.said().contains(&named), "not {named}: {done:?}");
    assert!(!done.stderr.contains("panicked"), "{done:?}");
}

#[tokio::test]
async fn a_truncated_log_is_found() {
    let place = written().await;
    let log = place.data().join("relink.db");
    let length = log.metadata().unwrap().len();
    fs::OpenOptions::new().write(true).open(&log).unwrap().set_len(length / 2).unwrap();

    for command in [&["verify"][..], &["serve"], &["rebuild"]] {
        let done = place.run(command).await;
        done.refused(1);
        assert!(!done.stderr.contains("panicked"), "{done:?}");
    }
    assert_eq!(log.metadata().unwrap().len(), length / 2, "nothing was written to it");
}

#[tokio::test]
async fn an_emptied_log_is_not_begun_anew() {
    let place = written().await;
    let log = place.data().join("relink.db");
    fs::write(&log, "").unwrap();
    let token = &["token", "create", "--account", "1", "--role", "agent"][..];
    for command in [&["serve"][..], token, &["verify"], &["rebuild"]] {
        let done = place.run(command).await;
        done.refused(3);
        assert!(done.stderr.contains("relink.db is empty"), "{done:?}");
    }
    assert_eq!(log.metadata().unwrap().len(), 0, "nothing was written to it");
}

#[tokio::test]
async fn an_older_log_is_served_once_its_snapshots_are_removed() {
    let place = written().await;
    let (log, older) = (place.data().join("relink.db"), place.data().join("older.db"));
    fs::copy(&log, &older).unwrap();
    let relink = place.serve().await;
    fail(&relink.api()).await.json(200);
    assert!(relink.terminate().await.success());
    fs::copy(&older, &log).unwrap();

    let done = place.run(&["serve"]).await;
    done.refused(3);
    let snapshots = place.data().join("snapshots").display().to_string();
    assert!(done.stderr.contains(&snapshots), "what to do is not told: {done:?}");
    assert_eq!(fs::read(&log).unwrap(), fs::read(&older).unwrap(), "nothing was written to it");
    place.run_well(&["verify"]).await;

    fs::remove_dir_all(&snapshots).unwrap();
    let relink = place.serve().await;
    fail(&relink.api()).await.json(200);
}

#[tokio::test]
async fn a_file_that_is_no_log_is_refused_and_left_as_it_is() {
    let place = written().await;
    let log = place.data().join("relink.db");
    fs::write(&log, "this is a letter to a friend\n".repeat(500)).unwrap();
    for command in [&["serve"][..], &["verify"], &["rebuild"], &["stats"], &["keys", "rotate"]] {
        place.run(command).await.refused(1);
    }
    assert!(fs::read_to_string(&log).unwrap().starts_with("this is a letter"));
}
