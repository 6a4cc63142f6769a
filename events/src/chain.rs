//! Each record carries a hash over its content and its predecessor in the stream.
//!
//! A flipped byte, a gap or a forged record breaks the chain, whichever engine holds the log.
//! Every part is preceded by its length, so that no two contents hash alike.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::{EventId, Position, Record, Revision, StreamName, Timestamp};

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first record of a stream is chained to.
    pub const ROOT: Self = Self([0; 32]);

    /// The hash of these bytes alone.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(const_hex::Buffer::<32>::new().format(&self.0))
    }
}

/// A text that is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash has 64 hexadecimal digits")]
pub struct ParseHashError;

impl FromStr for Hash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        // The length first: the decoder would take a "0x" before the digits.
        let digits = Some(text).filter(|text| text.len() == 64).ok_or(ParseHashError)?;
        const_hex::decode_to_array(digits).map(Self).map_err(|_| ParseHashError)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a record's hash is over, beside its predecessor.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// The stream's name.
    pub stream: &'a StreamName,
    /// Where in the stream.
    pub revision: Revision,
    /// The event's id.
    pub id: EventId,
    /// The event's wire name.
    pub kind: &'a str,
    /// The version of its shape.
    pub version: u16,
    /// When it was decided.
    pub at: Timestamp,
    /// Metadata as JSON bytes.
    pub metadata: &'a [u8],
    /// Payload as postcard bytes.
    pub data: &'a [u8],
}

impl Link<'_> {
    /// The hash of this record behind `previous`.
    pub fn hash(&self, previous: &Hash) -> Hash {
        let mut sha = Sha256::new();
        sha.update(previous.0);
        sha.update(self.revision.0.to_be_bytes());
        sha.update(self.id.0.as_bytes());
        sha.update(self.version.to_be_bytes());
        sha.update(self.at.as_micros().to_be_bytes());
        let texts = [self.stream.as_str().as_bytes(), self.kind.as_bytes()];
        for part in texts.into_iter().chain([self.metadata, self.data]) {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        }
        Hash(sha.finalize().into())
    }
}

/// A record that does not follow from its predecessor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// A record is missing, doubled or out of place.
    #[error("{stream} has revision {found} where {expected} belongs")]
    Gap {
        /// Whose chain.
        stream: StreamName,
        /// What should stand there.
        expected: Revision,
        /// What stands there.
        found: Revision,
    },
    /// The content is not what was written.
    #[error("{stream} revision {revision} does not hash to what was recorded with it")]
    Altered {
        /// Whose chain.
        stream: StreamName,
        /// Which record.
        revision: Revision,
    },
}

/// What is said of a stream whose record at that position is not what was written, or means
/// nothing.
pub fn untold_from(position: Position, reason: &dyn fmt::Display) -> String {
    format!("it cannot be told from position {position} on: {reason}")
}

impl Record {
    /// Whether this record follows from its predecessor's revision and hash.
    ///
    /// # Errors
    /// The break, when it does not.
    pub fn follows(&self, previous: Option<(Revision, &Hash)>) -> Result<(), BrokenChain> {
        let expected = previous.map_or(Revision::FIRST, |(revision, _)| revision.next());
        if self.revision != expected {
            let (stream, found) = (self.stream.clone(), self.revision);
            return Err(BrokenChain::Gap { stream, expected, found });
        }
        if self.link().hash(previous.map_or(&Hash::ROOT, |(_, hash)| hash)) != self.hash {
            return Err(BrokenChain::Altered { stream: self.stream.clone(), revision: expected });
        }
        Ok(())
    }

    fn link(&self) -> Link<'_> {
        Link {
            stream: &self.stream,
            revision: self.revision,
            id: self.id,
            kind: &self.kind,
            version: self.version,
            at: self.at,
            metadata: &self.metadata,
            data: &self.data,
        }
    }
}

#[cfg(test)]
mod tests;
