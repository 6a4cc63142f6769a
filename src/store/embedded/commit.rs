//! One transaction for many appends: all of them are durable when it has committed.

use std::sync::Arc;

use events::store::Proposed;
use events::{Appended, EventId, Expected, Failure, Position, Record, Revision, StreamName};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use uuid::Uuid;

use super::bounds;
use super::heads::{Head, Heads};
use super::places::{self, Key, Places};
use super::recent::Recent;

const NAME: &str = "INSERT INTO streams (name) VALUES (?1)";
const INSERT: &str = "INSERT INTO events
    (stream, revision, type, version, id, recorded_at, hash, metadata, data)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const ID: &str = "SELECT id FROM events WHERE position = ?1";

/// For each record that is written, so many of those before it get their place in the table: twice
/// as fast as they come.
const PLACED_FOR_EACH: usize = 2;

/// One append, as its caller handed it in.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) stream: StreamName,
    pub(super) expected: Expected,
    pub(super) records: Vec<Proposed>,
}

/// The connection that alone writes, and what it remembers between transactions.
pub(super) struct Ledger {
    connection: Connection,
    heads: Heads,
    /// What `PRAGMA data_version` said last: it changes when another connection commits.
    version: i64,
    places: Arc<Places>,
    recent: Arc<Recent>,
    written: Written,
    /// Whether it is the one that serves: only who removes records knows which are to have no
    /// place any more.
    serves: bool,
}

/// What the transaction under way has written.
#[derive(Debug, Default)]
struct Written {
    records: Vec<Record>,
    places: Vec<(Key, i64)>,
}

impl Ledger {
    pub(super) fn new(
        connection: Connection,
        places: Arc<Places>,
        recent: Arc<Recent>,
        serves: bool,
    ) -> Self {
        connection.set_prepared_statement_cache_capacity(32);
        let (heads, written) = (Heads::default(), Written::default());
        Self { connection, heads, version: i64::MIN, places, recent, written, serves }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Removes what stands before a revision, for every reader at once.
    pub(super) fn truncate(
        &self,
        stream: &StreamName,
        before: Revision,
    ) -> rusqlite::Result<Result<(), Failure>> {
        self.places.look(&self.connection)?;
        let truncated = bounds::advance(&self.connection, &self.places, stream, before);
        self.recent.clear();
        truncated
    }

    /// Deletes a few rows of what was removed; whether there are more.
    pub(super) fn clear(&self) -> rusqlite::Result<bool> {
        self.places.look(&self.connection)?;
        bounds::clear(&self.connection, &self.places)
    }

    /// Leaves nothing to be read from the end of the log when it is next opened.
    pub(super) fn settle(&self) {
        if !self.serves {
            return;
        }
        if let Err(error) = self.places.settle(&self.connection) {
            tracing::debug!(%error, "places are left to the next start: {error}");
        }
    }

    /// Writes all of them in one transaction; the answers are true once this has returned.
    pub(super) fn commit<'a>(
        &mut self,
        appends: impl Iterator<Item = &'a Append>,
        answers: &mut Vec<Result<Appended, Failure>>,
    ) -> rusqlite::Result<()> {
        match self.transact(appends, answers) {
            Ok(swept) => {
                self.places.committed(self.written.places.drain(..), swept);
                self.recent.extend(self.written.records.drain(..));
                Ok(())
            }
            Err(error) => {
                self.written = Written::default();
                self.heads.clear();
                answers.clear();
                if !self.connection.is_autocommit() {
                    // Where even this fails the next BEGIN says so.
                    let _ = self.connection.execute_batch("ROLLBACK");
                }
                Err(error)
            }
        }
    }

    /// Up to which key places were written into their table.
    fn transact<'a>(
        &mut self,
        appends: impl Iterator<Item = &'a Append>,
        answers: &mut Vec<Result<Appended, Failure>>,
    ) -> rusqlite::Result<Option<Key>> {
        let Self { connection, heads, version, places, written, serves, .. } = self;
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let now: i64 =
            connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if now != *version {
            heads.clear();
            places.look(connection)?;
            *version = now;
        }
        let mut insert = connection.prepare_cached(INSERT)?;
        for append in appends {
            answers.push(apply(connection, &mut insert, heads, places, append, written)?);
        }
        let most = if *serves { PLACED_FOR_EACH * written.places.len() } else { 0 };
        let swept = places.sweep(connection, most)?;
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(swept)
    }
}

