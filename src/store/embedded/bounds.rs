//! Truncation: the bound moves in one step for every reader, the rows before it go a few at a time.

use events::store::Bound;
use events::{Failure, Hash, Revision, StreamName};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::commit::integer;

/// As many rows as are deleted at once: who appends meanwhile waits no longer for them than for a
/// group of appends.
const CLEARED_AT_ONCE: i64 = 512;

const OF: &str = "SELECT first, previous FROM bounds
    WHERE stream = (SELECT id FROM streams WHERE name = ?1)";
/// The stream, its last revision, and the hash of the record before the new beginning.
const PREVIOUS: &str = "SELECT stream, revision, hash FROM events
    WHERE stream = (SELECT id FROM streams WHERE name = ?1) AND revision = ?2";
const LAST: &str = "SELECT max(revision) FROM events
    WHERE stream = (SELECT id FROM streams WHERE name = ?1)";
const MOVE: &str = "INSERT INTO bounds (stream, first, previous, cleared) VALUES (?1, ?2, ?3, 0)
    ON CONFLICT (stream) DO UPDATE SET first = ?2, previous = ?3";
const NEXT: &str = "SELECT stream, first, cleared FROM bounds WHERE cleared < first LIMIT 1";
const CLEAR: &str = "DELETE FROM events WHERE stream = ?1 AND revision >= ?2 AND revision < ?3";
const CLEARED: &str = "UPDATE bounds SET cleared = ?2 WHERE stream = ?1";

/// Where a stream begins; none where it is whole.
pub(super) fn of(connection: &Connection, stream: &StreamName) -> rusqlite::Result<Option<Bound>> {
    let mut find = connection.prepare_cached(OF)?;
    let bound = |row: &Row<'_>| {
        let first: i64 = row.get(0)?;
        Ok(Bound { first: Revision(first.unsigned_abs()), previous: Hash(row.get(1)?) })
    };
    find.query_row([stream.as_str()], bound).optional()
}

/// How many records were removed: revisions begin at 0 and have no gap.
pub(super) fn removed(connection: &Connection) -> rusqlite::Result<u64> {
    let sum = "SELECT coalesce(sum(first), 0) FROM bounds";
    let sum: i64 = connection.prepare_cached(sum)?.query_row([], |row| row.get(0))?;
    Ok(sum.unsigned_abs())
}

/// Whether there are rows that nobody shall see any more.
pub(super) fn is_clearing(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached(NEXT)?.exists([])
}

/// Moves the bound of a stream, but not beyond its last record, and never back.
pub(super) fn advance(
    connection: &Connection,
    stream: &StreamName,
    before: Revision,
) -> rusqlite::Result<Result<(), Failure>> {
    let name = stream.as_str();
    let last: Option<i64> = connection.prepare_cached(LAST)?.query_row([name], |row| row.get(0))?;
    let Some(last) = last else { return Ok(Ok(())) };
    let first = integer(before.0).min(last);
    let known = of(connection, stream)?.map_or(0, |bound| integer(bound.first.0));
    if first <= known {
        return Ok(Ok(()));
    }
    let mut previous = connection.prepare_cached(PREVIOUS)?;
    let found = previous
        .query_row(params![name, first - 1], |row| Ok((row.get::<_, i64>(0)?, row.get(2)?)))
        .optional()?;
    let Some((id, hash)): Option<(i64, [u8; 32])> = found else {
        let reason = format!("{stream} has no revision {}", first - 1);
        return Ok(Err(Failure::Corrupt { position: None, reason }));
    };
    connection.prepare_cached(MOVE)?.execute(params![id, first, &hash[..]])?;
    Ok(Ok(()))
}

/// Deletes a few rows; whether there are more.
pub(super) fn clear(connection: &Connection) -> rusqlite::Result<bool> {
    let next = connection
        .prepare_cached(NEXT)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((stream, first, cleared)): Option<(i64, i64, i64)> = next else { return Ok(false) };
    let end = first.min(cleared + CLEARED_AT_ONCE);
    let transaction = connection.unchecked_transaction()?;
    transaction.prepare_cached(CLEAR)?.execute(params![stream, cleared, end])?;
    transaction.prepare_cached(CLEARED)?.execute(params![stream, end])?;
    transaction.commit()?;
    is_clearing(connection)
}
