//! Rows into records: one block of bytes for a whole page, and no names or kinds of their own.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use events::store::PAGE_BYTES_MAX;
use events::{EventId, Hash, Position, Record, Revision, StreamName, Timestamp, codec};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, Rows};
use uuid::Uuid;

/// Names remembered, about 100 MB when full; then all are forgotten.
const NAMES_MAX: usize = 1 << 20;

/// The columns of a page, in the order that [`Page::push`] reads them in.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT position, stream, revision, type, version, id, recorded_at, hash, metadata, ",
            "data FROM events ",
            $rest
        )
    };
}
pub(super) use select;

const ONE: &str = select!("WHERE position = ?1 AND stream = ?2 AND revision = ?3");

/// Why a row is no record.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Engine(#[from] rusqlite::Error),
    #[error("{0} is not what Relink writes")]
    Column(&'static str),
    #[error("stream {0} has no name")]
    Nameless(i64),
    #[error("the record at position {0} is not the one that is looked for there")]
    Missing(i64),
}

/// A record whose bytes stand in the page's block, up to where each part ends.
struct Raw {
    position: Position,
    stream: i64,
    revision: Revision,
    kind: Cow<'static, str>,
    version: u16,
    id: EventId,
    at: Timestamp,
    hash: Hash,
    metadata_end: usize,
    data_end: usize,
}

/// Rows that have been read.
pub(super) struct Page {
    rows: Vec<Raw>,
    block: Vec<u8>,
}

impl Page {
    /// Reads rows until there are no more or the page is full.
    ///
    /// The second value is the position of the last good row before a fault.
    pub(super) fn read(
        rows: &mut Rows<'_>,
        limit: usize,
        block: usize,
    ) -> Result<Self, (Fault, Option<Position>)> {
        let (rows_max, block) = (limit.min(256), Vec::with_capacity(block));
        let mut page = Self { rows: Vec::with_capacity(rows_max), block };
        while page.has_room() {
            match page.take(rows) {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => return Err(page.stopped(fault)),
            }
        }
        Ok(page)
    }

    /// Reads records of one stream, each by its revision and position, until the page is full.
    pub(super) fn of_stream(
        connection: &Connection,
        stream: i64,
        places: &[(i64, i64)],
    ) -> Result<Self, (Fault, Option<Position>)> {
        let mut page = Self { rows: Vec::with_capacity(places.len()), block: vec![] };
        let mut one = connection.prepare_cached(ONE).map_err(|error| (error.into(), None))?;
        for (revision, position) in places {
            let rows = one.query([position, &stream, revision]).map_err(Fault::from);
            match rows.and_then(|mut rows| page.take(&mut rows)) {
                Ok(true) => {}
                Ok(false) => return Err(page.stopped(Fault::Missing(*position))),
                Err(fault) => return Err(page.stopped(fault)),
            }
            if !page.has_room() {
                break;
            }
        }
        Ok(page)
    }

    fn has_room(&self) -> bool {
        self.block.len() < PAGE_BYTES_MAX
    }

    /// The next row, if there is one.
    fn take(&mut self, rows: &mut Rows<'_>) -> Result<bool, Fault> {
        match rows.next()? {
            Some(row) => self.push(row).map(|()| true),
            None => Ok(false),
        }
    }

    fn stopped(&self, fault: Fault) -> (Fault, Option<Position>) {
        (fault, self.rows.last().map(|last| last.position))
    }

    fn push(&mut self, row: &Row<'_>) -> Result<(), Fault> {
        let position = Position(unsigned(row, 0, "position")?);
        let stream = integer(row, 1, "stream")?;
        let revision = Revision(unsigned(row, 2, "revision")?);
        let kind = text(row, 3, "type")?;
        let kind = codec::known(kind).map_or_else(|| kind.to_owned().into(), Cow::Borrowed);
        let version = unsigned(row, 4, "version")?;
        let version = u16::try_from(version).map_err(|_| Fault::Column("version"))?;
        let id = bytes(row, 5, "id")?.try_into().map_err(|_| Fault::Column("id"))?;
        let id = EventId(Uuid::from_bytes(id));
        let at = Timestamp::from_micros(integer(row, 6, "recorded_at")?);
        let hash = Hash(bytes(row, 7, "hash")?.try_into().map_err(|_| Fault::Column("hash"))?);
        self.block.extend_from_slice(bytes(row, 8, "metadata")?);
        let metadata_end = self.block.len();
        self.block.extend_from_slice(bytes(row, 9, "data")?);
        let data_end = self.block.len();
        self.rows.push(Raw {
            position,
            stream,
            revision,
            kind,
            version,
            id,
            at,
            hash,
            metadata_end,
            data_end,
        });
        Ok(())
    }

    /// How many bytes the block has: a good guess for the next page.
    pub(super) fn bytes(&self) -> usize {
        self.block.len()
    }

    /// The records, with the name that `named` finds for each stream's number.
    pub(super) fn records(
        self,
        mut named: impl FnMut(i64) -> Result<StreamName, Fault>,
    ) -> Result<Vec<Record>, (Fault, Option<Position>)> {
        let block = Bytes::from(self.block);
        let mut records: Vec<Record> = Vec::with_capacity(self.rows.len());
        let mut start = 0;
        for raw in self.rows {
            let stream = named(raw.stream)
                .map_err(|fault| (fault, records.last().map(|last| last.position)))?;
            let Raw { position, revision, id, kind, version, at, hash, .. } = raw;
            let metadata = block.slice(start..raw.metadata_end);
            let data = block.slice(raw.metadata_end..raw.data_end);
            start = raw.data_end;
            records.push(Record {
                position,
                stream,
                revision,
                id,
                kind,
                version,
                at,
                metadata,
                data,
                hash,
            });
        }
        Ok(records)
    }
}

/// Names by the stream's number, shared by all readers.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<i64, StreamName>);

impl Names {
    pub(super) fn get(
        &mut self,
        connection: &Connection,
        stream: i64,
    ) -> Result<StreamName, Fault> {
        if let Some(name) = self.0.get(&stream) {
            return Ok(name.clone());
        }
        let mut find = connection.prepare_cached("SELECT name FROM streams WHERE id = ?1")?;
        let name = find.query_row([stream], |row| row.get::<_, String>(0)).optional()?;
        let name = StreamName::from_log(&name.ok_or(Fault::Nameless(stream))?);
        if self.0.len() >= NAMES_MAX {
            self.0.clear();
        }
        self.0.insert(stream, name.clone());
        Ok(name)
    }
}

fn integer(row: &Row<'_>, column: usize, name: &'static str) -> Result<i64, Fault> {
    row.get_ref(column)?.as_i64().map_err(|_| Fault::Column(name))
}

fn unsigned(row: &Row<'_>, column: usize, name: &'static str) -> Result<u64, Fault> {
    u64::try_from(integer(row, column, name)?).map_err(|_| Fault::Column(name))
}

fn text<'a>(row: &'a Row<'_>, column: usize, name: &'static str) -> Result<&'a str, Fault> {
    row.get_ref(column)?.as_str().map_err(|_| Fault::Column(name))
}

/// Text as bytes too: a text is what the writer was given, byte for byte.
fn bytes<'a>(row: &'a Row<'_>, column: usize, name: &'static str) -> Result<&'a [u8], Fault> {
    match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(bytes),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => Err(Fault::Column(name)),
    }
}
