//! The four calls that report on a subject's authorization, the same for each kind of subject.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use axum::routing::post;
use events::evidence::{Class, Scope, Verdict};
use events::reauthorization::Command as Report;
use events::{HookId, InboxId, Position, RuleId};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::body::{self, Raw};
use crate::http::context::Cause;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::subject::Reauthorizable;
use crate::http::under;
use crate::providers::{self, BadReport};

/// As many characters of a prompt's reason as are kept.
const REASON_MAX: usize = 500;

/// As many bytes as an answer hardly ever goes beyond.
const SHOWN_BYTES: usize = 512;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[derive(Serialize)]
struct Shown {
    authorization_error_count: u32,
    threshold: u32,
    reauthorization_required: bool,
    class: Option<Class>,
    scope: Option<Scope>,
    rule: Option<String>,
    /// Whether the row was found in public documentation.
    confirmed: Option<bool>,
    action: Option<&'static str>,
    position: Position,
}

#[derive(Deserialize)]
struct Prompt {
    reason: Option<String>,
}

impl From<BadReport> for Problem {
    fn from(bad: BadReport) -> Self {
        match bad {
            BadReport::Unreadable(error) if error.is_data() => {
                Self::Invalid { message: error.to_string(), attributes: vec![], details: vec![] }
            }
            BadReport::Unreadable(error) => {
                Self::Malformed(format!("the body is no JSON: {error}"))
            }
            BadReport::Status(_) => Self::invalid("status", bad.to_string()),
        }
    }
}

/// One of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Call {
    Error,
    Success,
    Prompt,
    Reauthorized,
}

impl Call {
    const ALL: [Self; 4] = [Self::Error, Self::Success, Self::Prompt, Self::Reauthorized];

    /// By the last word of its path.
    pub(in crate::http) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|call| {
            let before = call.route().strip_suffix(word);
            before.is_some_and(|before| before.ends_with('/'))
        })
    }

    /// Where it comes in on an inbox.
    pub(in crate::http) fn route(self) -> &'static str {
        match self {
            Self::Error => under!("/inboxes/{inbox}/authorization_errors"),
            Self::Success => under!("/inboxes/{inbox}/authorization_successes"),
            Self::Prompt => under!("/inboxes/{inbox}/prompt_reauthorization"),
            Self::Reauthorized => under!("/inboxes/{inbox}/reauthorized"),
        }
    }

    fn on_a_hook(self) -> &'static str {
        match self {
            Self::Error => under!("/integrations/hooks/{hook}/authorization_errors"),
            Self::Success => under!("/integrations/hooks/{hook}/authorization_successes"),
            Self::Prompt => under!("/integrations/hooks/{hook}/prompt_reauthorization"),
            Self::Reauthorized => under!("/integrations/hooks/{hook}/reauthorized"),
        }
    }

    fn on_a_rule(self) -> &'static str {
        match self {
            Self::Error => under!("/automation_rules/{rule}/authorization_errors"),
            Self::Success => under!("/automation_rules/{rule}/authorization_successes"),
            Self::Prompt => under!("/automation_rules/{rule}/prompt_reauthorization"),
            Self::Reauthorized => under!("/automation_rules/{rule}/reauthorized"),
        }
    }
}

/// The routes; for ingest.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    of::<InboxId>(Call::route)
        .merge(of::<HookId>(Call::on_a_hook))
        .merge(of::<RuleId>(Call::on_a_rule))
}

fn of<I: Reauthorizable>(route: fn(Call) -> &'static str) -> Router<Arc<App>> {
    Call::ALL.into_iter().fold(Router::new(), |router, call| {
        let report = async move |State(app): State<Arc<App>>,
                                 caller: Caller,
                                 PathId(id): PathId<I>,
                                 cause: Cause,
                                 Raw(body): Raw| {
            answer(&app, &caller, id, cause, call, &body).await
        };
        router.route(route(call), post(report))
    })
}

/// Tells the subject, and what came of it.
pub(in crate::http) async fn answer<I: Reauthorizable>(
    app: &App,
    caller: &Caller,
    id: I,
    cause: Cause,
    call: Call,
    body: &[u8],
) -> Result<Response, Problem> {
    let (report, verdict) = match call {
        Call::Error => {
            let evidence = providers::evidence(body)?;
            let verdict = providers::classify(&evidence);
            let (table, at) = (providers::TABLE_VERSION, cause.0.now);
            let report = Report::RecordError { evidence, verdict: verdict.clone(), table, at };
            (report, Some(verdict))
        }
        Call::Success => {
            given::<IgnoredAny>(body)?;
            (Report::RecordSuccess, None)
        }
        Call::Prompt => (Report::Prompt { reason: reason(body)? }, None),
        Call::Reauthorized => {
            given::<IgnoredAny>(body)?;
            (Report::Reauthorize, None)
        }
    };
    record(app, caller, id, cause, report, verdict).await
}

/// What the body says; none where there is no body.
fn given<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<Option<T>, Problem> {
    if body.trim_ascii().is_empty() { Ok(None) } else { body::parse(body).map(Some) }
}

/// Why somebody must reauthorize, in the platform's words.
fn reason(body: &[u8]) -> Result<Option<String>, Problem> {
    let reason = given(body)?.and_then(|Prompt { reason }| reason);
    Ok(reason.map(|reason| {
        let reason: String = reason.chars().take(REASON_MAX).collect();
        providers::redacted(&reason)
    }))
}

async fn record<I: Reauthorizable>(
    app: &App,
    caller: &Caller,
    id: I,
    Cause(context): Cause,
    report: Report,
    verdict: Option<Verdict>,
) -> Result<Response, Problem> {
    let known = id.report(app, caller.account, context, report).await?;
    app.acknowledge(known.position);
    let (class, scope, rule) = match verdict {
        Some(Verdict { class, scope, rule }) => (Some(class), Some(scope), rule),
        None => (None, None, None),
    };
    let row = rule.as_deref().and_then(providers::row);
    let shown = Shown {
        authorization_error_count: known.count,
        threshold: known.threshold,
        reauthorization_required: known.required,
        class,
        scope,
        rule,
        confirmed: row.map(|row| row.confirmed),
        action: row.map(|row| row.action),
        position: known.position,
    };
    let mut json = Vec::with_capacity(SHOWN_BYTES);
    serde_json::to_writer(&mut json, &shown).map_err(|_| Problem::Bug)?;
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(response)
}

#[cfg(test)]
mod tests;
