//! `relink completions`: what a shell needs to complete our commands.

use clap_complete::Shell;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which shell
    shell: Shell,
}

pub(super) fn print(args: &Args, command: &mut clap::Command) {
    clap_complete::generate(args.shell, command, "relink", &mut std::io::stdout());
}
