//! Copies a whole log into another engine, in its order.
//!
//! The order is kept over all streams, because who was subscribed is asked as of an event's place
//! in it. Positions are the engine's own, so the one fact that holds positions, how far the
//! fan-out has come, is written with the target's; the chain of that stream is made anew.
//!
//! Where a stream of the log that is read was truncated, the target gets as many records that say
//! so, and is truncated behind them: revisions stay what they were.
//!
//! What the target holds already is compared, record by record, and copying goes on behind it.

mod places;

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;
use events::store::{Bound, Bounds, Draft, PAGE_MAX, Proposed, Tail};
use events::{
    Actor, BrokenChain, Category, Event, EventId, EventStore, Failure, Hash, Link, Metadata,
    Position, Record, Revision, StreamName, Undecodable, codec, delivery, fanout, platform,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use places::Places;

/// Records of one stream that follow each other are appended together: so many at most.
const RUN_MAX: usize = 256;
/// And at most so many bytes, which is what every server takes in one append.
const RUN_BYTES_MAX: usize = 512 << 10;

/// How far copying has come, in positions of the log that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The target has it already.
    Found(Position),
    /// It was written.
    Written(Position),
}

impl Step {
    /// What is being done, for people.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Found(_) => "were there",
            Self::Written(_) => "copied",
        }
    }

    /// Up to where.
    pub fn position(self) -> Position {
        match self {
            Self::Found(position) | Self::Written(position) => position,
        }
    }
}

/// What both logs hold now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Records in all.
    pub records: u64,
    /// Those of them that an earlier copy had written.
    pub found: u64,
    /// Over all of their content but positions, in the order of the log.
    pub hash: Hash,
}

/// Why a log was not copied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// One of both cannot be read or written; copying again goes on where it stopped.
    #[error(transparent)]
    Log(#[from] Failure),
    /// The log that is read is broken.
    #[error("the log that is read is bad at position {0}")]
    Broken(Position, #[source] BrokenChain),
    /// The one record that must be understood cannot be.
    #[error("the log that is read is bad at position {0}")]
    Undecodable(Position, #[source] Undecodable),
    /// The target is not an earlier copy.
    #[error(
        "the target holds another record at position {0}: it is no copy of the log that is read"
    )]
    Different(Position),
    /// What was written is not what is read back.
    #[error(
        "the copy does not read as it was written: {there} records with hash {found}, \
         and not {records} with {hash}"
    )]
    Unverified {
        /// Records that were copied.
        records: u64,
        /// What they hash to.
        hash: Hash,
        /// Records that the target holds.
        there: u64,
        /// What those hash to.
        found: Hash,
    },
}

/// Copies, verifies by reading the whole target again, and tells `progress` in between.
///
/// # Errors
/// See [`CopyError`].
pub async fn copy(
    source: &dyn EventStore,
    target: &dyn EventStore,
    mut progress: impl FnMut(Step),
) -> Result<Report, CopyError> {
    let mut from = Reading::of(source);
    let mut copying = Copying::new(source, target);
    let mut content = Content::default();
    let mut there = Reading::of(target);
    while let Some(found) = there.next().await? {
        if copying.bounds.hides(source, &found).await? {
            copying.tails(&found.stream).target = Tail::behind(&found);
            continue;
        }
        let record = from.next().await?.ok_or(CopyError::Different(found.position))?;
        copying.follow(&record).await?;
        if !is_same(&record, &found) {
            return Err(CopyError::Different(found.position));
        }
        content.add(&record);
        progress(Step::Found(record.position));
        copying.found(&record, &found);
    }
    let found = content.records;
    while let Some(run) = from.run().await? {
        for record in &run {
            copying.follow(record).await?;
            content.add(record);
        }
        let last = run.last().map_or(Position::START, |last| last.position);
        copying.write(run).await?;
        progress(Step::Written(last));
    }
    copying.truncate().await?;
    let (records, hash) = (content.records, content.hash());
    verify(target, records, hash).await?;
    Ok(Report { records, found, hash })
}

/// Reads the target once more, by itself: the chain, the number and the content.
async fn verify(target: &dyn EventStore, records: u64, hash: Hash) -> Result<(), CopyError> {
    let (mut reading, mut content) = (Reading::of(target), Content::default());
    let mut tails: HashMap<StreamName, Tail> = HashMap::new();
    while let Some(record) = reading.next().await? {
        if !tails.contains_key(&record.stream) {
            let bound = reading.bounds.of(target, &record.stream).await?;
            let tail = bound.map_or_else(Tail::default, Bound::tail);
            tails.insert(record.stream.clone(), tail);
        }
        let tail = tails.entry(record.stream.clone()).or_default();
        tail.follow(&record).map_err(|error| CopyError::Broken(record.position, error))?;
        content.add(&record);
    }
    let (there, found) = (content.records, content.hash());
    if (there, found) == (records, hash) {
        return Ok(());
    }
    Err(CopyError::Unverified { records, hash, there, found })
}

