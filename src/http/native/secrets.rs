//! What a webhook signs with: rotated with an overlap, and shown to those who may see it.

use std::sync::Arc;
use std::time::Duration;

use actors::webhook::{Command, Rotation, Settings};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use events::signing::{Algorithm, SigningKey};
use events::{Position, WebhookId};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::config::duration;
use crate::http::auth::Caller;
use crate::http::body::{self, Raw};
use crate::http::chatwoot::webhooks::shown::{Doing, opened, show};
use crate::http::context::Cause;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::under;
use crate::outbound::{generate_pair, generate_secret, key_context, whsec, whsk};

/// As long as former keys sign where nobody says, as with Svix.
const OVERLAP: Duration = Duration::from_secs(24 * 3_600);

/// As long as they may.
const OVERLAP_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The keys of a request to rotate.
const KNOWN: [&str; 3] = ["overlap", "algorithm", "retire"];

/// The routes; for administrators.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(under!("/webhooks/{webhook}/rotate_secret"), post(rotate))
        .route(under!("/webhooks/{webhook}/secret"), get(reveal))
}

/// What a request to rotate says.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    overlap: Duration,
    algorithm: Algorithm,
    /// Whether the key pair goes without another in its place.
    retire: bool,
}

async fn rotate(
    State(app): State<Arc<App>>,
    caller: Caller,
    Cause(context): Cause,
    PathId(id): PathId<WebhookId>,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    let Asked { overlap, algorithm, retire } = asked(&body)?;
    let seal = |key: &[u8]| app.vault.seal(&key_context(id, algorithm), key);
    let rotation = match (algorithm, retire) {
        (Algorithm::Hmac, _) => Rotation::Secret(seal(generate_secret().as_bytes())),
        (Algorithm::Ed25519, true) => Rotation::NoKeyPair,
        (Algorithm::Ed25519, false) => {
            let (pair, public) = generate_pair();
            Rotation::KeyPair { secret: seal(&pair), public }
        }
    };
    let (account, now) = (caller.account, context.now);
    let command = Command::Rotate { account, rotation, now, overlap };
    let done = app.actors.webhooks.ask(id, context, command).await?;
    app.acknowledge(done.position);
    let settings = done.answer.settings().ok_or(Problem::NoResource)?;
    let webhook = show(&app, id, settings, Doing::of(&app, id))?;
    let mut shown = keys(&app, id, settings, done.position, now)?;
    shown.insert("payload".to_owned(), json!({ "webhook": webhook }));
    Ok(Json(shown.into()))
}

/// Told in the log before it is shown.
async fn reveal(
    State(app): State<Arc<App>>,
    caller: Caller,
    Cause(context): Cause,
    PathId(id): PathId<WebhookId>,
) -> Result<Json<Value>, Problem> {
    let now = context.now;
    let command = Command::Reveal { account: caller.account };
    let done = app.actors.webhooks.ask(id, context, command).await?;
    app.acknowledge(done.position);
    let settings = done.answer.settings().ok_or(Problem::NoResource)?;
    keys(&app, id, settings, done.position, now).map(|keys| Json(keys.into()))
}

fn asked(body: &[u8]) -> Result<Asked, Problem> {
    let given: Map<String, Value> =
        if body.trim_ascii().is_empty() { Map::new() } else { body::parse(body)? };
    if let Some(key) = given.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        let message = format!("{key} is unknown; there are {}", KNOWN.join(", "));
        return Err(Problem::Invalid { message, attributes: vec![], details: vec![] });
    }
    let overlap = match given.get("overlap").filter(|value| !value.is_null()) {
        None => OVERLAP,
        Some(value) => {
            let overlap = value.as_str().and_then(|text| duration::parse(text).ok());
            overlap.filter(|overlap| *overlap <= OVERLAP_MAX).ok_or_else(|| {
                Problem::invalid("overlap", "overlap must be a duration from 0s to 30d")
            })?
        }
    };
    let algorithm = match given.get("algorithm").filter(|value| !value.is_null()) {
        None => Algorithm::Hmac,
        Some(value) => value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
            Problem::invalid("algorithm", "algorithm must be hmac_sha256 or ed25519")
        })?,
    };
    let retire = match given.get("retire") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(retire)) => *retire,
        Some(_) => return Err(Problem::invalid("retire", "retire must be true or false")),
    };
    if retire && algorithm == Algorithm::Hmac {
        let message = "retire is for ed25519: a webhook always has a secret";
        return Err(Problem::invalid("retire", message));
    }
    Ok(Asked { overlap, algorithm, retire })
}

/// All keys that sign now, in clear.
fn keys(
    app: &App,
    id: WebhookId,
    settings: &Settings,
    position: Position,
    now: events::Timestamp,
) -> Result<Map<String, Value>, Problem> {
    let secret = opened(app, id, Algorithm::Hmac, settings.keys.secret())?;
    let shown = |key: &SigningKey| {
        let secret = opened(app, id, key.algorithm, &key.secret)?;
        let signing_secret = match key.algorithm {
            Algorithm::Hmac => whsec(&secret),
            Algorithm::Ed25519 => whsk(&secret),
        };
        Ok(json!({
            "algorithm": key.algorithm.as_str(),
            "signing_secret": signing_secret,
            "public_key": key.public,
            "until": key.until,
        }))
    };
    let keys: Result<Vec<_>, Problem> = settings.keys.live(now).map(shown).collect();
    let mut all = Map::new();
    all.insert("id".to_owned(), json!(id));
    all.insert("secret".to_owned(), json!(String::from_utf8_lossy(&secret)));
    all.insert("signing_secret".to_owned(), json!(whsec(&secret)));
    let public = settings.keys.pair().and_then(|pair| pair.public.as_deref());
    all.insert("signing_public_key".to_owned(), json!(public));
    all.insert("keys".to_owned(), json!(keys?));
    all.insert("position".to_owned(), json!(position));
    Ok(all)
}

#[cfg(test)]
mod tests;
