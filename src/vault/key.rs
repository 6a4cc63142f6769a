//! Where the sealing key is found, and how a new one is kept.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use events::KeyId;

use super::{Origin, Vault, VaultError};
use crate::private;

type Found = ([u8; 32], Origin);

pub(super) fn find(setting: Option<&str>, data: &Path) -> Result<Found, VaultError> {
    match setting.map(str::trim).filter(|setting| !setting.is_empty()) {
        Some(setting) => named(setting),
        None => kept(data),
    }
}

/// The key that a setting names.
pub(super) fn named(setting: &str) -> Result<Found, VaultError> {
    match setting.strip_prefix("file:") {
        Some(path) => read(PathBuf::from(path)),
        None => match parse(setting) {
            Some(key) => Ok((key, Origin::Setting)),
            None => Err(VaultError::NoKey { place: "RELINK_SECRET_KEY".to_owned() }),
        },
    }
}

pub(super) fn can_be_setting(text: &str) -> bool {
    text.starts_with("file:") || parse(text).is_some()
}

/// A key that takes the place of one in a file, which it does last of all.
///
/// It stands in a file beside until then, so that whoever breaks off and begins again finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    beside: PathBuf,
    path: PathBuf,
}

impl Successor {
    /// The vault of the key that is to follow the one in `path`: that of an attempt that was broken
    /// off, or a new one.
    ///
    /// # Errors
    /// When it can neither be read nor written.
    pub fn of(path: &Path) -> Result<(Self, Vault), VaultError> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let (beside, path) = (PathBuf::from(beside), path.to_owned());
        if !beside.exists() {
            let key = crate::random::bytes::<32>();
            let folder = folder(&path);
            keep(folder, &beside, &key)
                .map_err(|source| VaultError::Unwritable { path: beside.clone(), source })?;
        }
        let (key, _) = read(beside.clone())?;
        Ok((Self { beside, path }, Vault::from_key(key)))
    }

    /// Puts it into the place of the other, which is kept beside under its own name: a backup of
    /// the log from before knows no other key. Says where.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn take_over(self, former: KeyId) -> Result<PathBuf, VaultError> {
        let mut kept = self.path.as_os_str().to_owned();
        kept.push(format!(".{former}"));
        let kept = PathBuf::from(kept);
        let linked = match fs::hard_link(&self.path, &kept) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            other => other,
        };
        let moved = linked
            .and_then(|()| fs::rename(&self.beside, &self.path))
            .and_then(|()| private::sync_folder(folder(&self.path)));
        moved.map_err(|source| VaultError::Unwritable { path: self.path, source })?;
        Ok(kept)
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn parse(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

fn read(path: PathBuf) -> Result<Found, VaultError> {
    match fs::read_to_string(&path) {
        Ok(text) => match parse(&text) {
            Some(key) => Ok((key, Origin::File(path))),
            None => Err(VaultError::NoKey { place: path.display().to_string() }),
        },
        Err(source) => Err(VaultError::Unreadable { path, source }),
    }
}

fn kept(data: &Path) -> Result<Found, VaultError> {
    let path = super::key_file(data);
    match path.try_exists() {
        Ok(true) => return read(path),
        Ok(false) => {}
        Err(source) => return Err(VaultError::Unreadable { path, source }),
    }
    let key = crate::random::bytes::<32>();
    match keep(data, &path, &key) {
        Ok(()) => Ok((key, Origin::Generated(path))),
        // Another process was first; its key is the one.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(source) => Err(VaultError::Unwritable { path, source }),
    }
}

/// Writes beside and links into place, so that the file is never seen half written and never
/// replaces one that is there.
fn keep(data: &Path, path: &Path, key: &[u8; 32]) -> io::Result<()> {
    private::create_folder(data)?;
    let beside =
        data.join(format!("secret.key.{:08x}", u32::from_be_bytes(crate::random::bytes())));
    let linked = write(&beside, key).and_then(|()| fs::hard_link(&beside, path));
    // A leftover holds no key that is used, but nobody should have to wonder about it.
    let removed = fs::remove_file(&beside);
    linked.and(removed)?;
    private::sync_folder(data)
}

fn write(path: &Path, key: &[u8; 32]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut file = private::open(&mut options, path)?;
    writeln!(file, "{}", STANDARD.encode(key))?;
    file.sync_all()
}
