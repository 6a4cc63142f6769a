//! Seals secrets before they reach the log, with XChaCha20-Poly1305 (docs/adr/0005-secrets.md).

use std::fmt;
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use events::{KeyId, Sealed};
use sha2::{Digest, Sha256};

mod key;

/// The sealing key, ready for use. Its debug form shows the key's name only.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
    id: KeyId,
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

/// Whether a text has the form of `RELINK_SECRET_KEY`; a file that it names is not looked at.
pub fn can_be_setting(text: &str) -> bool {
    key::can_be_setting(text)
}

impl Vault {
    /// The vault of this key.
    pub fn from_key(key: [u8; 32]) -> Self {
        let mut name = Sha256::new();
        name.update(b"relink sealing key\0");
        name.update(key);
        let mut id = [0; 8];
        id.copy_from_slice(&name.finalize()[..8]);
        Self { cipher: XChaCha20Poly1305::new(&Key::from(key)), id: KeyId(id) }
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

    /// The name of the key: the first 8 bytes of a SHA-256 over it under a label of its own.
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// Seals `plain` for one place, such as `webhook/7/secret`: only there can it be opened.
    ///
    /// # Panics
    /// When `plain` is longer than 256 GiB or the operating system gives no chance.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Sealed {
        let nonce = crate::random::bytes::<24>();
        let payload = Payload { msg: plain, aad: context.as_bytes() };
        let text = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a secret is shorter than the cipher's limit");
        Sealed { key: self.id, nonce, text }
    }

    /// What was sealed for this place.
    ///
    /// # Errors
    /// When it was sealed under another key, for another place, or was changed.
    pub fn unseal(&self, context: &str, sealed: &Sealed) -> Result<Vec<u8>, Unsealable> {
        if sealed.key != self.id {
            return Err(Unsealable::WrongKey { needed: sealed.key, have: self.id });
        }
        let payload = Payload { msg: &sealed.text, aad: context.as_bytes() };
        self.cipher.decrypt(&XNonce::from(sealed.nonce), payload).map_err(|_| Unsealable::Damaged)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault(key {})", self.id)
    }
}

#[cfg(test)]
mod tests;
