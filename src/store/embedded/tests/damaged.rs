//! Bytes that changed under the log are never read as if nothing had happened.

use std::fs;

use super::*;
use crate::verify::{Positions, verify};

const WORDS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

/// The bytes of a closed log of a few streams, and its records.
async fn log() -> (Vec<u8>, Vec<Record>) {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(folder.path());
    for id in 0..40 {
        Stream::new(id).write(&store, &WORDS).await.unwrap();
    }
    let records = everything(&store).await.unwrap();
    store.close().await;
    (fs::read(folder::log_file(folder.path())).unwrap(), records)
}

/// What a reader makes of the bytes; an error is whatever gives the damage away.
async fn read(bytes: &[u8]) -> Result<Vec<Record>, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder::log_file(folder.path()), bytes).unwrap();
    let store = Embedded::read_only(folder.path()).map_err(|error| error.to_string())?;
    verify(&store, Positions::Dense, |_| ()).await.map_err(|error| error.to_string())?;
    everything(&store).await.map_err(|error| error.to_string())
}

/// Where the bytes hold these.
fn all(bytes: &[u8], wanted: &[u8]) -> Vec<usize> {
    let windows = bytes.windows(wanted.len()).enumerate();
    windows.filter(|(_, window)| *window == wanted).map(|(at, _)| at).collect()
}

#[tokio::test]
async fn a_flipped_byte_anywhere_is_found_or_changes_nothing() {
    let (bytes, records) = log().await;
    assert_eq!(read(&bytes).await, Ok(records.clone()));
    let mut found = 0;
    for at in (0..bytes.len()).step_by(211) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x55;
        match read(&flipped).await {
            Ok(read) => assert_eq!(read, records, "the byte at {at} changed what is read"),
            Err(_) => found += 1,
        }
    }
    assert!(found > 50, "only {found} were found");
}

#[tokio::test]
async fn a_flipped_byte_in_a_payload_breaks_the_chain() {
    let (mut bytes, _) = log().await;
    // SQLite leaves copies behind in unused parts of its pages: all of them, then.
    for at in all(&bytes, b"gamma") {
        bytes[at] ^= 1;
    }
    let found = read(&bytes).await.map(|records| records.len());
    let found = found.expect_err("the damage is found");
    assert!(found.contains("does not hash to what was recorded with it"), "{found}");
}

#[tokio::test]
async fn a_truncated_file_is_refused() {
    let (bytes, _) = log().await;
    for length in [bytes.len() - 4096, bytes.len() / 2 / 4096 * 4096, 4096, 100] {
        let found = read(&bytes[..length]).await;
        assert!(found.is_err(), "{length} bytes of {} pass for a log", bytes.len());
        let folder = tempfile::tempdir().unwrap();
        let file = folder::log_file(folder.path());
        fs::write(&file, &bytes[..length]).unwrap();
        let refused = Embedded::serve(folder.path(), Options::default()).err().unwrap();
        assert!(
            matches!(refused, OpenError::Damaged { .. } | OpenError::Foreign { .. }),
            "{length} bytes: {refused}"
        );
        assert_eq!(fs::read(&file).unwrap(), bytes[..length], "nothing is written");
    }
}

#[tokio::test]
async fn a_damaged_page_stops_reading_and_says_behind_which_position() {
    let (mut bytes, records) = log().await;
    let folder = tempfile::tempdir().unwrap();
    for at in all(&bytes, &records[80].hash.0) {
        bytes[at / 4096 * 4096..][..100].fill(0xff);
    }
    fs::write(folder::log_file(folder.path()), bytes).unwrap();
    let store = Embedded::read_only(folder.path()).unwrap();
    let failure = everything(&store).await.unwrap_err();
    assert!(matches!(failure, Failure::Corrupt { position: Some(_), .. }), "{failure}");
    assert!(!store.integrity().await.unwrap().is_empty());
}

#[tokio::test]
async fn sqlite_finds_nothing_wrong_with_a_good_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(folder.path());
    Stream::new(1).write(&store, &WORDS).await.unwrap();
    assert_eq!(store.integrity().await, Ok(vec![]));
}

#[tokio::test]
async fn a_place_without_its_record_is_damage_and_no_end_of_the_stream() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(folder.path());
    let mut stream = Stream::new(1);
    stream.write(&store, &WORDS).await.unwrap();
    store.close().await;
    let raw = rusqlite::Connection::open(folder::log_file(folder.path())).unwrap();
    raw.execute_batch("DELETE FROM events WHERE position = 3").unwrap();
    let store = Embedded::read_only(folder.path()).unwrap();
    let read = store.read_stream(&stream.name, Slice::From(Revision::FIRST), PAGE_MAX).await;
    let reason = "the record at position 3 is not the one that is looked for there".to_owned();
    assert_eq!(read, Err(Failure::Corrupt { position: Some(Position(2)), reason }));
}
