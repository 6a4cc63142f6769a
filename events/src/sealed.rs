//! A secret as the log may hold it: ciphertext, and which key opens it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::KeyId;

/// An encrypted secret. Where people read it, it shows the name of its key and nothing else.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sealed {
    /// The key it is sealed under.
    pub key: KeyId,
    /// The nonce of the cipher, 24 bytes.
    pub nonce: [u8; 24],
    /// Ciphertext and tag.
    pub text: Vec<u8>,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed(under {})", self.key)
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&format_args!("sealed under key {}", self.key))
        } else {
            (self.key, self.nonce, &self.text).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (key, nonce, text) = Deserialize::deserialize(deserializer)?;
        Ok(Self { key, nonce, text })
    }
}
