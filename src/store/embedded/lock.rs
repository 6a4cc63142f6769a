//! One `serve` for each data folder; the second is told who the first is.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use super::{OpenError, folder};
use crate::private;

/// Held until it is dropped, or until the process ends however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the folder, or says who has it.
    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Folder { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = private::open(&mut options, &folder::lock_file(path));
        let mut lock = Self { file: file.map_err(unusable)? };
        match lock.file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Held { path: path.to_owned(), holder: lock.holder() });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        lock.write(&format!("process {}", std::process::id())).map_err(unusable)?;
        Ok(lock)
    }

    /// Tells a second process where the first listens.
    pub(super) fn announce(&mut self, listening: &str) -> io::Result<()> {
        self.write(&format!("process {}, listening on {listening}", std::process::id()))
    }

    fn write(&mut self, holder: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(holder.as_bytes())
    }

    fn holder(&mut self) -> String {
        let mut holder = String::new();
        // Who holds it may be about to write that down.
        match self.file.read_to_string(&mut holder) {
            Ok(_) if !holder.is_empty() => holder,
            Ok(_) | Err(_) => "another process".to_owned(),
        }
    }
}
