//! `relink token`: API tokens are created, listed and revoked; only their hashes are kept.

mod listed;

use std::str::FromStr;
use std::time::Duration;

use actors::installation::{self, TheOne};
use actors::ports::Clock;
use actors::{Context, Done};
use anyhow::anyhow;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use events::installation::Role;
use events::store::Slice;
use events::{AccountId, Actor, Revision, Subject, TokenId};
use uuid::Uuid;

use super::open::{self, For, Log};
use super::{Stop, out};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::tokens;
use listed::Listed;

/// Within this time every node that is not behind has looked for what others have written.
const HEARD_WITHIN: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Prints a new API token once; also while the service runs
    Create {
        /// Number of the account that it is for
        #[arg(long, value_name = "N")]
        account: AccountId,
        /// What it allows
        #[arg(long, value_name = "ROLE", value_parser = role())]
        role: Role,
    },
    /// All tokens by number, without what they are: whose, since when, and whether they are good
    List {
        /// Only those of this account
        #[arg(long, value_name = "N")]
        account: Option<AccountId>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Lets a token be good for nothing any more; also while the service runs
    Revoke {
        /// Its number, or the token itself
        // Taken as it comes: what clap refuses it repeats, and this may be a secret.
        #[arg(value_name = "TOKEN", allow_hyphen_values = true)]
        which: String,
    },
}

fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.iter().map(|role| role.as_str()))
        .try_map(|text| text.parse::<Role>())
}

/// A token as somebody names it.
#[derive(Debug, Clone)]
pub(super) enum Which {
    Number(TokenId),
    Hash([u8; 32]),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.starts_with(tokens::PREFIX) {
            return Ok(Self::Hash(tokens::hash(text)));
        }
        // What is no number may be a token that was cut off, and is not said again.
        let number = text.parse().map_err(|_| "TOKEN is neither a number nor a token".to_owned());
        number.map(Self::Number)
    }
}

pub(super) async fn run(command: Command, settings: &Settings) -> Result<(), Stop> {
    match command {
        Command::Create { account, role } => create(account, role, settings).await,
        Command::List { account, json } => {
            let log = open::log(settings, For::Reading).await?;
            let listed = listed::read(&*log).await?;
            let asked = |it: &&Listed| account.is_none() || it.account == account;
            let listed: Vec<_> = listed.iter().filter(asked).collect();
            out::told(listed::print(&mut std::io::stdout().lock(), &listed, json))
        }
        Command::Revoke { which } => revoke(&named(&which)?, settings).await,
    }
}

fn named(text: &str) -> Result<Which, Stop> {
    text.parse().map_err(|unnamed: String| Stop::Usage(anyhow!(unnamed)))
}

async fn create(account: AccountId, role: Role, settings: &Settings) -> Result<(), Stop> {
    let (log, begins) = open::appending(settings).await?;
    let stream = Subject::Account(account).stream();
    let account_is_new =
        log.read_stream(&stream, Slice::From(Revision::FIRST), 1).await?.is_empty();
    if begins {
        // Good before the first `serve`; in a mistyped folder the token would be good for nothing.
        let place = log.place(settings);
        eprintln!("relink: there was no log in {place}, and a new one is begun");
    }
    if account_is_new {
        eprintln!("relink: account {account} is not registered; the token waits until it is");
    }
    let token = tokens::generate();
    let hash = tokens::hash(&token);
    let create = installation::Command::CreateToken { hash, account: Some(account), role };
    let created = tell(&log, Some(account), create).await;
    log.close().await;
    let number = created?.answer.token;
    eprintln!("relink: it is token {number}; it is shown only now, and `token revoke` ends it");
    out::line(token)
}

async fn revoke(which: &Which, settings: &Settings) -> Result<(), Stop> {
    // There must be a log: appending would begin an empty one.
    drop(open::log(settings, For::Reading).await?);
    let log = open::log(settings, For::Appending).await?;
    let revoked = revoke_in(&log, which).await;
    log.close().await;
    out::line(revoked?)
}

async fn revoke_in(log: &Log, which: &Which) -> Result<String, Stop> {
    let listed = listed::read(&**log).await?;
    let Some(known) = listed.iter().find(|it| it.is(which)) else {
        return Err(Stop::Wrong(match which {
            Which::Number(number) => anyhow!("there is no token {number}"),
            Which::Hash(_) => anyhow!(
                "no token of this log is that one; that of RELINK_ADMIN_TOKEN ends with the setting"
            ),
        }));
    };
    let said = if let Some(at) = known.revoked_at {
        format!("{known} was revoked already, at {at}")
    } else {
        tell(log, known.account, installation::Command::RevokeToken(known.token)).await?;
        format!("{known} is revoked")
    };
    // Whoever serves looks for it, and "already" may be a moment ago; when this ends, the token is
    // refused.
    tokio::time::sleep(HEARD_WITHIN).await;
    Ok(said)
}

async fn tell(
    log: &Log,
    account: Option<AccountId>,
    command: installation::Command,
) -> Result<Done<installation::Installation>, Stop> {
    let (id, now) = (Uuid::new_v4(), SystemClock.now());
    let context = Context { id, correlation: id, actor: Actor::COMMAND_LINE, account, now };
    Ok(open::decider(log).ask(TheOne, context, command).await?)
}

#[cfg(test)]
mod tests;
