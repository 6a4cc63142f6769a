//! The data folder and the files in it, readable by their owner alone.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::OpenError;
use crate::private;

/// The log's file in a data folder.
pub(super) fn log_file(folder: &Path) -> PathBuf {
    folder.join("relink.db")
}

/// The file of the lock that one `serve` holds.
pub(super) fn lock_file(folder: &Path) -> PathBuf {
    folder.join("relink.lock")
}

/// Makes the folder and the empty file of the log, where they are missing.
///
/// SQLite gives its own files beside the log the log's rights.
pub(super) fn prepare(folder: &Path) -> Result<PathBuf, OpenError> {
    let log = log_file(folder);
    let prepared = private::create_folder(folder).and_then(|()| {
        let created = private::open(OpenOptions::new().write(true).create_new(true), &log);
        match created {
            Ok(file) => file.sync_all().and_then(|()| private::sync_folder(folder)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    });
    prepared.map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
    Ok(log)
}

/// The file of a log that must be there.
pub(super) fn existing(folder: &Path) -> Result<PathBuf, OpenError> {
    let log = log_file(folder);
    match fs::metadata(&log) {
        Ok(file) if file.len() > 0 => Ok(log),
        Ok(_) => Err(OpenError::NoLog { path: log }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(OpenError::NoLog { path: log })
        }
        Err(source) => Err(OpenError::Folder { path: folder.to_owned(), source }),
    }
}
