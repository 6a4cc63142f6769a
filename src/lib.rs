//! How Relink meets the world: the only code that opens a file or a socket.

pub mod store;
pub mod verify;
