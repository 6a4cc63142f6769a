//! Opens the log that the settings name, in the way a command needs it.

mod lost;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actors::installation::Installation;
use actors::nodes::Share;
use actors::ports::Roster;
use actors::registry::{Halted, Limits, Registry, World};
use anyhow::anyhow;
use events::store::{PAGE_MAX, Slice};
use events::{Event, EventStore, Failure, Fold, Recorded, Revision, StreamName, installation};

use super::Stop;
use crate::clock::SystemClock;
use crate::config::{Settings, StoreSetting};
use crate::node::Identity;
use crate::snapshots::SnapshotFolder;
use crate::store::embedded::{Embedded, OpenError, Options};
use crate::store::eventstoredb::{EventStoreDb, EventStoreDbSettings};
use crate::verify::Positions;

/// What the command does with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// Serves from it: nobody else may.
    Serving,
    /// Works on it: nobody else may, and nobody is served meanwhile.
    Working,
    /// Appends a little, also beside a process that serves.
    Appending,
    /// Reads, also beside a process that serves.
    Reading,
}

/// A log, and what only its engine can do.
pub(super) enum Log {
    /// A folder of this machine.
    Embedded(Arc<Embedded>),
    /// A cluster; it is reached with the first call, not before.
    EventStoreDb(Arc<EventStoreDb>),
}

impl Log {
    /// The log as the port that all engines have.
    pub(super) fn store(&self) -> Arc<dyn EventStore> {
        match self {
            Self::Embedded(log) => log.clone(),
            Self::EventStoreDb(log) => log.clone(),
        }
    }

    /// Where nodes hear of each other; none where only one can serve.
    pub(super) fn roster(&self) -> Option<Arc<dyn Roster>> {
        match self {
            Self::Embedded(_) => None,
            Self::EventStoreDb(log) => Some(log.clone()),
        }
    }

    /// What the engine promises about positions.
    pub(super) fn positions(&self) -> Positions {
        if self.is_dense() { Positions::Dense } else { Positions::Growing }
    }

    /// Where it is, for people.
    pub(super) fn place(&self, settings: &Settings) -> String {
        match self {
            Self::Embedded(_) => settings.data.display().to_string(),
            Self::EventStoreDb(log) => log.place(),
        }
    }

    /// What positions count, for people.
    pub(super) fn unit(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "records",
            Self::EventStoreDb(_) => "bytes of the cluster's log",
        }
    }

    /// What the engine finds wrong with its own files, a line each.
    ///
    /// # Errors
    /// When they cannot be read just now.
    pub(super) async fn integrity(&self) -> Result<Vec<String>, Failure> {
        match self {
            Self::Embedded(log) => log.integrity().await,
            // A cluster checks its own chunks.
            Self::EventStoreDb(_) => Ok(Vec::new()),
        }
    }

    /// Tells a second `serve` on the same folder where this one listens.
    ///
    /// # Errors
    /// When the lock's file cannot be written.
    pub(super) fn announce(&self, url: &str) -> std::io::Result<()> {
        match self {
            Self::Embedded(log) => log.announce(url),
            Self::EventStoreDb(_) => Ok(()),
        }
    }

    /// Writes what waits. Appends may fail from now on.
    pub(super) async fn close(&self) {
        match self {
            Self::Embedded(log) => log.close().await,
            Self::EventStoreDb(_) => {}
        }
    }
}

impl Deref for Log {
    type Target = dyn EventStore;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Embedded(log) => &**log,
            Self::EventStoreDb(log) => &**log,
        }
    }
}

pub(super) async fn log(settings: &Settings, purpose: For) -> Result<Log, Stop> {
    match &settings.store {
        StoreSetting::Embedded => embedded(&settings.data, purpose),
        StoreSetting::EventStoreDb(text) => {
            let log = eventstoredb(text.expose(), purpose).await?;
            if matches!(purpose, For::Serving | For::Working) {
                lost::check_server(&log, &beside(settings)).await?;
            }
            Ok(Log::EventStoreDb(log))
        }
    }
}

