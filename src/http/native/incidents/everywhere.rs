//! The trouble that all connections of a provider's app share; for whoever runs the installation.

use std::sync::Arc;

use actors::installation::{Command, TheOne};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use events::{AccountId, installation};
use projections::incidents::{AppIncident, Incidents};
use serde_json::{Value, json};

use super::page::{self, Page};
use super::{Asked, Filter, is_past};
use crate::app::{App, Seen};
use crate::http::auth::Operator;
use crate::http::context::Cause;
use crate::http::fresh::Fresh;
use crate::http::path::PathWord;
use crate::http::places::Places;
use crate::http::problem::Problem;
use crate::http::query::{self, Query};
use crate::past;
use crate::rendering::incidents as rendering;

/// The routes of the installation; for its administrator.
pub(in crate::http) fn of_installation() -> Router<Arc<App>> {
    let muting = |muted: bool| {
        post(async move |app, operator, incident, cause| {
            let mute = |incident| Command::MuteIncident { incident, muted };
            change(app, operator, incident, cause, mute).await
        })
    };
    let closing = post(async |app, operator, incident, cause| {
        change(app, operator, incident, cause, Command::CloseIncident).await
    });
    Router::new()
        .route("/api/v1/incidents", get(list))
        .route("/api/v1/incidents/{incident}/mute", muting(true))
        .route("/api/v1/incidents/{incident}/unmute", muting(false))
        .route("/api/v1/incidents/{incident}/close", closing)
        .layer(Extension(Places::of_pasts()))
}

async fn list(
    State(app): State<Arc<App>>,
    Extension(places): Extension<Places>,
    _: Operator,
    Query(asked): Query<Asked>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    let filter = asked.filter()?;
    match query::read("at", asked.at.as_deref(), past::moment)? {
        Some(until) if is_past(&app, until).await? => {
            let _place = places.wait(&app, None::<AccountId>).await?;
            let told = past::of_installation(&*app.store, until);
            let (known, damaged) = app.unless_it_stops(told).await??;
            let last = known.last.map(|(_, at)| at);
            let now = super::moment(&app, until, last).await?;
            let mut told = shown(&known.view, &filter, now);
            if !damaged.is_empty() {
                told["halted"] = damaged.iter().map(|damage| damage.stream.as_str()).collect();
            }
            Ok(Json(told))
        }
        Some(_) | None => {
            let (now, mut seen) = (app.clock.now(), Seen::default());
            let mut told = {
                let view = app.views.incidents.reading();
                seen.by(&view);
                shown(&view, &filter, now)
            };
            told["as_of"] = json!(app.as_of(seen).await);
            Ok(Json(told))
        }
    }
}

fn shown(view: &Incidents, filter: &Filter, now: events::Timestamp) -> Value {
    let wanted = view.of_installation().filter(|one| filter.wants_app(one));
    let wanted = wanted.map(|one| (page::place_of_app(one), one)).collect();
    let Page { shown, total, next_before } = Page::of(wanted, filter.before, filter.limit);
    let shown = shown.into_iter().filter_map(|one| rendering::app(one, view, None, now)).collect();
    let mut told = json!({ "as_of": now, "open": view.count_open() });
    Page { shown, total, next_before }.put_into(&mut told);
    told
}

impl Filter {
    fn wants_app(&self, incident: &AppIncident) -> bool {
        self.open.is_none_or(|open| open == incident.ended.is_none())
            && self.subject.is_none_or(|subject| incident.affected.contains(&subject))
            && self.class.is_none_or(|class| incident.class == class)
            && self.muted.is_none_or(|muted| muted == incident.muted.is_some())
    }
}

async fn change(
    State(app): State<Arc<App>>,
    _: Operator,
    PathWord(incident): PathWord,
    Cause(context): Cause,
    command: impl FnOnce(installation::AppIncident) -> Command,
) -> Result<Json<Value>, Problem> {
    let number = rendering::parse_app_id(&incident).ok_or(Problem::NoResource)?;
    app.own_writes().await;
    let (named, open) = app.views.incidents.read(|view| {
        let known = view.app(number).ok_or(Problem::NoResource)?;
        let (provider, class) = (known.provider.to_string(), known.class);
        let named = installation::AppIncident { number, provider, class };
        Ok::<_, Problem>((named, known.ended.is_none()))
    })?;
    if !open {
        return Err(Problem::Conflict(format!("incident {incident} is over")));
    }
    let done = app.actors.installation.ask(TheOne, context, command(named)).await?;
    app.acknowledge(done.position);
    app.own_writes().await;
    let view = app.views.incidents.reading();
    let known = view.app(number).ok_or(Problem::NoResource)?;
    let shown = rendering::app(known, &view, None, app.clock.now());
    let mut shown = shown.ok_or(Problem::NoResource)?;
    shown["position"] = json!(done.position);
    Ok(Json(shown))
}

#[cfg(test)]
mod tests;
