//! `PUT` and `DELETE /inboxes/{id}`: what the host platform says of an inbox.

mod attributes;

use std::sync::Arc;
use std::time::Duration;

use actors::inbox::{Action, Answer, Profile, Registration, Rejection};
use actors::{Context, Refused};
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use axum::routing::{delete, put};
use axum::{Extension, Json, Router};
use events::{AccountId, InboxId, Position, Sealed};
use projections::inbox_health::HealthState;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::accounts;
use crate::app::App;
use crate::http::auth::Caller;
use crate::http::body::{BYTES_MAX, Json as Body};
use crate::http::chatwoot::inboxes::Shown;
use crate::http::context::Cause;
use crate::http::etag::{self, Precondition};
use crate::http::expiry;
use crate::http::path::{self, PathId};
use crate::http::problem::Problem;
use crate::http::turns::Turns;
use crate::http::under;

/// As high as an inbox's own threshold may be.
const THRESHOLD_MAX: u32 = 1_000;

/// As often as a registration is put together anew because it is registered at another node
/// meanwhile: at this one, one comes after the other.
const TRIES: usize = 8;

/// As long as an answer waits for the view to have seen what it tells.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

#[derive(Clone, Deserialize)]
struct Given {
    name: Option<String>,
    channel_type: Option<String>,
    #[serde(default, with = "present")]
    threshold: Option<Option<i64>>,
    /// Neither says anything that the path does not.
    #[serde(rename = "id")]
    _id: Option<Value>,
    #[serde(rename = "account_id")]
    _account_id: Option<Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Tells `null` from nothing.
mod present {
    use serde::{Deserialize, Deserializer};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<i64>>, D::Error> {
        Option::deserialize(deserializer).map(Some)
    }
}

#[derive(Serialize)]
struct Registered {
    #[serde(flatten)]
    shown: Shown,
    position: Position,
}

#[derive(Serialize)]
struct Removed {
    id: InboxId,
    position: Position,
}

/// The routes; for administrators.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    let turns = Turns::<(AccountId, InboxId)>::default();
    Router::new().route(under!("/inboxes/{inbox}"), put(register)).layer(Extension(turns))
}

/// Removing one is Chatwoot's route too, and fails in its words.
pub(in crate::http) fn removal() -> Router<Arc<App>> {
    Router::new().route(under!("/inboxes/{inbox}"), delete(remove))
}

/// What is given is put over what is known, and holds only if that is known still: else both are
/// put together anew, so that of two at once neither takes back what the other said.
async fn register(
    State(app): State<Arc<App>>,
    Extension(turns): Extension<Turns<(AccountId, InboxId)>>,
    caller: Caller,
    PathId(id): PathId<InboxId>,
    cause: Cause,
    precondition: Precondition,
    Body(given): Body<Given>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Registered>), Problem> {
    accounts::registered(&app, &caller, cause.step("account")).await?;
    let turn = app.unless_it_stops(turns.wait((caller.account, id))).await?;
    let turn = turn.ok_or(Problem::Busy)?;
    for _ in 0..TRIES {
        let look = app.command(caller.account, Action::Look);
        // Never a repetition: what is known now is asked.
        let looking = Context { id: Uuid::new_v4(), ..cause.0.clone() };
        let (known, version) = match app.actors.inboxes.ask(id, looking, look).await {
            Ok(done) => (done.answer.profile, done.answer.version),
            // There is none, or it is another account's, which the registration finds out.
            Err(Refused::Rejected(Rejection::Unknown)) => (None, 0),
            Err(refused) => return Err(refused.into()),
        };
        let status = if known.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        if known.is_none() {
            path::check_new(id.0)?;
        }
        let mut registration = registration(&app, id, known.as_deref(), given.clone())?;
        registration.expected = Some(version);
        if !precondition.holds(version) {
            // No version is this one, so that nothing is changed and an owner is asked first.
            registration.expected = Some(u32::MAX);
        }
        let command = app.command(caller.account, Action::Register(registration));
        match app.actors.inboxes.ask(id, cause.0.clone(), command).await {
            Ok(done) => {
                app.acknowledge(done.position);
                // Whoever comes next does not wait until the view has seen it.
                drop(turn);
                let (tag, position) = (etag::of(done.answer.version), done.position);
                let shown = shown(&app, id, done.answer, position).await?;
                return Ok((status, tag, Json(Registered { shown, position })));
            }
            Err(Refused::Rejected(Rejection::Changed(_)))
                if precondition.holds(version) && precondition.may_hold_again() => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Problem::Busy)
}

async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<InboxId>,
    cause: Cause,
) -> Result<Json<Removed>, Problem> {
    let command = app.command(caller.account, Action::Remove);
    let position = app.actors.inboxes.ask(id, cause.0, command).await?.position;
    app.acknowledge(position);
    Ok(Json(Removed { id, position }))
}

