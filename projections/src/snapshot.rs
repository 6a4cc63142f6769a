//! A snapshot is a cache with a name, a version and a checksum; a damaged one is thrown away.

use std::error::Error;

use events::{Hash, Position, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Projection;

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

/// Snapshots cannot be kept; views go on without.
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
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) position: Position,
    pub(crate) as_of: Option<Timestamp>,
    /// Of the record at that position: positions of another log mean nothing.
    pub(crate) hash: [u8; 32],
}

/// Why a snapshot is of no use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Useless {
    #[error("its checksum does not fit")]
    Checksum,
    #[error("it is no snapshot of this shape: {0}")]
    Shape(#[from] postcard::Error),
    #[error("{0} bytes are left over")]
    Rest(usize),
    #[error("it is of {name} version {version}")]
    Other { name: String, version: u32 },
    #[error("it stands at position {position}, beyond the log's end at {head}")]
    Beyond { position: Position, head: Position },
}

const CHECKSUM: usize = 32;

/// Checksum, header, state.
pub(crate) fn encode(header: &Header, state: &impl Serialize) -> Result<Vec<u8>, postcard::Error> {
    let bytes = postcard::to_extend(header, vec![0; CHECKSUM])?;
    let mut bytes = postcard::to_extend(state, bytes)?;
    let checksum = Hash::of(&bytes[CHECKSUM..]);
    bytes[..CHECKSUM].copy_from_slice(&checksum.0);
    Ok(bytes)
}

/// What a snapshot of this projection holds, for a log that ends at `head`.
pub(crate) fn decode<P: Projection>(bytes: &[u8], head: Position) -> Result<(Header, P), Useless> {
    let (checksum, rest) = bytes.split_at_checked(CHECKSUM).ok_or(Useless::Checksum)?;
    if Hash::of(rest).0 != checksum {
        return Err(Useless::Checksum);
    }
    let (header, rest) = postcard::take_from_bytes::<Header>(rest)?;
    let Header { name, version, position, .. } = &header;
    if name != P::NAME || *version != P::VERSION {
        return Err(Useless::Other { name: name.clone(), version: *version });
    }
    if *position > head {
        return Err(Useless::Beyond { position: *position, head });
    }
    match postcard::take_from_bytes(rest)? {
        (state, []) => Ok((header, state)),
        (_, rest) => Err(Useless::Rest(rest.len())),
    }
}

#[cfg(test)]
mod tests;
