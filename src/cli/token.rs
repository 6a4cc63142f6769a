//! `relink token create`: an API token, printed once; only its hash is kept.

use std::sync::Arc;

use actors::installation::{self, Installation, TheOne};
use actors::nodes::Share;
use actors::ports::Clock;
use actors::registry::{Halted, Limits, Registry, World};
use actors::{Context, Refused};
use anyhow::anyhow;
use events::installation::Role;
use events::store::Slice;
use events::{AccountId, Actor, Revision, Subject};
use uuid::Uuid;

use super::open::{self, For};
use super::{Stop, out};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::tokens;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Prints a new API token once; also while the service runs
    Create {
        /// Number of the account that it is for
        #[arg(long, value_name = "N")]
        account: AccountId,
        /// What it allows: administrator, agent or ingest
        #[arg(long, value_name = "ROLE")]
        role: Role,
    },
}

pub(super) async fn run(command: Command, settings: &Settings) -> Result<(), Stop> {
    let Command::Create { account, role } = command;
    let begun = open::log(settings, For::Reading).is_err();
    let log = open::log(settings, For::Appending)?;
    if begun {
        // Good before the first `serve`; in a mistyped folder the token would be good for nothing.
        let folder = settings.data.display();
        eprintln!("relink: there was no log in {folder}, and a new one is begun");
    }
    let stream = Subject::Account(account).stream();
    if log.read_stream(&stream, Slice::From(Revision::FIRST), 1).await?.is_empty() {
        eprintln!("relink: account {account} is not registered; the token waits until it is");
    }
    let clock = Arc::new(SystemClock);
    let world = World {
        store: log.store(),
        clock: clock.clone(),
        snapshots: None,
        limits: Limits::default(),
        halted: Halted::default(),
        share: Share::default(),
    };
    let token = tokens::generate();
    let id = Uuid::new_v4();
    let (actor, now) = (Actor::COMMAND_LINE, clock.now());
    let context = Context { id, correlation: id, actor, account: Some(account), now };
    let hash = tokens::hash(&token);
    let create = installation::Command::CreateToken { hash, account: Some(account), role };
    let created = Registry::<Installation>::new(world).ask(TheOne, context, create).await;
    log.close().await;
    match created {
        Ok(_) => out::line(token),
        Err(refused @ (Refused::Rejected(_) | Refused::TooLarge { .. })) => {
            Err(Stop::Wrong(anyhow!("{refused}")))
        }
        Err(refused) => Err(Stop::NoLog(anyhow!("{refused}"))),
    }
}
