//! Opens the log that the settings name, in the way a command needs it.

use std::sync::Arc;

use actors::installation::Installation;
use anyhow::anyhow;
use events::store::{PAGE_MAX, Slice};
use events::{EventStore, Failure, Fold, Revision, StreamName};

use super::Stop;
use crate::config::{Settings, StoreSetting};
use crate::store::embedded::{Embedded, OpenError, Options};

/// What the command does with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// Serves from it: nobody else may.
    Serving,
    /// Appends a little, also beside a process that serves.
    Appending,
    /// Reads, also beside a process that serves.
    Reading,
}

pub(super) fn log(settings: &Settings, purpose: For) -> Result<Arc<Embedded>, Stop> {
    match &settings.store {
        StoreSetting::Embedded => {}
        StoreSetting::EventStoreDb(_) => {
            return Err(Stop::Usage(anyhow!(
                "RELINK_STORE: this build has no EventStoreDB adapter yet; use embedded"
            )));
        }
    }
    let opened = match purpose {
        For::Serving => Embedded::serve(&settings.data, Options::default()),
        For::Appending => Embedded::attach(&settings.data),
        For::Reading => Embedded::read_only(&settings.data),
    };
    opened.map(Arc::new).map_err(|error| {
        let damaged = matches!(error, OpenError::Damaged { .. } | OpenError::Foreign { .. });
        if damaged && purpose == For::Reading {
            Stop::Wrong(error.into())
        } else {
            Stop::NoLog(error.into())
        }
    })
}

/// What the log says of the installation.
pub(super) async fn installation(log: &dyn EventStore) -> Result<Installation, Failure> {
    let stream = StreamName::installation();
    let mut installation = Installation::default();
    let mut from = Revision::FIRST;
    loop {
        let page = log.read_stream(&stream, Slice::From(from), PAGE_MAX).await?;
        let Some(last) = page.last() else { return Ok(installation) };
        from = last.revision.next();
        for record in page {
            let position = Some(record.position);
            let recorded = record
                .decode()
                .map_err(|error| Failure::Corrupt { position, reason: error.to_string() })?;
            if let events::Event::Installation(event) = recorded.event {
                installation.evolve(&event);
            }
        }
    }
}
