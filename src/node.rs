//! Which node this process is: an id that a restart keeps, and a name for people.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use actors::ports::NodeId;
use uuid::Uuid;

use crate::private;

/// Where Linux tells the host's name.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// Who this process is among the nodes. Its id is another process's only after this one has ended.
#[derive(Debug)]
pub struct Identity {
    /// Tells it from all others.
    pub id: NodeId,
    /// `RELINK_NODE`, or the host's name and a few digits of the id.
    pub name: String,
    /// Held for as long as the process lives.
    _lock: Option<File>,
}

impl Identity {
    /// One that nothing is kept of.
    pub fn passing(name: Option<&str>) -> Self {
        Self::of(Uuid::new_v4(), name, None)
    }

    /// The one that is kept in this folder, so that the others know it again at once; a passing
    /// one where another process has that, or nothing can be kept.
    pub fn kept(folder: &Path, name: Option<&str>) -> Self {
        match keep(folder) {
            Ok(Some((id, file))) => Self::of(id, name, Some(file)),
            Ok(None) => Self::passing(name),
            Err(error) => {
                tracing::warn!("this node is not known again after a restart: {error}");
                Self::passing(name)
            }
        }
    }

    fn of(id: Uuid, name: Option<&str>, lock: Option<File>) -> Self {
        let made_up = || {
            let host = fs::read_to_string(HOST_NAME).unwrap_or_default();
            let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("relink");
            format!("{host}-{}", &id.simple().to_string()[..6])
        };
        Self { id: NodeId(id), name: name.map_or_else(made_up, str::to_owned), _lock: lock }
    }
}

/// None when another process has it.
fn keep(folder: &Path) -> io::Result<Option<(Uuid, File)>> {
    private::create_folder(folder)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = private::open(&mut options, &folder.join("node"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        Err(fs::TryLockError::Error(error)) => return Err(error),
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    if let Ok(id) = text.trim().parse() {
        return Ok(Some((id, file)));
    }
    let id = Uuid::new_v4();
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(id.to_string().as_bytes())?;
    Ok(Some((id, file)))
}

#[cfg(test)]
mod tests;
