//! What can be typed: one file a command, and one place that turns their ends into exit statuses.

mod at;
mod bench;
mod classify;
mod completions;
mod copy;
mod explain;
mod keys;
mod log;
mod open;
mod out;
mod rebuild;
mod serve;
mod stats;
mod token;
mod verify;

use std::process::ExitCode;

use actors::Refused;
use clap::{CommandFactory, Parser, Subcommand};

use crate::config::{self, Args, Settings};
use crate::damage::{Damage, Untold};

pub(crate) use rebuild::progress_bar;

/// What can be set, for whoever asks how to serve.
const SETTINGS: &str = include_str!("cli/settings.txt");

/// Keeps the third-party connections of a customer-support platform alive.
#[derive(Debug, Parser)]
#[command(name = "relink", version, about)]
#[command(after_help = "All settings: relink serve --help")]
struct Cli {
    #[command(flatten)]
    settings: Args,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the service: HTTP API, actors, projections, delivery
    #[command(after_help = SETTINGS)]
    Serve(serve::Args),
    /// Prints the event log, decoded
    Log(log::Args),
    /// The state of inbox/42, webhook/7, hook/3, rule/5 or account/1 at a time or log position
    At(at::Args),
    /// Rebuilds every projection from the log; stop the service first
    Rebuild,
    /// Reads the whole log, checks that it decodes and is unbroken
    Verify,
    /// Copies a log into another engine; goes on where it was interrupted
    Copy(copy::Args),
    /// What a provider's answer would be taken for
    Classify(classify::Args),
    /// Measures this machine and prints one table
    Bench(bench::Args),
    /// Explains why something happened, in JSON
    #[command(subcommand)]
    Explain(explain::Command),
    /// What uses the space of the log, by category
    Stats(stats::Args),
    /// Changes the key that secrets are sealed under
    #[command(subcommand)]
    Keys(keys::Command),
    /// Creates, lists and revokes API tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Prints a completion script for a shell
    Completions(completions::Args),
}

impl Command {
    /// The variables whose keys it opens: what is wrong with those is told with all other mistakes.
    fn keys(&self) -> &'static [&'static str] {
        match self {
            Self::Serve(_) => &["RELINK_SECRET_KEY"],
            Self::Keys(_) => &["RELINK_SECRET_KEY", "RELINK_NEW_SECRET_KEY"],
            Self::Log(_)
            | Self::At(_)
            | Self::Rebuild
            | Self::Verify
            | Self::Copy(_)
            | Self::Classify(_)
            | Self::Bench(_)
            | Self::Explain(_)
            | Self::Stats(_)
            | Self::Token(_)
            | Self::Completions(_) => &[],
        }
    }
}

/// Why a command ends without having done what it was asked; the exit status says which.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Status 1: the thing asked about is wrong.
    Wrong(anyhow::Error),
    /// Status 2: bad usage or configuration.
    Usage(anyhow::Error),
    /// Status 3: the log cannot be reached.
    NoLog(anyhow::Error),
}

impl Stop {
    fn status(&self) -> u8 {
        match self {
            Self::Wrong(_) => 1,
            Self::Usage(_) => 2,
            Self::NoLog(_) => 3,
        }
    }

    fn error(&self) -> &anyhow::Error {
        match self {
            Self::Wrong(error) | Self::Usage(error) | Self::NoLog(error) => error,
        }
    }
}

impl From<events::Failure> for Stop {
    fn from(failure: events::Failure) -> Self {
        match failure {
            events::Failure::Corrupt { .. } => Self::Wrong(failure.into()),
            events::Failure::Conflict { .. }
            | events::Failure::Size { .. }
            | events::Failure::Unavailable { .. } => Self::NoLog(failure.into()),
        }
    }
}

impl<R: std::error::Error + Send + Sync + 'static> From<Refused<R>> for Stop {
    fn from(refused: Refused<R>) -> Self {
        match refused {
            Refused::Rejected(_) | Refused::TooLarge { .. } | Refused::Halted { .. } => {
                Self::Wrong(refused.into())
            }
            Refused::Full | Refused::Unavailable { .. } | Refused::Restarted => {
                Self::NoLog(refused.into())
            }
        }
    }
}

impl From<Untold> for Stop {
    fn from(untold: Untold) -> Self {
        match untold {
            Untold::Log(failure) => failure.into(),
            Untold::Damaged(damage) => damage.into(),
        }
    }
}

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Self {
        Self::Wrong(damage.into())
    }
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors to clap, and end with 0; bad usage ends with 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            eprintln!("relink: {:#}", stop.error());
            ExitCode::from(stop.status())
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), Stop> {
    if let Command::Completions(args) = cli.command {
        return completions::print(&args, &mut completed());
    }
    if let Command::Classify(args) = &cli.command {
        return classify::run(args);
    }
    let settings = config::load(&cli.settings, cli.command.keys())
        .map_err(|mistakes| Stop::Usage(mistakes.into()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Stop::Usage(error.into()))?;
    runtime.block_on(perform(cli.command, settings))
}

/// The commands as shells complete them: where a flag is taken and does nothing is for no one.
fn completed() -> clap::Command {
    let all = Cli::command();
    let global = all.get_arguments().filter(|arg| arg.get_id() != "listen").cloned();
    let empty = clap::Command::new("relink").version(env!("CARGO_PKG_VERSION"));
    empty.args(global).subcommands(all.get_subcommands().cloned())
}

async fn perform(command: Command, settings: Settings) -> Result<(), Stop> {
    match command {
        Command::Serve(_) => serve::run(settings).await,
        Command::At(args) => at::run(args, &settings).await,
        Command::Log(args) => log::run(args, &settings).await,
        Command::Rebuild => rebuild::run(&settings).await,
        Command::Verify => verify::run(&settings).await,
        Command::Copy(args) => copy::run(args, &settings).await,
        Command::Bench(args) => bench::run(args, &settings).await,
        Command::Explain(command) => explain::run(command, &settings).await,
        Command::Stats(args) => stats::run(args, &settings).await,
        Command::Keys(command) => keys::run(command, &settings).await,
        Command::Token(command) => token::run(command, &settings).await,
        Command::Completions(_) | Command::Classify(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
