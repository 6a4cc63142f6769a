//! `PUT` and `GET /api/v1/accounts/{account}`.

use std::sync::Arc;

use actors::account::{Command, Profile};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use events::{AccountId, Position};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::body::Json as Body;
use crate::http::context::Cause;
use crate::http::path;
use crate::http::problem::Problem;
use crate::http::under;

/// As many administrators as an account may name.
const EMAILS_MAX: usize = 100;

/// As many characters as a name may have, as in Chatwoot's tables.
pub(super) const NAME_MAX: usize = 255;

#[derive(Deserialize)]
struct Given {
    name: Option<String>,
    administrator_emails: Option<Vec<String>>,
    #[serde(default, with = "present")]
    locale: Option<Option<String>>,
}

/// Tells `null` from nothing.
mod present {
    use serde::{Deserialize, Deserializer};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<String>>, D::Error> {
        Option::deserialize(deserializer).map(Some)
    }
}

#[derive(Serialize)]
struct Shown {
    id: AccountId,
    name: String,
    administrator_emails: Vec<String>,
    locale: Option<String>,
    position: Position,
}

/// The routes; for administrators.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new().route(under!(""), get(show).put(put))
}

async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    cause: Cause,
    Body(given): Body<Given>,
) -> Result<(StatusCode, Json<Shown>), Problem> {
    let known = ask(&app, &caller, cause.step("look"), Command::Look).await;
    let status = match known {
        Ok(_) => StatusCode::OK,
        Err(Problem::NoResource) => {
            path::check_new(caller.account.0)?;
            StatusCode::CREATED
        }
        Err(problem) => return Err(problem),
    };
    let administrator_emails = given.administrator_emails.map(emails).transpose()?;
    let name = given.name.map(|name| named(&name)).transpose()?;
    let locale = given.locale.map(spoken).transpose()?;
    let command = Command::Register { name, administrator_emails, locale };
    let shown = ask(&app, &caller, cause.0, command).await?;
    app.acknowledge(shown.position);
    Ok((status, Json(shown)))
}

async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    cause: Cause,
) -> Result<Json<Shown>, Problem> {
    ask(&app, &caller, cause.0, Command::Look).await.map(Json)
}

async fn ask(
    app: &App,
    caller: &Caller,
    context: actors::Context,
    command: Command,
) -> Result<Shown, Problem> {
    let done = app.actors.accounts.ask(caller.account, context, command).await?;
    let Profile { name, administrator_emails, locale } = done.answer.ok_or(Problem::NoResource)?;
    let (id, position) = (caller.account, done.position);
    Ok(Shown { id, name, administrator_emails, locale, position })
}

/// Whether somebody registered the account.
///
/// # Errors
/// [`Problem::NoResource`] when nobody did.
pub(in crate::http) async fn registered(
    app: &App,
    caller: &Caller,
    context: actors::Context,
) -> Result<(), Problem> {
    // An account is for ever: what a view has seen needs no actor.
    if app.views.accounts.read(|accounts| accounts.account(caller.account).is_some()) {
        return Ok(());
    }
    ask(app, caller, context, Command::Look).await.map(|_| ())
}

/// The name without blanks around it.
///
/// # Errors
/// When nothing is left, or too much.
pub(super) fn named(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Problem::invalid("name", "Name can't be blank"));
    }
    if name.chars().count() > NAME_MAX {
        let text = format!("Name is too long (maximum is {NAME_MAX} characters)");
        return Err(Problem::invalid("name", text));
    }
    Ok(name.to_owned())
}

/// One of Chatwoot's names of languages, such as `en` or `pt_BR`. Those that no mail is written in
/// are taken too, and are written to in English.
fn spoken(given: Option<String>) -> Result<Option<String>, Problem> {
    let Some(given) = given else { return Ok(None) };
    let (language, region) = given.split_once(['_', '-']).unwrap_or((&given, "XX"));
    let word = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    if !word(language, 2..=3) || !word(region, 2..=4) {
        let text = format!("Locale is no language such as en or pt_BR: {given:?}");
        return Err(Problem::invalid("locale", text));
    }
    Ok(Some(given))
}

fn emails(given: Vec<String>) -> Result<Vec<String>, Problem> {
    let wrong = |text: String| Problem::invalid("administrator_emails", text);
    if given.len() > EMAILS_MAX {
        return Err(wrong(format!("Administrator emails are too many (maximum is {EMAILS_MAX})")));
    }
    let mut emails: Vec<String> = Vec::with_capacity(given.len());
    for email in given {
        let email = email.trim();
        if !is_email(email) {
            return Err(wrong(format!("Administrator emails has an invalid address: {email:?}")));
        }
        if !emails.iter().any(|known| known.eq_ignore_ascii_case(email)) {
            emails.push(email.to_owned());
        }
    }
    Ok(emails)
}

/// Looks like one, also to whoever sends the mail: whether somebody reads there, only a mail can
/// tell.
fn is_email(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "@<>,;".contains(c))
    };
    // RFC 5321, section 4.5.3.1: 64 octets before the sign and 254 in all.
    text.len() <= 254
        && text.parse::<lettre::Address>().is_ok()
        && text.split_once('@').is_some_and(|(local, domain)| {
            plain(local) && local.len() <= 64 && plain(domain) && !domain.starts_with('.')
        })
}

#[cfg(test)]
mod tests;
