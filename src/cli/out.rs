//! What commands print: whoever reads it may close the pipe when it has seen enough.

use std::fmt::Display;
use std::io::{self, Write};

use super::Stop;

/// Prints a line, or several.
///
/// # Errors
/// When it cannot be written, but for a reader who is gone, as `head` is after ten lines.
pub(super) fn line(text: impl Display) -> Result<(), Stop> {
    let mut out = io::stdout().lock();
    told(writeln!(out, "{text}").and_then(|()| out.flush()))
}

/// What came of writing; that nobody reads any more is no error.
pub(super) fn told(written: io::Result<()>) -> Result<(), Stop> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Stop::Wrong(error.into())),
    }
}
