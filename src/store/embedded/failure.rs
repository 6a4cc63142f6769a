//! What SQLite says, in the words of the port: try later, or stop.

use std::path::{Path, PathBuf};

use events::{Failure, Position};
use rusqlite::ErrorCode;

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder cannot be created, listed or written to.
    #[error("the data folder {} cannot be used", path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// There is nothing to read yet.
    #[error("there is no log at {}; `relink serve` creates it", path.display())]
    NoLog {
        /// Where it would be.
        path: PathBuf,
    },
    /// Another process serves from this folder.
    #[error("the log in {} is held by {holder}", path.display())]
    Held {
        /// The data folder.
        path: PathBuf,
        /// Who holds it: `process 4711, listening on http://127.0.0.1:4000`.
        holder: String,
    },
    /// The file belongs to another program.
    #[error("{} is not a Relink log, or its first page is damaged", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// A newer Relink wrote it.
    #[error(
        "{} has format {found}, and this build knows formats up to {known}: use a newer Relink",
        path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest that this build knows.
        known: u32,
    },
    /// The file is truncated or its bytes were changed.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// Anything else: no rights, no memory, no room.
    #[error("{} cannot be opened", path.display())]
    Engine {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A thread could not be started.
    #[error("the threads of the log cannot be started: {0}")]
    Threads(std::io::Error),
}

impl OpenError {
    pub(super) fn engine(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, reason: source.to_string() },
            _ => Self::Engine { path, source },
        }
    }
}

/// The port's failure for an error of the engine.
pub(super) fn failure(error: &rusqlite::Error) -> Failure {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    let reason = error.to_string();
    let unreadable = matches!(
        error,
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..)
    );
    let corrupt = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    );
    if unreadable || corrupt {
        Failure::Corrupt { position: None, reason }
    } else {
        Failure::Unavailable { reason }
    }
}

/// The same, where it is known how far reading had come.
pub(super) fn failure_behind(error: &rusqlite::Error, position: Position) -> Failure {
    match failure(error) {
        Failure::Corrupt { reason, .. } => Failure::Corrupt { position: Some(position), reason },
        other @ (Failure::Unavailable { .. } | Failure::Conflict { .. } | Failure::Size { .. }) => {
            other
        }
    }
}

pub(super) fn unavailable(reason: impl Into<String>) -> Failure {
    Failure::Unavailable { reason: reason.into() }
}
