//! The file's format, plain enough for the stock `sqlite3`; see docs/log-format.md.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::OpenError;

/// The newest format that this build knows, kept in `user_version`.
pub(super) const FORMAT: u32 = 3;

/// `RLNK`, so that `file` and `sqlite3` tell a Relink log from another database.
const APPLICATION: u32 = 0x524c_4e4b;

/// How long to wait for another process that writes.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

const STREAMS: &str = "
CREATE TABLE streams (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE
);
";

/// The large columns are last: what stands before them is read without following overflow pages.
const EVENTS: &str = "
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
    data        BLOB NOT NULL
);
";

const VIEW: &str = "
CREATE VIEW log AS
SELECT position, streams.name AS stream, revision, type, version,
       lower(hex(events.id)) AS id,
       strftime('%Y-%m-%dT%H:%M:%S', recorded_at / 1000000, 'unixepoch')
           || printf('.%06dZ', recorded_at % 1000000) AS recorded_at,
       metadata, data, lower(hex(hash)) AS hash
FROM events JOIN streams ON streams.id = events.stream;
";

/// Where truncated streams begin, since format 2. What stands before `first` is removed for every
/// reader at once; its rows are deleted a few at a time, up to `cleared`.
const BOUNDS: &str = "
CREATE TABLE bounds (
    stream      INTEGER PRIMARY KEY REFERENCES streams (id),
    first       INTEGER NOT NULL,
    previous    BLOB NOT NULL,
    cleared     INTEGER NOT NULL
);
";

/// Where each revision of a stream stands, since format 3: see `places.rs`.
const PLACES: &str = "
CREATE TABLE places (
    stream      INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    PRIMARY KEY (stream, revision)
) WITHOUT ROWID;
CREATE TABLE places_through (
    position    INTEGER NOT NULL
);
INSERT INTO places_through VALUES (0);
";

/// Writes the places of all records behind a position, and takes note of up to where.
pub(super) fn fill(transaction: &Connection, through: i64) -> rusqlite::Result<()> {
    transaction.execute(FILL, [through])?;
    transaction.execute(FILLED, []).map(drop)
}

const FILL: &str = "INSERT OR IGNORE INTO places (stream, revision, position)
    SELECT stream, revision, position FROM events WHERE position > ?1 ORDER BY stream, revision";
const FILLED: &str = "UPDATE places_through
    SET position = (SELECT coalesce(max(position), 0) FROM events)";

/// Up to format 2, an index of the table of events was kept with every commit. SQLite cannot take
/// it from the table, so the records move to one without.
const WITHOUT_INDEX: [&str; 3] = [
    "DROP VIEW log; ALTER TABLE events RENAME TO indexed_events;",
    EVENTS,
    "INSERT INTO events SELECT * FROM indexed_events; DROP TABLE indexed_events;",
];

/// What a reader has instead of the table, where only that index is there.
const INDEXED: &str = "
CREATE TEMP VIEW places AS SELECT stream, revision, position FROM main.events;
CREATE TEMP TABLE places_through AS SELECT 9223372036854775807 AS position;
";

/// Whether the file is a log of an older format.
pub(super) fn is_older(path: &Path) -> Result<bool, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|it| format(&it));
    let found = opened.map_err(|error| OpenError::engine(path, error))?;
    Ok(found > 0 && found < FORMAT)
}

/// Opens the file for writing, makes it a log where it is empty and one of today's where it is
/// older.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let engine = |error| OpenError::engine(path, error);
    let mut connection = Connection::open_with_flags(path, flags).map_err(engine)?;
    connection.busy_timeout(PATIENCE).map_err(engine)?;
    check(path, &connection)?;
    // Not only at first: a copy made by `VACUUM INTO` has forgotten it.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).map_err(engine)?;
    create(&mut connection).map_err(engine)?;
    check(path, &connection)?;
    configure(&connection).map_err(engine)?;
    Ok(connection)
}

/// Opens the file for reading; it must be a log already.
pub(super) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let engine = |error| OpenError::engine(path, error);
    let connection = Connection::open_with_flags(path, flags).map_err(engine)?;
    connection.busy_timeout(PATIENCE).map_err(engine)?;
    check(path, &connection)?;
    // Who only reads an older log leaves it as it is.
    let found = format(&connection).map_err(engine)?;
    if found == 0 {
        return Err(OpenError::NoLog { path: path.to_owned() });
    }
    if found < 2 {
        // No log of this format was ever truncated.
        let bounds = BOUNDS.replace("CREATE TABLE", "CREATE TEMP TABLE");
        connection.execute_batch(&bounds).map_err(engine)?;
    }
    if found < 3 {
        connection.execute_batch(INDEXED).map_err(engine)?;
    }
    connection.pragma_update(None, "cache_size", -16_384).map_err(engine)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // Every commit is flushed before it is answered; checkpoints are another thread's work.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    // 4 MiB are enough for whoever writes in order, and a commit that splits a page walks through
    // the whole cache.
    connection.pragma_update(None, "cache_size", -4096)?;
    // The writer looks every stream up itself; a second look-up per record proves nothing.
    connection.pragma_update(None, "foreign_keys", false)
}

pub(super) fn format(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Refuses what is not ours, and what is ours and too new.
fn check(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let engine = |error| OpenError::engine(path, error);
    let application: u32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(engine)?;
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(engine)?;
    if tables > 0 && application != APPLICATION {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let found = format(connection).map_err(engine)?;
    if found > FORMAT {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: FORMAT });
    }
    Ok(())
}

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    if format(connection)? == FORMAT {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been first.
    let found = format(&transaction)?;
    if found == 0 {
        transaction.execute_batch(STREAMS)?;
        transaction.execute_batch(EVENTS)?;
        transaction.execute_batch(VIEW)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
    }
    if found < 2 {
        transaction.execute_batch(BOUNDS)?;
    }
    if found == 1 || found == 2 {
        tracing::info!("the log is being brought from format {found} to format {FORMAT}");
        for step in WITHOUT_INDEX {
            transaction.execute_batch(step)?;
        }
        transaction.execute_batch(VIEW)?;
    }
    if found < FORMAT {
        transaction.execute_batch(PLACES)?;
        fill(&transaction, 0)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()
}