/// A log from its beginning, page by page, without what was removed.
struct Reading<'a> {
    log: &'a dyn EventStore,
    behind: Position,
    page: VecDeque<Record>,
    bounds: Bounds,
}

impl<'a> Reading<'a> {
    fn of(log: &'a dyn EventStore) -> Self {
        Self { log, behind: Position::START, page: VecDeque::new(), bounds: Bounds::default() }
    }

    async fn fill(&mut self) -> Result<(), Failure> {
        while self.page.is_empty() {
            let page = self.log.read_all(self.behind, PAGE_MAX).await?;
            let Some(last) = page.last() else { return Ok(()) };
            self.behind = last.position;
            for record in page {
                if !self.bounds.hides(self.log, &record).await? {
                    self.page.push_back(record);
                }
            }
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Record>, Failure> {
        self.fill().await?;
        Ok(self.page.pop_front())
    }

    /// The next records that may be appended together; none at the end.
    async fn run(&mut self) -> Result<Option<Vec<Record>>, Failure> {
        let Some(first) = self.next().await? else { return Ok(None) };
        let mut bytes = size(&first);
        let mut run = vec![first];
        while let Some(next) = self.page.front() {
            bytes += size(next);
            if next.stream != run[0].stream || run.len() == RUN_MAX || bytes > RUN_BYTES_MAX {
                break;
            }
            run.extend(self.page.pop_front());
        }
        Ok(Some(run))
    }
}

fn size(record: &Record) -> usize {
    record.metadata.len() + record.data.len()
}

/// The ends of a stream in both logs.
#[derive(Default)]
struct Tails {
    source: Tail,
    target: Tail,
}

struct Copying<'a> {
    source: &'a dyn EventStore,
    target: &'a dyn EventStore,
    tails: HashMap<StreamName, Tails>,
    /// Where streams of the source begin.
    bounds: Bounds,
    truncated: BTreeMap<StreamName, Revision>,
    places: Places,
}

impl<'a> Copying<'a> {
    fn new(source: &'a dyn EventStore, target: &'a dyn EventStore) -> Self {
        let (tails, bounds) = (HashMap::new(), Bounds::default());
        let (truncated, places) = (BTreeMap::new(), Places::default());
        Self { source, target, tails, bounds, truncated, places }
    }
}

impl Copying<'_> {
    fn tails(&mut self, stream: &StreamName) -> &mut Tails {
        self.tails.entry(stream.clone()).or_default()
    }

    /// The record that is read must follow from those before it.
    async fn follow(&mut self, record: &Record) -> Result<(), CopyError> {
        let stream = &record.stream;
        if record.revision > self.tails(stream).source.expected().first()
            && let Some(bound) = self.bounds.anew(self.source, stream).await?
            && bound.first == record.revision
        {
            self.tails(stream).source = bound.tail();
            self.truncated.insert(stream.clone(), bound.first);
        }
        let followed = self.tails(stream).source.follow(record);
        followed.map_err(|error| CopyError::Broken(record.position, error))
    }

    /// Removes from the target what the source had removed.
    async fn truncate(&self) -> Result<(), CopyError> {
        for (stream, first) in &self.truncated {
            self.target.truncate(stream, *first).await?;
        }
        Ok(())
    }

    /// Lets the target's stream reach up to where the source's begins.
    async fn fill_up(&mut self, first: &Record) -> Result<(), CopyError> {
        let stream = &first.stream;
        loop {
            let tail = self.tails(stream).target;
            let from = tail.expected().first();
            let missing = first.revision.0.saturating_sub(from.0);
            if missing == 0 {
                return Ok(());
            }
            let mut draft = Draft::new(stream, tail);
            for revision in (from.0..).take(missing.min(RUN_MAX as u64) as usize) {
                let (cause, actor) = (Uuid::nil(), Actor::COMMAND_LINE);
                let metadata =
                    Metadata { correlation: cause, causation: cause, actor, account: None };
                let id = EventId::caused_by(cause, stream.as_str(), revision as usize);
                draft.add_as(id, &removed(stream), &metadata, first.at);
            }
            let (records, end) = draft.finish();
            self.target.append(stream, tail.expected(), records).await?;
            self.tails(stream).target = end;
        }
    }

