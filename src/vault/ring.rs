//! One sealing key: it seals secrets, and the keys that were before it.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use events::installation::OlderKey;
use events::{KeyId, Sealed};
use sha2::{Digest, Sha256};

use super::Unsealable;

pub(super) struct SealingKey {
    bytes: [u8; 32],
    cipher: XChaCha20Poly1305,
    id: KeyId,
}

impl SealingKey {
    pub(super) fn of(bytes: [u8; 32]) -> Self {
        let mut name = Sha256::new();
        name.update(b"relink sealing key\0");
        name.update(bytes);
        let mut id = [0; 8];
        id.copy_from_slice(&name.finalize()[..8]);
        Self { bytes, cipher: XChaCha20Poly1305::new(&Key::from(bytes)), id: KeyId(id) }
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn seal(&self, context: &str, plain: &[u8]) -> Sealed {
        let nonce = crate::random::bytes::<24>();
        let payload = Payload { msg: plain, aad: context.as_bytes() };
        let text = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a secret is shorter than the cipher's limit");
        Sealed { key: self.id, nonce, text }
    }

    pub(super) fn unseal(&self, context: &str, sealed: &Sealed) -> Result<Vec<u8>, Unsealable> {
        let payload = Payload { msg: &sealed.text, aad: context.as_bytes() };
        self.cipher.decrypt(&XNonce::from(sealed.nonce), payload).map_err(|_| Unsealable::Damaged)
    }

    /// Another key, sealed under this one.
    pub(super) fn keep(&self, other: &Self) -> OlderKey {
        OlderKey { key: other.id, sealed: self.seal(&place(other.id), &other.bytes) }
    }

    /// The other key again.
    pub(super) fn open(&self, kept: &OlderKey) -> Result<Self, Unsealable> {
        if kept.sealed.key != self.id {
            return Err(Unsealable::WrongKey { needed: kept.sealed.key, have: self.id });
        }
        let bytes = self.unseal(&place(kept.key), &kept.sealed)?;
        let key = bytes.try_into().map(Self::of).map_err(|_| Unsealable::Damaged)?;
        if key.id == kept.key { Ok(key) } else { Err(Unsealable::Damaged) }
    }
}

fn place(key: KeyId) -> String {
    format!("installation/key/{key}")
}