/// The outer error ends the transaction, the inner one only this append.
fn apply(
    connection: &Connection,
    insert: &mut CachedStatement<'_>,
    heads: &mut Heads,
    places: &Places,
    append: &Append,
    written: &mut Written,
) -> rusqlite::Result<Result<Appended, Failure>> {
    let stream = &append.stream;
    let head = match heads.get(stream) {
        Some(head) => Some(head),
        None => find(connection, places, stream)?,
    };
    let current = head.and_then(|head| head.last);
    if Expected::from(current) != append.expected {
        let repeated = match (head, current) {
            (Some(head), Some(last)) => {
                repeated(connection, places, written, head.stream, last, append)?
            }
            _ => None,
        };
        let conflict = || Failure::Conflict { stream: stream.clone(), current };
        return Ok(repeated.ok_or_else(conflict));
    }
    let id = match head {
        Some(head) => head.stream,
        None => {
            connection.prepare_cached(NAME)?.execute([stream.as_str()])?;
            connection.last_insert_rowid()
        }
    };
    let mut revision = append.expected.first();
    let mut last = revision;
    for record in &append.records {
        write(insert, id, revision, record)?;
        let row = connection.last_insert_rowid();
        written.places.push(((id, integer(revision.0)), row));
        written.records.push(record.clone().placed(position(row), stream.clone(), revision));
        last = revision;
        revision = revision.next();
    }
    heads.set(stream, Head { stream: id, last: Some(last) });
    let position = position(connection.last_insert_rowid());
    Ok(Ok(Appended { revision: last, position }))
}

fn find(
    connection: &Connection,
    places: &Places,
    stream: &StreamName,
) -> rusqlite::Result<Option<Head>> {
    let Some(stream) = places::stream(connection, stream.as_str())? else { return Ok(None) };
    let last = places.last(connection, stream)?.map(|last| Revision(last.unsigned_abs()));
    Ok(Some(Head { stream, last }))
}

fn write(
    insert: &mut CachedStatement<'_>,
    stream: i64,
    revision: Revision,
    record: &Proposed,
) -> rusqlite::Result<()> {
    // Text is for whoever opens the file; bytes that are no text are kept as they are.
    let metadata = match std::str::from_utf8(&record.metadata) {
        Ok(_) => ValueRef::Text(&record.metadata),
        Err(_) => ValueRef::Blob(&record.metadata),
    };
    insert.execute(params![
        stream,
        integer(revision.0),
        &*record.kind,
        record.version,
        &record.id.0.as_bytes()[..],
        record.at.as_micros(),
        &record.hash.0[..],
        ToSqlOutput::Borrowed(metadata),
        &record.data[..],
    ])?;
    Ok(())
}

/// Where a repeated append was written the first time, if it is one.
fn repeated(
    connection: &Connection,
    places: &Places,
    written: &Written,
    stream: i64,
    last: Revision,
    append: &Append,
) -> rusqlite::Result<Option<Appended>> {
    let first = match append.expected {
        Expected::NoStream => Revision::FIRST,
        Expected::Revision(revision) if revision < last => revision.next(),
        Expected::Revision(_) => return Ok(None),
    };
    let mut there: Vec<(EventId, Position)> = vec![];
    let mut id = connection.prepare_cached(ID)?;
    for (_, row) in places.upwards(connection, stream, integer(first.0), append.records.len())? {
        // What was removed is not known any more.
        let id = id.query_row([row], |row| row.get(0)).optional()?;
        let Some(id) = id else { return Ok(None) };
        there.push((EventId(Uuid::from_bytes(id)), position(row)));
    }
    // Or a moment ago, in the transaction under way.
    let now = written.records.iter().filter(|record| record.stream == append.stream);
    let now = now.filter(|record| record.revision >= first);
    there.extend(now.take(append.records.len()).map(|record| (record.id, record.position)));
    let same = append.records.iter().zip(&there).filter(|(record, (id, _))| record.id == *id);
    let count = append.records.len();
    if same.count() < count {
        return Ok(None);
    }
    let revision = Revision(first.0 + count as u64 - 1);
    Ok(there.get(count - 1).map(|(_, position)| Appended { revision, position: *position }))
}

/// The last position of the log.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<Position> {
    let mut head = connection.prepare_cached("SELECT max(position) FROM events")?;
    let last: Option<i64> = head.query_row([], |row| row.get(0))?;
    Ok(last.map_or(Position::START, position))
}

/// SQLite's integers are signed; what lies beyond them is beyond every log.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn position(row: i64) -> Position {
    Position(row.unsigned_abs())
}
