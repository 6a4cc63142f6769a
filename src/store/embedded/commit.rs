//! One transaction for many appends: all of them are durable when it has committed.

use std::sync::Arc;

use events::store::Proposed;
use events::{Appended, Expected, Failure, Position, Record, Revision, StreamName};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::bounds;
use super::heads::{Head, Heads};
use super::recent::Recent;

const FIND: &str = "SELECT id, (SELECT max(revision) FROM events WHERE stream = streams.id)
    FROM streams WHERE name = ?1";
const NAME: &str = "INSERT INTO streams (name) VALUES (?1)";
const INSERT: &str = "INSERT INTO events
    (stream, revision, type, version, id, recorded_at, hash, metadata, data)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const WRITTEN: &str = "SELECT id, position FROM events
    WHERE stream = ?1 AND revision >= ?2 ORDER BY revision LIMIT ?3";

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
    recent: Arc<Recent>,
    /// Written in the transaction under way.
    written: Vec<Record>,
}

impl Ledger {
    pub(super) fn new(connection: Connection, recent: Arc<Recent>) -> Self {
        connection.set_prepared_statement_cache_capacity(32);
        let (heads, written) = (Heads::default(), Vec::new());
        Self { connection, heads, version: i64::MIN, recent, written }
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
        let truncated = bounds::advance(&self.connection, stream, before);
        self.recent.clear();
        truncated
    }

    /// Writes all of them in one transaction; the answers are true once this has returned.
    pub(super) fn commit<'a>(
        &mut self,
        appends: impl Iterator<Item = &'a Append>,
        answers: &mut Vec<Result<Appended, Failure>>,
    ) -> rusqlite::Result<()> {
        let committed = self.transact(appends, answers);
        if committed.is_ok() {
            self.recent.extend(self.written.drain(..));
        } else {
            self.written.clear();
            self.heads.clear();
            answers.clear();
            if !self.connection.is_autocommit() {
                // Where even this fails the next BEGIN says so.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
        }
        committed
    }

    fn transact<'a>(
        &mut self,
        appends: impl Iterator<Item = &'a Append>,
        answers: &mut Vec<Result<Appended, Failure>>,
    ) -> rusqlite::Result<()> {
        let Self { connection, heads, version, written, .. } = self;
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let now: i64 =
            connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if now != *version {
            heads.clear();
            *version = now;
        }
        let mut insert = connection.prepare_cached(INSERT)?;
        for append in appends {
            answers.push(apply(connection, &mut insert, heads, append, written)?);
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}

/// The outer error ends the transaction, the inner one only this append.
fn apply(
    connection: &Connection,
    insert: &mut CachedStatement<'_>,
    heads: &mut Heads,
    append: &Append,
    written: &mut Vec<Record>,
) -> rusqlite::Result<Result<Appended, Failure>> {
    let stream = &append.stream;
    let head = match heads.get(stream) {
        Some(head) => Some(head),
        None => find(connection, stream)?,
    };
    let current = head.and_then(|head| head.last);
    if Expected::from(current) != append.expected {
        let repeated = match (head, current) {
            (Some(head), Some(last)) => repeated(connection, head.stream, last, append)?,
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
        let position = position(connection.last_insert_rowid());
        written.push(record.clone().placed(position, stream.clone(), revision));
        last = revision;
        revision = revision.next();
    }
    heads.set(stream, Head { stream: id, last: Some(last) });
    let position = position(connection.last_insert_rowid());
    Ok(Ok(Appended { revision: last, position }))
}

fn find(connection: &Connection, stream: &StreamName) -> rusqlite::Result<Option<Head>> {
    let mut find = connection.prepare_cached(FIND)?;
    let row = find.query_row([stream.as_str()], |row| Ok((row.get(0)?, row.get(1)?)));
    let head = row.optional()?;
    Ok(head.map(|(stream, last): (i64, Option<i64>)| Head {
        stream,
        last: last.map(|last| Revision(last.unsigned_abs())),
    }))
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
    stream: i64,
    last: Revision,
    append: &Append,
) -> rusqlite::Result<Option<Appended>> {
    let first = match append.expected {
        Expected::NoStream => Revision::FIRST,
        Expected::Revision(revision) if revision < last => revision.next(),
        Expected::Revision(_) => return Ok(None),
    };
    let mut written = connection.prepare_cached(WRITTEN)?;
    let count = i64::try_from(append.records.len()).unwrap_or(i64::MAX);
    let mut rows = written.query(params![stream, integer(first.0), count])?;
    let mut appended = None;
    for (revision, record) in (first.0..).map(Revision).zip(&append.records) {
        let Some(row) = rows.next()? else { return Ok(None) };
        if row.get_ref(0)?.as_blob()? != record.id.0.as_bytes() {
            return Ok(None);
        }
        appended = Some(Appended { revision, position: position(row.get(1)?) });
    }
    Ok(appended)
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
