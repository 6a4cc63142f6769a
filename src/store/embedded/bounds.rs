//! Truncation: the bound moves in one step for every reader, the rows before it go a few at a time.

use events::store::Bound;
use events::{Failure, Hash, Revision, StreamName};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::commit::integer;
use super::places::{self, Places};

/// As many rows as are deleted at once: who appends meanwhile waits no longer for them than for a
/// group of appends.
const CLEARED_AT_ONCE: usize = 512;

const OF: &str = "SELECT first, previous FROM bounds
    WHERE stream = (SELECT id FROM streams WHERE name = ?1)";
const HASH: &str = "SELECT hash FROM events WHERE position = ?1";
const MOVE: &str = "INSERT INTO bounds (stream, first, previous, cleared) VALUES (?1, ?2, ?3, 0)
    ON CONFLICT (stream) DO UPDATE SET first = ?2, previous = ?3";
const NEXT: &str = "SELECT stream, first, cleared FROM bounds WHERE cleared < first LIMIT 1";
const DELETE: &str = "DELETE FROM events WHERE position = ?1";
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
    places: &Places,
    stream: &StreamName,
    before: Revision,
) -> rusqlite::Result<Result<(), Failure>> {
    let Some(id) = places::stream(connection, stream.as_str())? else { return Ok(Ok(())) };
    let Some(last) = places.last(connection, id)? else { return Ok(Ok(())) };
    let first = integer(before.0).min(last);
    let known = of(connection, stream)?.map_or(0, |bound| integer(bound.first.0));
    if first <= known {
        return Ok(Ok(()));
    }
    let place = places.upwards(connection, id, first - 1, 1)?;
    let mut hash = connection.prepare_cached(HASH)?;
    let previous = match place[..] {
        [(revision, position)] if revision == first - 1 => {
            hash.query_row([position], |row| row.get(0)).optional()?
        }
        _ => None,
    };
    let Some(previous): Option<[u8; 32]> = previous else {
        let reason = format!("{stream} has no revision {}", first - 1);
        return Ok(Err(Failure::Corrupt { position: None, reason }));
    };
    connection.prepare_cached(MOVE)?.execute(params![id, first, &previous[..]])?;
    Ok(Ok(()))
}

/// Deletes a few rows; whether there are more.
pub(super) fn clear(connection: &Connection, places: &Places) -> rusqlite::Result<bool> {
    let next = connection
        .prepare_cached(NEXT)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((stream, first, cleared)): Option<(i64, i64, i64)> = next else { return Ok(false) };
    let end = first.min(cleared + CLEARED_AT_ONCE as i64);
    // Whoever has read in a transaction may not write in it behind somebody else.
    let rows = places.upwards(connection, stream, cleared, CLEARED_AT_ONCE)?;
    let transaction = connection.unchecked_transaction()?;
    let mut delete = transaction.prepare_cached(DELETE)?;
    for (revision, position) in rows {
        if revision < end {
            delete.execute([position])?;
        }
    }
    drop(delete);
    Places::remove(&transaction, stream, cleared, end)?;
    transaction.prepare_cached(CLEARED)?.execute(params![stream, end])?;
    transaction.commit()?;
    places.forget(stream, cleared, end);
    is_clearing(connection)
}
