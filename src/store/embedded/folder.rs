//! The data folder and the files in it, readable by their owner alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::OpenError;

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
    let prepared = create_folder(folder).and_then(|()| {
        let created = open_private(OpenOptions::new().write(true).create_new(true), &log);
        match created {
            Ok(file) => file.sync_all().and_then(|()| sync_folder(folder)),
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

fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    folder.parent().map_or(Ok(()), sync_folder)
}

/// A file's name is durable only once its folder is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) && !folder.as_os_str().is_empty() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Opens a file that, when it is created, only its owner may read.
pub(super) fn open_private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}
