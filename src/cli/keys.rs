//! `relink keys rotate`: goes over to another sealing key (docs/adr/0006-key-rotation.md).

use std::path::PathBuf;

use actors::Context;
use actors::installation::{self, Installation, TheOne};
use actors::ports::Clock;
use actors::registry::Registry;
use anyhow::{Context as _, anyhow};
use events::{Actor, KeyId};
use uuid::Uuid;

use super::open::{self, For};
use super::{Stop, out};
use crate::app::StartError;
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::vault::{self, Origin, Successor, Vault, VaultError};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Seals secrets under a new key from here on: RELINK_NEW_SECRET_KEY, or one made for the file
    /// that holds the key of now
    Rotate,
}

/// The key of now and the one that follows it.
struct Keys {
    old: Vault,
    new: Vault,
    /// What is left to do with files once the log knows.
    successor: Option<Successor>,
}

pub(super) async fn run(command: Command, settings: &Settings) -> Result<(), Stop> {
    let Command::Rotate = command;
    // There must be a log: appending would begin an empty one.
    drop(open::log(settings, For::Reading).await?);
    let log = open::log(settings, For::Appending).await?;
    let rotated = rotate(&open::decider(&log), settings).await;
    log.close().await;
    out::line(rotated?)
}

/// Tells the log, then the file, in this order: a log that knows the new key is served under it
/// alone, and a key that no log knows does no harm.
async fn rotate(log: &Registry<Installation>, settings: &Settings) -> Result<String, Stop> {
    let known = ask(log, installation::Command::Look).await?;
    let Some((needed, proof)) = known.key else {
        return Err(Stop::Wrong(anyhow!("the log has no sealing key yet: nothing to rotate")));
    };
    let Keys { old, new, successor } = keys(settings, needed)?;
    let have = old.key_id();
    let done = new.key_id() == needed;
    if !done && !old.proves(&proof) {
        return Err(StartError::OtherKey { needed, have }.into());
    }
    if have == new.key_id() {
        return Err(Stop::Usage(anyhow!(
            "RELINK_NEW_SECRET_KEY is the key {have} that secrets are sealed under already"
        )));
    }
    if !done {
        old.learn(&known.older).context("an older key cannot be opened").map_err(Stop::Wrong)?;
        let (older, proof) = (old.handed_to(&new), new.proof());
        let to = new.key_id();
        ask(log, installation::Command::RotateKey { from: have, to, proof, older }).await?;
    }
    let key = new.key_id();
    Ok(match successor {
        Some(successor) => {
            let kept = successor.take_over(have).map_err(usage)?;
            format!(
                "secrets are sealed under key {key} from here on; it is in the old one's file.\n\
                 A service that runs goes on with key {have} until it is restarted.\n\
                 Backups of the log made until now need key {have}, which is kept in {}",
                kept.display()
            )
        }
        None => format!(
            "secrets are sealed under key {key} from here on; set RELINK_SECRET_KEY to it and \
             restart: a service that runs goes on with key {have} until then"
        ),
    })
}

fn keys(settings: &Settings, needed: KeyId) -> Result<Keys, Stop> {
    let file = vault::key_file(&settings.data);
    let setting = settings.secret_key.as_ref().map(|secret| secret.expose());
    if setting.is_none() && !file.exists() {
        return Err(StartError::NoKey { needed, file }.into());
    }
    let (old, origin) = Vault::open(setting, &settings.data).map_err(usage)?;
    if let Some(new) = &settings.new_secret_key {
        let (new, _) = Vault::open(Some(new.expose()), &settings.data).map_err(usage)?;
        return Ok(Keys { old, new, successor: None });
    }
    let (successor, new) = Successor::of(&held(origin)?).map_err(usage)?;
    Ok(Keys { old, new, successor: Some(successor) })
}

/// The file that holds the key of now.
fn held(origin: Origin) -> Result<PathBuf, Stop> {
    match origin {
        Origin::File(path) | Origin::Generated(path) => Ok(path),
        Origin::Setting => Err(Stop::Usage(anyhow!(
            "RELINK_NEW_SECRET_KEY is not set; make a key with `openssl rand -base64 32`"
        ))),
    }
}

fn usage(error: VaultError) -> Stop {
    Stop::Usage(error.into())
}

async fn ask(
    log: &Registry<Installation>,
    command: installation::Command,
) -> Result<Installation, Stop> {
    let (id, now) = (Uuid::new_v4(), SystemClock.now());
    let actor = Actor::COMMAND_LINE;
    let context = Context { id, correlation: id, actor, account: None, now };
    Ok(log.ask(TheOne, context, command).await?.answer)
}
