//! What the log tells of its tokens.

use std::fmt;
use std::io::{self, Write};

use events::installation::{Event, Role};
use events::{AccountId, Actor, EventStore, Failure, Timestamp, TokenId};
use serde::Serialize;

use super::Which;
use crate::cli::open;
use crate::tokens;

/// A token as the log tells of it.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    pub(super) token: TokenId,
    /// Whose it is; none means every account's.
    pub(super) account: Option<AccountId>,
    role: Role,
    created_at: Timestamp,
    created_by: Option<Actor>,
    pub(super) revoked_at: Option<Timestamp>,
    revoked_by: Option<Actor>,
    #[serde(skip)]
    hash: [u8; 32],
}

impl Listed {
    /// Whether somebody means this one.
    pub(super) fn is(&self, which: &Which) -> bool {
        match which {
            Which::Number(number) => self.token == *number,
            Which::Hash(hash) => tokens::same(&self.hash, hash),
        }
    }

    fn whose(&self) -> String {
        self.account.map_or_else(|| "all".to_owned(), |account| account.to_string())
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token, account, role, .. } = self;
        match account {
            Some(account) => write!(f, "token {token} ({role} of account {account})"),
            None => write!(f, "token {token} ({role} of all accounts)"),
        }
    }
}

/// All tokens there ever were, by number.
///
/// # Errors
/// When the log cannot be read.
pub(super) async fn read(log: &dyn EventStore) -> Result<Vec<Listed>, Failure> {
    let mut listed: Vec<Listed> = vec![];
    open::each_of_installation(log, |record, event| {
        let by = record.metadata().ok().map(|metadata| metadata.actor);
        if let Event::TokenCreated(it) = event {
            listed.push(Listed {
                token: it.token,
                account: it.account,
                role: it.role,
                created_at: record.at,
                created_by: by,
                revoked_at: None,
                revoked_by: None,
                hash: it.hash,
            });
        } else if let Event::TokenRevoked(it) = event
            && let Some(known) = listed.iter_mut().find(|known| known.token == it.token)
        {
            (known.revoked_at, known.revoked_by) = (Some(record.at), by);
        }
    })
    .await?;
    Ok(listed)
}

/// A line each.
///
/// # Errors
/// When it cannot be written.
pub(super) fn print(out: &mut dyn Write, listed: &[&Listed], json: bool) -> io::Result<()> {
    if json {
        for it in listed {
            serde_json::to_writer(&mut *out, it)?;
            writeln!(out)?;
        }
        return Ok(());
    }
    let mut line = |cells: [&str; 5]| {
        let [token, account, role, created, state] = cells;
        writeln!(out, "{token:>6} {account:>8}  {role:<14} {created:<28} {state}")
    };
    line(["token", "account", "role", "created", "state"])?;
    for it in listed {
        let state = it.revoked_at.map_or_else(|| "good".into(), |at| format!("revoked {at}"));
        let (token, created) = (it.token.to_string(), it.created_at.to_string());
        line([&token, &it.whose(), it.role.as_str(), &created, &state])?;
    }
    Ok(())
}
