//! `relink completions`: what a shell needs to complete our commands.

use std::io::{self, ErrorKind, Write};

use clap_complete::Shell;

use super::Stop;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which shell
    shell: Shell,
}

pub(super) fn print(args: &Args, command: &mut clap::Command) -> Result<(), Stop> {
    // Into memory first: clap_complete panics when whoever reads our output has seen enough.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "relink", &mut script);
    match io::stdout().write_all(&script) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Stop::Wrong(error.into())),
        Ok(()) | Err(_) => Ok(()),
    }
}
