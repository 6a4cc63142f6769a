//! A snapshot is a cache with a name, a version and a checksum; a damaged one is thrown away.

#[cfg(feature = "contract")]
pub mod memory;

use std::error::Error;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Hash, Position, Timestamp};

/// Where snapshots are kept. Called from threads that may block.
pub trait Snapshots: Send + Sync + 'static {
    /// The bytes last saved under this name; none when there are none.
    ///
    /// # Errors
    /// When they cannot be read.
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, SnapshotFailure>;

    /// Replaces what is saved under this name: all of it or nothing.
    ///
    /// # Errors
    /// When they cannot be written.
    fn save(&self, name: &str, bytes: &[u8]) -> Result<(), SnapshotFailure>;
}

/// Snapshots cannot be kept; what is folded from the log goes on without.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot {name} cannot be {verb}")]
pub struct SnapshotFailure {
    /// Which.
    pub name: String,
    /// What was tried: `read` or `written`.
    pub verb: &'static str,
    /// Why it could not be.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// What a snapshot says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Of what.
    pub name: String,
    /// The version of its shape and meaning.
    pub version: u32,
    /// The last record that is folded in.
    pub position: Position,
    /// The time of the newest record that is folded in.
    pub as_of: Option<Timestamp>,
    /// Of the record at that position: positions of another log mean nothing.
    pub hash: [u8; 32],
}

/// Why a snapshot is of no use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Useless {
    /// It is damaged.
    #[error("its checksum does not fit")]
    Checksum,
    /// It is of another shape.
    #[error("it is no snapshot of this shape: {0}")]
    Shape(#[from] postcard::Error),
    /// It is of another shape, and longer.
    #[error("{0} bytes are left over")]
    Rest(usize),
    /// It is of something else.
    #[error("it is of {name} version {version}")]
    Other {
        /// Of what.
        name: String,
        /// The version of its shape and meaning.
        version: u32,
    },
    /// The log does not reach so far.
    #[error("it stands at position {position}, beyond the end at {head}")]
    Beyond {
        /// The last record that is folded in.
        position: Position,
        /// The last record that may be.
        head: Position,
    },
}

const CHECKSUM: usize = 32;

/// Checksum, header, state.
///
/// # Errors
/// When the state has a shape that postcard refuses.
pub fn encode(header: &Header, state: &impl Serialize) -> Result<Vec<u8>, postcard::Error> {
    let bytes = postcard::to_extend(header, vec![0; CHECKSUM])?;
    let mut bytes = postcard::to_extend(state, bytes)?;
    let checksum = Hash::of(&bytes[CHECKSUM..]);
    bytes[..CHECKSUM].copy_from_slice(&checksum.0);
    Ok(bytes)
}

/// What a snapshot of this name and version holds, of a log that ends at `head`.
///
/// # Errors
/// When it is of no use, with the reason.
pub fn decode<T: DeserializeOwned>(
    bytes: &[u8],
    (name, version): (&str, u32),
    head: Position,
) -> Result<(Header, T), Useless> {
    let (header, rest) = parts(bytes)?;
    if header.name != name || header.version != version {
        return Err(Useless::Other { name: header.name, version: header.version });
    }
    if header.position > head {
        return Err(Useless::Beyond { position: header.position, head });
    }
    match postcard::take_from_bytes(rest)? {
        (state, []) => Ok((header, state)),
        (_, rest) => Err(Useless::Rest(rest.len())),
    }
}

/// What a snapshot says about itself, whatever it is of.
///
/// # Errors
/// When it is damaged.
pub fn header(bytes: &[u8]) -> Result<Header, Useless> {
    parts(bytes).map(|(header, _)| header)
}

/// What the first bytes of a snapshot say about it; whether they are damaged is not looked at.
pub fn claim(bytes: &[u8]) -> Option<Header> {
    let (_, rest) = bytes.split_at_checked(CHECKSUM)?;
    postcard::take_from_bytes(rest).ok().map(|(header, _)| header)
}

fn parts(bytes: &[u8]) -> Result<(Header, &[u8]), Useless> {
    let (checksum, rest) = bytes.split_at_checked(CHECKSUM).ok_or(Useless::Checksum)?;
    if Hash::of(rest).0 != checksum {
        return Err(Useless::Checksum);
    }
    Ok(postcard::take_from_bytes(rest)?)
}

#[cfg(test)]
mod tests;
