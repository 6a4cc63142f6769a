//! Opens the log that the settings name, in the way a command needs it.

use std::sync::Arc;

use anyhow::anyhow;

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
