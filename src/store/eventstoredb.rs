//! The log on EventStoreDB, which is KurrentDB since 2025: one cluster, shared by several machines.
//!
//! The vendor's client has defects on paths that we need. None is trusted with a promise of ours:
//! docs/adr/0007-eventstoredb.md says how each is contained.

mod append;
mod begin;
mod connection;
mod failure;
mod fill;
mod growth;
mod lanes;
mod limits;
mod log;
mod names;
mod read;
mod record;
mod roster;
mod settings;
mod size;
mod tail;
mod wait;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use events::store::{Bound, Proposed, Slice};
use events::{Appended, EventStore, Expected, Failure, Position, Record, Revision, StreamName};
use futures_core::future::BoxFuture;
use tokio::time::Instant;

use begin::Begin;
use connection::Connection;
use growth::Growth;
use names::Names;
use size::SizeLimit;
use tail::Tail;
use walk::Walk;

pub use limits::StreamLimits;
pub use settings::{EventStoreDbSettings, SettingsError};

/// As long as an append may take, with every repetition of it: then it is [`Failure::Unavailable`],
/// which is a 503.
const APPEND_WITHIN: Duration = Duration::from_secs(5);

/// As long as the server may take for one try of an append. It gives up itself after two seconds.
const TRY_WITHIN: Duration = Duration::from_millis(2500);

/// As long as a reader may be left without anything, with connecting and both tries: then it is
/// [`Failure::Unavailable`], which is a 503.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// As long as a reader may be left without the next record in one try.
const NEXT_WITHIN: Duration = Duration::from_millis(2500);

/// A log on EventStoreDB. It is cheap to open: the first call connects.
pub struct EventStoreDb {
    connection: Connection,
    names: Names,
    begin: Begin,
    growth: Growth,
    tail: Tail,
    walk: Walk,
    size: Arc<SizeLimit>,
    /// Whether whoever reads waits for a server that has much of others to look at.
    is_patient: bool,
}

impl EventStoreDb {
    /// The log that the settings name. Must be used within a runtime.
    pub fn new(settings: EventStoreDbSettings) -> Self {
        let EventStoreDbSettings { client, namespace, append_size } = settings;
        let size = Arc::new(SizeLimit::new(append_size));
        Self {
            connection: Connection::new(client, size.clone()),
            names: Names::new(namespace.as_deref()),
            begin: Begin::default(),
            growth: Growth::default(),
            tail: Tail::default(),
            walk: Walk::default(),
            size,
            is_patient: false,
        }
    }

    /// Which log of the server it is, for people.
    pub fn place(&self) -> String {
        self.names.namespace().map_or_else(
            || "that EventStoreDB outside of a namespace".to_owned(),
            |namespace| format!("the namespace {namespace} of that EventStoreDB"),
        )
    }

    /// Waits while the server looks for records of this log among millions of others', for as long
    /// as it answers another question. Else only those wait who follow the log, and who asks where
    /// it ends while nothing of it is known; all others are told after some seconds that it is not
    /// available.
    #[must_use]
    pub fn patient(self) -> Self {
        Self { is_patient: true, ..self }
    }
}

impl EventStore for EventStoreDb {
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Expected,
        records: Vec<Proposed>,
    ) -> BoxFuture<'a, Result<Appended, Failure>> {
        Box::pin(async move {
            self.check_size(&records).await?;
            let deadline = Instant::now() + APPEND_WITHIN;
            self.begin_log(expected, deadline).await?;
            let appended = self.write(stream, expected, &records, deadline).await?;
            self.growth.know(appended.position);
            Ok(appended)
        })
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        slice: Slice,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, Failure>> {
        Box::pin(self.stream_page(stream, slice, limit))
    }

    fn read_all(
        &self,
        behind: Position,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Record>, Failure>> {
        Box::pin(self.log_page(behind, limit))
    }

    fn follow(&self, behind: Position) -> BoxFuture<'_, Result<Vec<Record>, Failure>> {
        Box::pin(self.next_page(behind))
    }

    fn record_at(&self, position: Position) -> BoxFuture<'_, Result<Option<Record>, Failure>> {
        Box::pin(self.record_of_log(position))
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Failure>> {
        Box::pin(self.last_position())
    }

    fn truncate<'a>(
        &'a self,
        stream: &'a StreamName,
        before: Revision,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(self.truncate_stream(stream, before))
    }

    fn bound<'a>(
        &'a self,
        stream: &'a StreamName,
    ) -> BoxFuture<'a, Result<Option<Bound>, Failure>> {
        Box::pin(self.bound_of(stream))
    }

    fn append_bytes_max(&self) -> usize {
        self.size.limit()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn grown(&self, behind: Position) -> BoxFuture<'_, ()> {
        Box::pin(self.wait_for_growth(behind))
    }
}
