//! `relink explain delivery ID`: everything the log knows of it, also while the service runs.

use actors::ports::Clock;
use anyhow::anyhow;
use events::{Category, DeliveryId, EventStore, StreamName};

use super::open::{self, For};
use super::{Stop, out};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::explain;
use crate::vault::{self, Vault};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// A delivery: its cause, the subscription of then, every attempt, a line that repeats it
    Delivery {
        /// Which, as `webhook-id` told the receiver
        id: DeliveryId,
    },
}

pub(super) async fn run(command: Command, settings: &Settings) -> Result<(), Stop> {
    let Command::Delivery { id } = command;
    let log = open::log(settings, For::Reading).await?;
    let vault = vault(settings, &*log).await?;
    let now = SystemClock.now();
    let explained = explain::delivery(&*log, vault.as_ref(), id, None, now).await?;
    let Some(explained) = explained else {
        let ledger = StreamName::new(Category::Ledger, id.endpoint());
        let removed = log.bound(&ledger).await?.map_or("", |_| ", or retention has removed it");
        return Err(Stop::Wrong(anyhow!("there is no delivery {id}{removed}")));
    };
    out::line(format_args!("{explained:#}"))
}

/// The vault of the log, where its key is at hand: without it everything but the signatures is
/// told, and none is made.
async fn vault(settings: &Settings, log: &dyn EventStore) -> Result<Option<Vault>, Stop> {
    let setting = settings.secret_key.as_ref().map(|secret| secret.expose());
    if setting.is_none() && !vault::key_file(&settings.data).exists() {
        return Ok(None);
    }
    let (vault, _) =
        Vault::open(setting, &settings.data).map_err(|error| Stop::Usage(error.into()))?;
    let known = open::installation(log).await?;
    // Keys that do not open here are missed where something is sealed under them, and told there.
    let learned = vault.learn(&known.older);
    Ok(learned.is_ok().then_some(vault))
}
