//! Snapshots of the views as files: `<data>/snapshots/<name>.snapshot`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use events::{Position, snapshot};
use projections::{SnapshotFailure, Snapshots};

use crate::private;

/// A header with its name is shorter.
const HEADER_BYTES_MAX: u64 = 4096;

/// A folder with one file for each view.
#[derive(Debug, Clone)]
pub struct SnapshotFolder {
    folder: PathBuf,
}

impl SnapshotFolder {
    /// The one in this data folder; created with the first snapshot.
    pub fn of_data(data: &Path) -> Self {
        Self { folder: folder(data) }
    }

    /// How far each snapshot says that its log reached, the furthest first. Only the first bytes
    /// are read, so that a damaged one may say anything: see [`is_whole`].
    pub fn positions(&self) -> Vec<(PathBuf, Position)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let files = entries.map(|entry| entry.path());
        let files = files.filter(|file| file.extension().is_some_and(|end| end == "snapshot"));
        let mut found: Vec<_> = files.filter_map(|file| Some((claim(&file)?, file))).collect();
        found.sort_by(|left, right| right.cmp(left));
        found.into_iter().map(|(position, file)| (file, position)).collect()
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

/// Where snapshots are in a data folder.
pub fn folder(data: &Path) -> PathBuf {
    data.join("snapshots")
}

/// Whether a snapshot is as it was saved.
pub fn is_whole(file: &Path) -> bool {
    fs::read(file).is_ok_and(|bytes| snapshot::header(&bytes).is_ok())
}

fn claim(file: &Path) -> Option<Position> {
    let mut bytes = Vec::new();
    File::open(file).ok()?.take(HEADER_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    snapshot::claim(&bytes).map(|header| header.position)
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