    fn found(&mut self, record: &Record, found: &Record) {
        self.tails(&record.stream).target = Tail::behind(found);
        self.places.add(record, Some(found.position));
    }

    async fn write(&mut self, run: Vec<Record>) -> Result<(), CopyError> {
        let Some(first) = run.first() else { return Ok(()) };
        let stream = first.stream.clone();
        self.fill_up(first).await?;
        let before = self.tails(&stream).target;
        let (mut tail, mut proposed) = (before, Vec::with_capacity(run.len()));
        for record in &run {
            let (version, data) = self.payload(record).await?;
            let hash = Link {
                stream: &record.stream,
                revision: record.revision,
                id: record.id,
                kind: &record.kind,
                version,
                at: record.at,
                metadata: &record.metadata,
                data: &data,
            }
            .hash(&tail.hash);
            tail = Tail { revision: Some(record.revision), hash, at: record.at };
            let Record { id, kind, at, metadata, .. } = record.clone();
            proposed.push(Proposed { id, kind, version, at, metadata, data, hash });
        }
        // One at a time: of several under way one that has to be repeated would stand behind those
        // after it, and the order over all streams would be lost for good.
        let appended = self.target.append(&stream, before.expected(), proposed).await?;
        self.tails(&stream).target = tail;
        let last = run.len() - 1;
        for (nth, record) in run.iter().enumerate() {
            let known = nth == last || self.target.is_dense();
            let back = (last - nth) as u64;
            let position = known.then(|| Position(appended.position.0 - back));
            self.places.add(record, position);
        }
        Ok(())
    }

    /// The payload for the target, and the version of its shape.
    async fn payload(&mut self, record: &Record) -> Result<(u16, Bytes), CopyError> {
        let Some(advanced) = advanced(record)? else {
            return Ok((record.version, record.data.clone()));
        };
        let fanout::Advanced { position, behind } = advanced;
        let first = behind.iter().map(|it| before(it.from)).min().unwrap_or(position);
        self.places.forget_before(first.min(position));
        let position = self.places.of(position, self.target).await?;
        let mut moved = Vec::with_capacity(behind.len());
        for fanout::Behind { endpoint, from } in behind {
            let last = self.places.of(before(from), self.target).await?;
            moved.push(fanout::Behind { endpoint, from: Position(last.0 + 1) });
        }
        let event = Event::from(fanout::Event::from(fanout::Advanced { position, behind: moved }));
        let encoded = codec::encode(&event);
        Ok((encoded.version, Bytes::from(encoded.data)))
    }
}

/// What stands in the target for a record that is not there any more.
fn removed(stream: &StreamName) -> Event {
    if stream.category() == Category::Platform.as_str() {
        platform::Event::from(platform::Removed {}).into()
    } else {
        delivery::Event::from(delivery::Removed {}).into()
    }
}

fn before(position: Position) -> Position {
    Position(position.0.saturating_sub(1))
}

/// Whether a record's payload holds positions, in the log that the record is of.
fn has_positions(record: &Record) -> bool {
    record.stream == StreamName::fanout()
}

fn advanced(record: &Record) -> Result<Option<fanout::Advanced>, CopyError> {
    if !has_positions(record) {
        return Ok(None);
    }
    match codec::decode(&record.kind, record.version, &record.data) {
        Ok(Event::Fanout(fanout::Event::Advanced(advanced))) => Ok(Some(advanced)),
        Ok(_) => Ok(None),
        Err(error) => Err(CopyError::Undecodable(record.position, error)),
    }
}

/// Whether one is the other's copy.
fn is_same(one: &Record, other: &Record) -> bool {
    let parts = |it: &Record| (it.id, it.at, it.revision);
    parts(one) == parts(other)
        && one.stream == other.stream
        && one.kind == other.kind
        && one.metadata == other.metadata
        && (has_positions(one) || (one.version, &one.data) == (other.version, &other.data))
}

/// What a log says, but for positions, which differ from engine to engine.
#[derive(Default)]
struct Content {
    records: u64,
    sha: Sha256,
}

impl Content {
    fn add(&mut self, record: &Record) {
        let (version, data) =
            if has_positions(record) { (0, &[][..]) } else { (record.version, &record.data[..]) };
        let link = Link {
            stream: &record.stream,
            revision: record.revision,
            id: record.id,
            kind: &record.kind,
            version,
            at: record.at,
            metadata: &record.metadata,
            data,
        };
        self.sha.update(link.hash(&Hash::ROOT).0);
        self.records += 1;
    }

    fn hash(&self) -> Hash {
        Hash(self.sha.clone().finalize().into())
    }
}

#[cfg(test)]
mod tests;
