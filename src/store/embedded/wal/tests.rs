use super::*;

const PAGE: usize = 4096;

/// A log whose write-ahead log is `pages` long and more.
fn grow(connection: &Connection, pages: usize) {
    connection
        .execute("INSERT INTO streams (name) VALUES (?1)", ["x".repeat(pages * PAGE)])
        .unwrap();
    connection.execute("DELETE FROM streams", []).unwrap();
}

fn log(folder: &tempfile::TempDir) -> Connection {
    let file = folder.path().join("relink.db");
    std::fs::write(&file, "").unwrap();
    schema::open_writer(&file).unwrap()
}

#[test]
fn copying_is_asked_for_once_in_each_4_mib() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = log(&folder);
    let mut wal = Wal::watch(&mut connection).unwrap();
    grow(&connection, 10);
    assert!(!wal.tend(&connection));
    grow(&connection, COPY_EVERY as usize);
    assert!(wal.tend(&connection));
    assert!(!wal.tend(&connection));
    grow(&connection, COPY_EVERY as usize);
    assert!(wal.tend(&connection));
}

#[test]
fn once_it_has_started_over_it_is_counted_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = log(&folder);
    let mut wal = Wal::watch(&mut connection).unwrap();
    grow(&connection, COPY_EVERY as usize);
    assert!(wal.tend(&connection));
    connection.wal_checkpoint_v2(Some("main"), CheckpointMode::PASSIVE).unwrap();
    grow(&connection, 10);
    assert!(!wal.tend(&connection));
    assert_eq!((wal.copy_at, wal.restart_at), (COPY_EVERY, RESTART_AT));
}

#[test]
fn a_long_one_starts_over_unless_a_reader_is_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = log(&folder);
    let mut wal = Wal::watch(&mut connection).unwrap();
    let reader = schema::open_reader(&folder.path().join("relink.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM events;").unwrap();
    grow(&connection, RESTART_AT as usize);
    wal.tend(&connection);
    grow(&connection, 10);
    assert!(wal.pages.load(Ordering::Relaxed) > RESTART_AT, "the reader is in the way");
    wal.tend(&connection);

    reader.execute_batch("COMMIT").unwrap();
    grow(&connection, COPY_EVERY as usize);
    wal.tend(&connection);
    grow(&connection, 10);
    assert!(wal.pages.load(Ordering::Relaxed) < COPY_EVERY, "it has started over");
    let patience: i64 =
        connection.pragma_query_value(None, "busy_timeout", |row| row.get(0)).unwrap();
    assert_eq!(u128::try_from(patience), Ok(schema::PATIENCE.as_millis()));
}
