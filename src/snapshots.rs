//! Snapshots of the views as files: `<data>/snapshots/<name>.snapshot`.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use projections::{SnapshotFailure, Snapshots};

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
        fs::create_dir_all(&self.folder)?;
        let temporary = self.folder.join(format!("{name}.snapshot.new"));
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, self.file(name))?;
        sync_folder(&self.folder)
    }
}

/// A new name is durable once its folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Only Unix lets a folder be opened and synced; elsewhere a lost name costs a rebuild.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
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
