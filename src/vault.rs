//! Seals secrets before they reach the log, with XChaCha20-Poly1305 (docs/adr/0005-secrets.md).

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use events::installation::OlderKey;
use events::{KeyId, Sealed};

mod key;
mod ring;

pub use key::Successor;

use ring::SealingKey;

/// What a log's sealing key is proved with.
const PROOF: (&str, &[u8]) = ("installation/proof", b"relink");

/// The sealing key, ready for use, and those that older secrets are sealed under. Its debug form
/// shows the key's name only.
pub struct Vault {
    key: SealingKey,
    older: RwLock<BTreeMap<KeyId, SealingKey>>,
}

/// Where the key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// From the setting itself.
    Setting,
    /// From this file, which was there.
    File(PathBuf),
    /// Just made, and written to this file: whoever runs the service should know and keep it.
    Generated(PathBuf),
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The setting or the file holds something else.
    #[error("{place} does not hold 32 bytes in base64; make a key with `openssl rand -base64 32`")]
    NoKey {
        /// The setting's name or the file's path.
        place: String,
    },
    /// The file cannot be read.
    #[error("cannot read the secret key in {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A new key cannot be kept.
    #[error("cannot write a new secret key to {}", path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Why a sealed secret stays shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsealable {
    /// It was sealed under another key.
    #[error("sealed under key {needed}, but the key at hand is {have}")]
    WrongKey {
        /// The key that would open it.
        needed: KeyId,
        /// The key there is.
        have: KeyId,
    },
    /// It is not what was sealed, or was sealed for another place.
    #[error("the sealed secret is damaged or belongs elsewhere")]
    Damaged,
}

/// Where the key is kept in a data folder, when no setting names one.
pub fn key_file(data: &Path) -> PathBuf {
    data.join("secret.key")
}

/// Whether a text has the form of `RELINK_SECRET_KEY`; a file that it names is not looked at.
pub fn can_be_setting(text: &str) -> bool {
    key::can_be_setting(text)
}

impl Vault {
    /// The vault of this key.
    pub fn from_key(key: [u8; 32]) -> Self {
        Self { key: SealingKey::of(key), older: RwLock::default() }
    }

    /// The vault that `RELINK_SECRET_KEY` names: 32 bytes in base64, or `file:PATH` of a file with
    /// them. Without a setting it is `secret.key` in the data folder, made on first use and
    /// readable by its owner only.
    ///
    /// # Errors
    /// When there is no key and none can be made.
    pub fn open(setting: Option<&str>, data: &Path) -> Result<(Self, Origin), VaultError> {
        let (key, origin) = key::find(setting, data)?;
        Ok((Self::from_key(key), origin))
    }

    /// Whether there is a key where the setting says.
    ///
    /// # Errors
    /// When there is none.
    pub fn check(setting: &str) -> Result<(), VaultError> {
        key::named(setting.trim()).map(drop)
    }

    /// The name of the key: the first 8 bytes of a SHA-256 over it under a label of its own.
    pub fn key_id(&self) -> KeyId {
        self.key.id()
    }

    /// A known text, sealed: whoever opens it has this key.
    pub fn proof(&self) -> Sealed {
        self.seal(PROOF.0, PROOF.1)
    }

    /// Whether the proof was made under the key of now.
    pub fn proves(&self, proof: &Sealed) -> bool {
        proof.key == self.key_id() && self.unseal(PROOF.0, proof).is_ok()
    }

    /// Seals `plain` for one place, such as `webhook/7/secret`: only there can it be opened.
    ///
    /// # Panics
    /// When `plain` is longer than 256 GiB or the operating system gives no chance.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Sealed {
        self.key.seal(context, plain)
    }

    /// What was sealed for this place.
    ///
    /// # Errors
    /// When it was sealed under a key that is not known, for another place, or was changed.
    pub fn unseal(&self, context: &str, sealed: &Sealed) -> Result<Vec<u8>, Unsealable> {
        if sealed.key == self.key_id() {
            return self.key.unseal(context, sealed);
        }
        let older = self.older.read().unwrap_or_else(PoisonError::into_inner);
        let wrong = Unsealable::WrongKey { needed: sealed.key, have: self.key_id() };
        older.get(&sealed.key).ok_or(wrong)?.unseal(context, sealed)
    }

    /// Learns the keys of before, which are sealed under the key of now.
    ///
    /// # Errors
    /// When one of them is not what it is said to be.
    pub fn learn(&self, keys: &[OlderKey]) -> Result<(), Unsealable> {
        let opened: Result<Vec<_>, _> = keys.iter().map(|key| self.key.open(key)).collect();
        let mut older = self.older.write().unwrap_or_else(PoisonError::into_inner);
        older.extend(opened?.into_iter().map(|key| (key.id(), key)));
        Ok(())
    }

    /// All the keys of this vault, sealed under that of another: what [`Vault::learn`] takes.
    pub fn handed_to(&self, other: &Self) -> Vec<OlderKey> {
        let older = self.older.read().unwrap_or_else(PoisonError::into_inner);
        let all = older.values().chain([&self.key]);
        all.filter(|key| key.id() != other.key_id()).map(|key| other.key.keep(key)).collect()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault(key {})", self.key_id())
    }
}

#[cfg(test)]
mod tests;