/// A log to append to, and whether it is begun by that.
pub(super) async fn appending(settings: &Settings) -> Result<(Log, bool), Stop> {
    let is_embedded = matches!(settings.store, StoreSetting::Embedded);
    let is_no_folder = is_embedded && embedded(&settings.data, For::Reading).is_err();
    let log = log(settings, For::Appending).await?;
    let begins = match &log {
        Log::Embedded(_) => is_no_folder,
        Log::EventStoreDb(log) => !log.is_begun().await?,
    };
    Ok((log, begins))
}

/// Whoever reads is told where nothing was ever written, as with a mistyped namespace. Else the
/// server is reached with the first call, not before.
pub(super) async fn eventstoredb(text: &str, purpose: For) -> Result<Arc<EventStoreDb>, Stop> {
    let settings = EventStoreDbSettings::parse(text).map_err(|error| Stop::Usage(error.into()))?;
    let log = EventStoreDb::new(settings);
    let log = match purpose {
        // Whoever asks a service is told in time that the log cannot answer yet.
        For::Serving => log,
        For::Working | For::Appending | For::Reading => log.patient(),
    };
    if purpose == For::Reading && !log.is_begun().await? {
        let place = log.place();
        return Err(Stop::NoLog(anyhow!("there is no log in {place}; `relink serve` begins it")));
    }
    Ok(Arc::new(log))
}

pub(super) fn embedded(folder: &Path, purpose: For) -> Result<Log, Stop> {
    lost::check(folder, purpose).map_err(|lost| Stop::NoLog(lost.into()))?;
    let opened = match purpose {
        For::Serving | For::Working => Embedded::serve(folder, Options::default()),
        For::Appending => Embedded::attach(folder),
        For::Reading => Embedded::read_only(folder),
    };
    opened.map(|log| Log::Embedded(Arc::new(log))).map_err(|error| {
        if matches!(error, OpenError::Damaged { .. } | OpenError::Foreign { .. }) {
            Stop::Wrong(error.into())
        } else {
            Stop::NoLog(error.into())
        }
    })
}

/// What the log says of the installation.
pub(super) async fn installation(log: &dyn EventStore) -> Result<Installation, Failure> {
    let mut installation = Installation::default();
    each_of_installation(log, |_, event| installation.evolve(event)).await?;
    Ok(installation)
}

/// Everything that has happened to the installation, the oldest first.
pub(super) async fn each_of_installation(
    log: &dyn EventStore,
    mut each: impl FnMut(&Recorded<Event>, &installation::Event),
) -> Result<(), Failure> {
    let stream = StreamName::installation();
    let mut from = Revision::FIRST;
    loop {
        let page = log.read_stream(&stream, Slice::From(from), PAGE_MAX).await?;
        let Some(last) = page.last() else { return Ok(()) };
        from = last.revision.next();
        for record in page {
            let position = Some(record.position);
            let recorded = record
                .decode()
                .map_err(|error| Failure::Corrupt { position, reason: error.to_string() })?;
            if let Event::Installation(event) = &recorded.event {
                each(&recorded, event);
            }
        }
    }
}

/// Who decides for the installation, beside a process that serves.
pub(super) fn decider(log: &Log) -> Registry<Installation> {
    Registry::new(World {
        store: log.store(),
        clock: Arc::new(SystemClock),
        snapshots: None,
        limits: Limits::default(),
        halted: Halted::default(),
        share: Share::default(),
    })
}

/// Where the views of this log are kept; those of another log are never looked at.
pub(super) fn snapshots(settings: &Settings) -> SnapshotFolder {
    match settings.store {
        StoreSetting::Embedded => SnapshotFolder::of_data(&settings.data),
        StoreSetting::EventStoreDb(_) => SnapshotFolder::of_data(&beside(settings)),
    }
}

/// Which node of this log the process is.
pub(super) fn identity(settings: &Settings) -> Identity {
    let name = settings.node.as_deref();
    match settings.store {
        StoreSetting::Embedded => Identity::passing(name),
        StoreSetting::EventStoreDb(_) => Identity::kept(&beside(settings), name),
    }
}

/// The part of the data folder that is of a log elsewhere.
fn beside(settings: &Settings) -> PathBuf {
    settings.data.join("eventstoredb")
}
