//! Opening: what is made, what is refused and with which words.

use std::fs;

use super::*;

fn refusal(opened: Result<Embedded, OpenError>) -> OpenError {
    opened.err().expect("opening is refused")
}

#[tokio::test]
async fn a_log_is_made_where_there_is_none_for_its_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("deep/data");
    let store = serve(&folder);
    Stream::new(1).write(&store, &["one"]).await.unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for file in ["relink.db", "relink.db-wal", "relink.lock"] {
            assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
        }
    }
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = Stream::new(1);
    let store = serve(folder.path());
    stream.write(&store, &["one"]).await.unwrap();
    drop(store);
    let store = serve(folder.path());
    assert_eq!(store.head().await, Ok(Position(1)));
    let appended = stream.write(&store, &["two"]).await.unwrap();
    assert_eq!(appended, Appended { revision: Revision(1), position: Position(2) });
}

#[tokio::test]
async fn a_closed_log_is_one_file_and_takes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(folder.path());
    let mut stream = Stream::new(1);
    stream.write(&store, &["one"]).await.unwrap();
    store.close().await;
    assert!(!folder.path().join("relink.db-wal").exists());
    let refused = stream.write(&store, &["two"]).await;
    assert!(matches!(refused, Err(Failure::Unavailable { .. })), "{refused:?}");
    let next = serve(folder.path());
    assert_eq!(everything(&next).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_second_server_is_refused_and_told_who_the_first_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(folder.path());
    let pid = std::process::id();
    let refused = refusal(Embedded::serve(folder.path(), Options::default()));
    assert!(refused.to_string().ends_with(&format!("is held by process {pid}")), "{refused}");
    store.announce("http://127.0.0.1:4000").unwrap();
    let refused = refusal(Embedded::serve(folder.path(), Options::default()));
    let holder = format!("process {pid}, listening on http://127.0.0.1:4000");
    assert!(matches!(&refused, OpenError::Held { holder: found, .. } if *found == holder));
    drop(store);
    serve(folder.path());
}

#[tokio::test]
async fn there_is_nothing_to_read_before_there_is_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let refused = refusal(Embedded::read_only(folder.path()));
    assert!(matches!(refused, OpenError::NoLog { .. }), "{refused}");
    let refused = refusal(Embedded::read_only(&folder.path().join("missing")));
    assert!(matches!(refused, OpenError::NoLog { .. }), "{refused}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "reading makes no file");
}

#[tokio::test]
async fn a_folder_that_is_a_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    fs::write(&file, "not a folder").unwrap();
    let refused = refusal(Embedded::serve(&file, Options::default()));
    assert!(matches!(refused, OpenError::Folder { .. }), "{refused}");
    assert!(refused.to_string().contains(&file.display().to_string()));
}

#[tokio::test]
async fn another_programs_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder::log_file(folder.path());
    fs::write(&file, "some text that is longer than the header of a database".repeat(4)).unwrap();
    let before = fs::read(&file).unwrap();
    for refused in [
        refusal(Embedded::serve(folder.path(), Options::default())),
        refusal(Embedded::read_only(folder.path())),
    ] {
        assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");
    }
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn another_programs_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = rusqlite::Connection::open(folder::log_file(folder.path())).unwrap();
    other.execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    let refused = refusal(Embedded::serve(folder.path(), Options::default()));
    assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");
}

#[tokio::test]
async fn a_newer_format_is_refused_with_both_numbers() {
    let folder = tempfile::tempdir().unwrap();
    drop(serve(folder.path()));
    let raw = rusqlite::Connection::open(folder::log_file(folder.path())).unwrap();
    raw.pragma_update(None, "user_version", schema::FORMAT + 1).unwrap();
    drop(raw);
    for refused in [
        refusal(Embedded::serve(folder.path(), Options::default())),
        refusal(Embedded::attach(folder.path())),
        refusal(Embedded::read_only(folder.path())),
    ] {
        assert!(matches!(refused, OpenError::Newer { found: 4, known: 3, .. }), "{refused}");
    }
}

/// The table of events up to format 2.
const INDEXED: &str = "
DROP VIEW log;
DROP TABLE places;
DROP TABLE places_through;
ALTER TABLE events RENAME TO written;
CREATE TABLE events (
    position    INTEGER PRIMARY KEY,
    stream      INTEGER NOT NULL REFERENCES streams (id),
    revision    INTEGER NOT NULL,
    type        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    id          BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,
    hash        BLOB NOT NULL,
    metadata    TEXT NOT NULL,
    data        BLOB NOT NULL,
    UNIQUE (stream, revision)
);
INSERT INTO events SELECT * FROM written;
DROP TABLE written;
CREATE VIEW log AS SELECT position FROM events;
";

