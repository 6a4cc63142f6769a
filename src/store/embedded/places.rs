//! Where each revision of a stream stands in the log.
//!
//! The table `places` is written behind the commits, in the order of streams and a few rows at a
//! time: an index kept with every commit would touch a page of its own for nearly each record, and
//! cost more than the records do. What the table has not got yet is kept in memory, and read from
//! the end of the log where another process wrote it, or this one before it was killed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::schema;

/// Records that wait in memory before they are put in order: so many share each page that is
/// written then. A log that was not closed is opened by reading about twice as many. Tests come
/// to the table sooner.
const GENERATION: usize = if cfg!(test) { 16 } else { 1 << 15 };

/// As many rows as are written at once when there is nothing else to do.
const SETTLED_AT_ONCE: usize = 4096;

const LAST: &str = "SELECT max(revision) FROM places WHERE stream = ?1";
const UPWARDS: &str = "SELECT revision, position FROM places
    WHERE stream = ?1 AND revision >= ?2 ORDER BY revision LIMIT ?3";
const DOWNWARDS: &str = "SELECT revision, position FROM places
    WHERE stream = ?1 AND revision < ?2 AND revision >= ?4 ORDER BY revision DESC LIMIT ?3";
const THROUGH: &str = "SELECT position FROM places_through";
const HEAD: &str = "SELECT coalesce(max(position), 0) FROM events";
const UNPLACED: &str = "SELECT stream, revision, position FROM events WHERE position > ?1";
/// A process that was killed may have written it before.
const PLACE: &str = "INSERT OR IGNORE INTO places (stream, revision, position) VALUES (?1, ?2, ?3)";
/// Another process may have come further.
const ADVANCE: &str = "UPDATE places_through SET position = max(position, ?1)";
const REMOVE: &str = "DELETE FROM places WHERE stream = ?1 AND revision >= ?2 AND revision < ?3";
/// Rows of the table that lead to no record, or to another one.
const ASTRAY: &str = "SELECT count(*) FROM places LEFT JOIN events USING (position)
    WHERE events.stream IS NOT places.stream OR events.revision IS NOT places.revision";
/// How many records the table should have and has.
const COUNTS: &str = "SELECT
    (SELECT count(*) FROM events WHERE position <= (SELECT position FROM places_through)),
    (SELECT count(*) FROM places WHERE position <= (SELECT position FROM places_through))";

/// A record by its stream's number and its revision.
pub(super) type Key = (i64, i64);

/// The table and what it has not got yet.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<Tail>);

/// Positions of the end of the log, by the record's key.
#[derive(Debug, Default)]
struct Tail {
    /// The table has every record up to here.
    through: i64,
    /// Up to `closed`: what goes into the table now.
    closing: BTreeMap<Key, i64>,
    closed: i64,
    /// Behind `closed`, up to `known`.
    open: BTreeMap<Key, i64>,
    known: i64,
}

impl Places {
    /// Brings the table of a log up to where memory can take over.
    pub(super) fn catch_up(connection: &mut Connection) -> rusqlite::Result<()> {
        let through: i64 = number(connection, THROUGH)?;
        let head = number(connection, HEAD)?;
        if head - through <= 4 * GENERATION as i64 {
            return Ok(());
        }
        tracing::info!("the places of {} records are being written", head - through);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        schema::fill(&transaction, through)?;
        transaction.commit()
    }

    /// Takes note of what others have written since.
    pub(super) fn look(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut tail = self.tail();
        if number(connection, HEAD)? <= tail.known {
            return Ok(());
        }
        let through = number(connection, THROUGH)?;
        tail.is_through(through);
        let mut unplaced = connection.prepare_cached(UNPLACED)?;
        let mut rows = unplaced.query([tail.known.max(through)])?;
        while let Some(row) = rows.next()? {
            tail.add((row.get(0)?, row.get(1)?), row.get(2)?);
        }
        Ok(())
    }

    /// The last revision of a stream.
    pub(super) fn last(
        &self,
        connection: &Connection,
        stream: i64,
    ) -> rusqlite::Result<Option<i64>> {
        if let Some(last) = self.tail().within(stream, 0, i64::MAX).next_back() {
            return Ok(Some(last.0));
        }
        connection.prepare_cached(LAST)?.query_row([stream], |row| row.get(0))
    }

    /// Revisions from one on, with their positions.
    pub(super) fn upwards(
        &self,
        connection: &Connection,
        stream: i64,
        from: i64,
        limit: usize,
    ) -> rusqlite::Result<Vec<(i64, i64)>> {
        // Memory first: what leaves it meanwhile is in the table by then.
        let tail: Vec<_> = self.tail().within(stream, from, i64::MAX).take(limit).collect();
        let mut select = connection.prepare_cached(UPWARDS)?;
        let rows = select.query_map(params![stream, from, limit as i64], pair)?;
        let mut found = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let next = found.last().map_or(from, |(revision, _)| revision + 1);
        found.extend(tail.into_iter().filter(|(revision, _)| *revision >= next));
        found.truncate(limit);
        Ok(found)
    }

