//! The settings: a flag wins over the environment, that over the file, that over the default.
//!
//! Every mistake is told at once, each with the key that it was made under and what to do.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

pub mod duration;

mod file;
mod mail;
mod read;
mod secret;
mod sources;

pub use file::load;
pub use mail::MailSettings;
pub use secret::Secret;
pub use sources::{File, resolve, unknown, variables};

/// In the help of a command its own options come first.
const BEHIND: usize = 100;

/// The settings as flags. The rest is set by the environment or the file, so that no secret shows
/// in a list of processes.
#[derive(Debug, Default, Clone, PartialEq, Eq, clap::Args)]
pub struct Args {
    /// Address to listen on, such as 127.0.0.1:4000 [env: RELINK_LISTEN] [default: 127.0.0.1:4000]
    #[arg(long, global = true, hide = true, value_name = "ADDR", display_order = BEHIND)]
    pub listen: Option<String>,
    /// Folder of the log and of snapshots [env: RELINK_DATA] [default: ./data]
    #[arg(long, global = true, value_name = "PATH", display_order = BEHIND)]
    pub data: Option<String>,
    /// The log: `embedded`, or an EventStoreDB connection string such as
    /// esdb://HOST:2113?tls=false [env: RELINK_STORE] [default: embedded]
    #[arg(long, global = true, value_name = "STORE", display_order = BEHIND)]
    pub store: Option<String>,
    /// File with settings, in TOML [env: RELINK_CONFIG] [default: relink.toml if it is there]
    #[arg(long, global = true, value_name = "PATH", display_order = BEHIND)]
    pub config: Option<String>,
}

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// Folder of the embedded log and of projection snapshots.
    pub data: PathBuf,
    /// Which log.
    pub store: StoreSetting,
    /// What this node is called; none means the host's name and a few digits.
    pub node: Option<String>,
    /// The installation-wide administrator's token; none means the one that was generated.
    pub admin_token: Option<Secret>,
    /// What [`crate::vault::Vault::open`] takes; none means the key in the data folder.
    pub secret_key: Option<Secret>,
    /// The key to go over to, in the same form; for `relink keys rotate` alone.
    pub new_secret_key: Option<Secret>,
    /// Whether inbox events are delivered (`ENABLE_INBOX_EVENTS`).
    pub inbox_events: bool,
    /// Waits between attempts.
    pub retry_schedule: Vec<Duration>,
    /// For a whole exchange with an endpoint, body included.
    pub webhook_timeout: Duration,
    /// Networks that deliveries may reach although they are not public.
    pub allow_private: Vec<IpNet>,
    /// How administrators are written to; none means not at all.
    pub mail: Option<MailSettings>,
    /// What is logged, in the words of `RELINK_LOG`; none means what [`crate::telemetry`] does.
    pub log: Option<String>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Attempts under way at once, in all.
    pub delivery_concurrency: usize,
    /// Attempts under way at once to one endpoint that has no limit of its own.
    pub endpoint_concurrency: usize,
    /// An endpoint that takes nothing for so long is disabled.
    pub disable_after: Duration,
    /// How long bodies and attempts are kept; none means for ever.
    pub retention: Option<Duration>,
    /// Commands that may wait for one actor; more are refused aloud.
    pub mailbox_limit: usize,
}

/// Which log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreSetting {
    /// The one in the data folder.
    Embedded,
    /// An EventStoreDB; its connection string may hold a password.
    EventStoreDb(Secret),
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    /// For people.
    Text,
    /// For machines, one object a line.
    Json,
}

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct Mistake {
    /// The flag, the variable, or the key and its file.
    pub key: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

/// All settings that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(Mistake::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Mistakes(pub Vec<Mistake>);

#[cfg(test)]
mod tests;