/// As a GET shows it. Its state is the view's to say, which is waited for; where that is late, it
/// is shown as it was before.
async fn shown(
    app: &App,
    id: InboxId,
    answer: Answer,
    position: Position,
) -> Result<Shown, Problem> {
    let profile = answer.profile.ok_or(Problem::NoResource)?;
    let Profile { name, channel_type, .. } = Arc::unwrap_or_clone(profile);
    let view = &app.views.inbox_health;
    let _ = view.wait_for(position, SEEN_WITHIN).await;
    let seen = view.read(|view| view.inbox(id).map(|inbox| (inbox.state, inbox.since)));
    let (state, since) = seen.unwrap_or_else(|| (HealthState::Unknown, app.clock.now()));
    Ok(Shown {
        id,
        name,
        channel_type,
        reauthorization_required: answer.reauthorization_required,
        authorization_error_count: answer.authorization_error_count,
        threshold: answer.threshold,
        state,
        since,
        expires_at: answer.expires_at,
    })
}

/// What is given, put over what is known.
fn registration(
    app: &App,
    id: InboxId,
    known: Option<&Profile>,
    given: Given,
) -> Result<Registration, Problem> {
    let expires_at = expiry::given(&given.rest)?;
    let (attributes, credentials) = attributes::split(given.rest);
    Ok(Registration {
        name: given.name.map(|name| accounts::named(&name)).transpose()?,
        channel_type: given.channel_type.map(channel_type).transpose()?,
        attributes: merged_attributes(known, attributes)?,
        credentials: merged_credentials(app, id, known, credentials)?,
        threshold: given.threshold.map(threshold).transpose()?,
        expires_at,
        expected: None,
    })
}

fn channel_type(text: String) -> Result<String, Problem> {
    let class = text.strip_prefix("Channel::").unwrap_or("");
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    if class.is_empty() || text.len() > 100 || !class.chars().all(plain) {
        let text = "Channel type must be Channel:: and a name, as in Channel::Whatsapp";
        return Err(Problem::invalid("channel_type", text));
    }
    Ok(text)
}

fn threshold(given: Option<i64>) -> Result<Option<u32>, Problem> {
    let Some(given) = given else { return Ok(None) };
    let number = u32::try_from(given).ok().filter(|it| (1..=THRESHOLD_MAX).contains(it));
    let text = || format!("Threshold must be between 1 and {THRESHOLD_MAX}, or null");
    number.map(Some).ok_or_else(|| Problem::invalid("threshold", text()))
}

fn merged_attributes(
    known: Option<&Profile>,
    given: Map<String, Value>,
) -> Result<Option<String>, Problem> {
    if given.is_empty() {
        return Ok(None);
    }
    // It is JSON of ours; if it were not, it would be begun anew.
    let known = known.and_then(|known| serde_json::from_str(&known.attributes).ok());
    let mut all: Map<String, Value> = known.unwrap_or_default();
    attributes::merge(&mut all, given);
    text_of(&all).map(Some)
}

fn merged_credentials(
    app: &App,
    id: InboxId,
    known: Option<&Profile>,
    given: Map<String, Value>,
) -> Result<Option<Sealed>, Problem> {
    if given.is_empty() {
        return Ok(None);
    }
    let place = format!("inbox/{id}/credentials");
    let known = match known.and_then(|known| known.credentials.as_ref()) {
        None => Map::new(),
        Some(sealed) => {
            let plain = app.vault.unseal(&place, sealed).map_err(|unsealable| {
                tracing::error!(inbox.id = %id, "credentials of inbox {id}: {unsealable}");
                Problem::Bug
            })?;
            serde_json::from_slice(&plain).unwrap_or_default()
        }
    };
    let mut all = known.clone();
    attributes::merge(&mut all, given);
    if all == known {
        return Ok(None);
    }
    Ok(Some(app.vault.seal(&place, text_of(&all)?.as_bytes())))
}

fn text_of(object: &Map<String, Value>) -> Result<String, Problem> {
    let text = serde_json::to_string(object).map_err(|_| Problem::Bug)?;
    if text.len() > BYTES_MAX {
        return Err(Problem::TooLarge { what: "the inbox", limit: BYTES_MAX });
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
