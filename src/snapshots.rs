//! Snapshots of the views as files: `<data>/snapshots/<name>.snapshot`.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use projections::{SnapshotFailure, Snapshots};

use crate::private;

/// A folder with one file for each view.
#[derive(Debug, Clone)]
pub struct SnapshotFolder {
    folder: PathBuf,
}

impl SnapshotFolder {
    /// The one in this data folder; created with the first snapshot.
    pub fn of_data(data: &Path) -> Self {
        Self { folder: data.join("snapshots") }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.snapshot"))
    }

    /// After a crash at any instant the file is the old one or the new one, whole.
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        private::create_folder(&self.folder)?;
        let temporary = self.folder.join(format!("{name}.snapshot.new"));
        // What a crash left behind may have other rights.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = private::open(OpenOptions::new().write(true).create_new(true), &temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, self.file(name))?;
        private::sync_folder(&self.folder)
    }
}

impl Snapshots for SnapshotFolder {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, SnapshotFailure> {
        match fs::read(self.file(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure(name, "read", error)),
        }
    }

    fn save(&self, name: &str, bytes: &[u8]) -> Result<(), SnapshotFailure> {
        self.replace(name, bytes).map_err(|error| failure(name, "written", error))
    }
}

fn failure(name: &str, verb: &'static str, error: io::Error) -> SnapshotFailure {
    SnapshotFailure { name: name.to_owned(), verb, source: Box::new(error) }
}

#[cfg(test)]
mod tests;