    /// Revisions below one and not below another, the highest first, with their positions.
    pub(super) fn downwards(
        &self,
        connection: &Connection,
        stream: i64,
        below: i64,
        floor: i64,
        limit: usize,
    ) -> rusqlite::Result<Vec<(i64, i64)>> {
        let tail = self.tail();
        let mut found: Vec<_> = tail.within(stream, floor, below).rev().take(limit).collect();
        drop(tail);
        let below = found.last().map_or(below, |(revision, _)| *revision);
        let mut select = connection.prepare_cached(DOWNWARDS)?;
        let rest = (limit - found.len()) as i64;
        for row in select.query_map(params![stream, below, rest, floor], pair)? {
            found.push(row?);
        }
        Ok(found)
    }

    /// Writes a few rows into the table, in the transaction under way; up to which key.
    pub(super) fn sweep(
        &self,
        connection: &Connection,
        count: usize,
    ) -> rusqlite::Result<Option<Key>> {
        let tail = self.tail();
        let next: Vec<_> = tail.closing.iter().take(count).map(|(key, at)| (*key, *at)).collect();
        let done = (next.len() == tail.closing.len()).then_some(tail.closed);
        drop(tail);
        let mut place = connection.prepare_cached(PLACE)?;
        for ((stream, revision), position) in &next {
            place.execute([stream, revision, position])?;
        }
        if let (Some(closed), false) = (done, next.is_empty()) {
            connection.prepare_cached(ADVANCE)?.execute([closed])?;
        }
        Ok(next.last().map(|(key, _)| *key))
    }

    /// The transaction has committed: these were written, and rows up to a key.
    pub(super) fn committed(&self, written: impl Iterator<Item = (Key, i64)>, swept: Option<Key>) {
        let mut tail = self.tail();
        for (key, position) in written {
            tail.add(key, position);
        }
        if let Some(swept) = swept {
            tail.has_swept(swept);
        }
        if tail.closing.is_empty() && tail.open.len() >= GENERATION {
            tail.close();
        }
    }

    /// Writes all that waits into the table, in transactions of its own.
    pub(super) fn settle(&self, connection: &Connection) -> rusqlite::Result<()> {
        loop {
            let mut tail = self.tail();
            if tail.closing.is_empty() {
                tail.close();
            }
            if tail.closing.is_empty() {
                return Ok(());
            }
            drop(tail);
            let transaction = connection.unchecked_transaction()?;
            let swept = self.sweep(&transaction, SETTLED_AT_ONCE)?;
            transaction.commit()?;
            self.committed(std::iter::empty(), swept);
        }
    }

    /// Removes revisions of a stream from the table, in the transaction under way. They are to be
    /// [forgotten](Self::forget) when it has committed.
    pub(super) fn remove(
        connection: &Connection,
        stream: i64,
        from: i64,
        below: i64,
    ) -> rusqlite::Result<()> {
        connection.prepare_cached(REMOVE)?.execute([stream, from, below]).map(drop)
    }

    /// Forgets revisions that were removed from the log.
    pub(super) fn forget(&self, stream: i64, from: i64, below: i64) {
        let mut tail = self.tail();
        let gone: Vec<_> = tail.within(stream, from, below).collect();
        for (revision, _) in gone {
            tail.closing.remove(&(stream, revision));
            tail.open.remove(&(stream, revision));
        }
    }

    /// What is wrong with the table, a line each.
    pub(super) fn check(connection: &Connection) -> rusqlite::Result<Vec<String>> {
        let mut found = vec![];
        let astray = number(connection, ASTRAY)?;
        if astray > 0 {
            found.push(format!("{astray} rows of places lead to no record or to another one"));
        }
        let (records, places): (i64, i64) =
            connection.query_row(COUNTS, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if records != places {
            found.push(format!("places has {places} rows for {records} records"));
        }
        Ok(found)
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tail {
    fn add(&mut self, key: Key, position: i64) {
        self.open.insert(key, position);
        self.known = self.known.max(position);
    }

    /// Revisions of a stream with their positions, in order.
    fn within(
        &self,
        stream: i64,
        from: i64,
        below: i64,
    ) -> impl DoubleEndedIterator<Item = (i64, i64)> {
        let keys = (stream, from)..(stream, below.max(from));
        let parts = self.closing.range(keys.clone()).chain(self.open.range(keys));
        parts.map(|((_, revision), position)| (*revision, *position))
    }

    fn close(&mut self) {
        self.closing = std::mem::take(&mut self.open);
        self.closed = self.known;
    }

    fn has_swept(&mut self, key: Key) {
        while self.closing.first_key_value().is_some_and(|(first, _)| *first <= key) {
            self.closing.pop_first();
        }
        if self.closing.is_empty() {
            self.through = self.through.max(self.closed);
        }
    }

    /// The table has more than this process wrote into it.
    fn is_through(&mut self, through: i64) {
        if through > self.through {
            self.closing.retain(|_, position| *position > through);
            self.open.retain(|_, position| *position > through);
            self.through = through;
            self.known = self.known.max(through);
        }
    }
}

/// The number of a stream, if it has one.
pub(super) fn stream(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    let mut find = connection.prepare_cached("SELECT id FROM streams WHERE name = ?1")?;
    find.query_row([name], |row| row.get(0)).optional()
}

fn number(connection: &Connection, sql: &str) -> rusqlite::Result<i64> {
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

fn pair(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, i64)> {
    Ok((row.get(0)?, row.get(1)?))
}

#[cfg(test)]
mod tests;