/// A log as the first format or the second had it, of two streams.
async fn of_format(number: u32, folder: &std::path::Path) -> Stream {
    let store = serve(folder);
    let mut stream = Stream::new(42);
    let mut other = Stream::new(7);
    for word in ["one", "two", "three"] {
        stream.write(&store, &[word]).await.unwrap();
    }
    for _ in 0..100 {
        other.write(&store, &["another", "one"]).await.unwrap();
    }
    if number == 2 {
        store.truncate(&other.name, Revision(150)).await.unwrap();
    }
    store.close().await;
    let raw = rusqlite::Connection::open(folder::log_file(folder)).unwrap();
    raw.execute_batch(INDEXED).unwrap();
    if number == 1 {
        raw.execute_batch("DROP TABLE bounds").unwrap();
    }
    raw.pragma_update(None, "user_version", number).unwrap();
    stream
}

async fn of_stream(store: &Embedded, stream: &Stream) -> Vec<Revision> {
    let upwards = store.read_stream(&stream.name, Slice::From(Revision::FIRST), PAGE_MAX);
    upwards.await.unwrap().iter().map(|record| record.revision).collect()
}

#[tokio::test]
async fn a_log_of_an_older_format_is_read_as_it_is_and_served_as_one_of_today() {
    for number in [1, 2] {
        let folder = tempfile::tempdir().unwrap();
        let mut stream = of_format(number, folder.path()).await;
        let reader = Embedded::read_only(folder.path()).unwrap();
        let there = everything(&reader).await.unwrap();
        assert_eq!(there.len(), if number == 2 { 53 } else { 203 });
        assert_eq!(of_stream(&reader, &stream).await, [0, 1, 2].map(Revision));
        assert_eq!(reader.bound(&stream.name).await, Ok(None));
        drop(reader);

        let store = serve(folder.path());
        assert_eq!(everything(&store).await.unwrap(), there);
        stream.write(&store, &["four"]).await.unwrap();
        assert_eq!(of_stream(&store, &stream).await, [0, 1, 2, 3].map(Revision));
        store.truncate(&stream.name, Revision(2)).await.unwrap();
        assert_eq!(everything(&store).await.unwrap().len(), there.len() - 1);
        drop(store);
        let reader = Embedded::read_only(folder.path()).unwrap();
        assert_eq!(of_stream(&reader, &stream).await, [2, 3].map(Revision));
        assert_eq!(reader.bound(&stream.name).await.unwrap().unwrap().first, Revision(2));
        assert_eq!(reader.integrity().await, Ok(vec![]));
    }
}

#[tokio::test]
async fn a_command_leaves_an_older_log_alone_that_an_older_relink_serves() {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = of_format(2, folder.path()).await;
    let older = lock::Lock::take(folder.path()).unwrap();
    let refused = refusal(Embedded::attach(folder.path()));
    assert!(matches!(refused, OpenError::Held { .. }), "{refused}");
    drop(older);
    let command = Embedded::attach(folder.path()).unwrap();
    stream.write(&command, &["four"]).await.unwrap();
    assert_eq!(of_stream(&command, &stream).await, [0, 1, 2, 3].map(Revision));
}

#[tokio::test]
async fn whoever_reads_an_older_log_while_it_is_brought_to_another_format_opens_it_again() {
    let folder = tempfile::tempdir().unwrap();
    of_format(2, folder.path()).await;
    let places = Arc::default();
    let reader = Readers::open(folder::log_file(folder.path()), places).unwrap();
    reader.close();
    drop(serve(folder.path()));
    let failure = reader.head().await.unwrap_err();
    let reason = "it is of format 3 now: open it again".to_owned();
    assert_eq!(failure, Failure::Unavailable { reason });
}

#[tokio::test]
async fn the_view_shows_a_log_to_people() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(folder.path());
    let mut stream = Stream::new(42);
    stream.write(&store, &["one"]).await.unwrap();
    let raw = rusqlite::Connection::open(folder::log_file(folder.path())).unwrap();
    let shown = raw.query_row(
        "SELECT stream || ' ' || type || ' ' || recorded_at || ' ' || (metadata ->> '$.actor')
             || ' ' || hash FROM log",
        [],
        |row| row.get::<_, String>(0),
    );
    let hash = stream.tail.hash;
    let line =
        format!("platform-42 platform.event_received 1970-01-01T00:00:00.000000Z admin {hash}");
    assert_eq!(shown.unwrap(), line);
}

#[tokio::test]
async fn a_copy_made_while_serving_is_a_log_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(folder.path());
    let mut stream = Stream::new(1);
    stream.write(&store, &["one", "two"]).await.unwrap();
    let backup = tempfile::tempdir().unwrap();
    let raw = rusqlite::Connection::open(folder::log_file(folder.path())).unwrap();
    let copy = folder::log_file(backup.path());
    raw.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    let read = Embedded::read_only(backup.path()).unwrap();
    assert_eq!(everything(&read).await, everything(&store).await);
    drop(read);

    let restored = serve(backup.path());
    stream.write(&restored, &["three"]).await.unwrap();
    let read = Embedded::read_only(backup.path()).unwrap();
    assert_eq!(everything(&read).await.unwrap().len(), 3);
    let raw = rusqlite::Connection::open(&copy).unwrap();
    let mode: String = raw.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}
