//! The trouble of an account's subjects, and of the installation's apps.

mod everywhere;
mod page;

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use events::reauthorization::Command as Report;
use events::{AccountId, Category, Failure, StreamName, Subject, Timestamp, Until};
use projections::incidents::{Incident, Incidents};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::{App, Seen};
use crate::http::auth::Caller;
use crate::http::context::Cause;
use crate::http::fresh::Fresh;
use crate::http::halted;
use crate::http::path::PathWord;
use crate::http::places::Places;
use crate::http::problem::Problem;
use crate::http::query::{self, Query};
use crate::http::subject::Reauthorizable;
use crate::http::under;
use crate::past::{self, Known};
use crate::rendering::incidents as rendering;
use page::{Page, Place};

pub(in crate::http) use everywhere::of_installation;

/// As many questions as are answered at once by reading the whole log, in all and of one account.
const LOGS_MAX: (usize, usize) = (2, 1);

const LIMIT: usize = 50;
const LIMIT_MAX: usize = 200;

/// Places for those who read the whole log.
#[derive(Clone)]
struct WholeLog(Places);

#[derive(Deserialize)]
struct Asked {
    state: Option<String>,
    subject: Option<String>,
    class: Option<String>,
    muted: Option<String>,
    at: Option<String>,
    before: Option<String>,
    limit: Option<String>,
}

/// Which incidents are wanted.
struct Filter {
    open: Option<bool>,
    subject: Option<Subject>,
    class: Option<events::evidence::Class>,
    muted: Option<bool>,
    before: Option<Place>,
    limit: usize,
}

impl Asked {
    fn filter(&self) -> Result<Filter, Problem> {
        let open = |text: &str| match text {
            "open" => Ok(true),
            "closed" => Ok(false),
            other => Err(format!("{other:?} is neither open nor closed")),
        };
        Ok(Filter {
            open: query::read("state", self.state.as_deref(), open)?,
            subject: query::read("subject", self.subject.as_deref(), str::parse)?,
            class: query::read("class", self.class.as_deref(), str::parse)?,
            muted: query::read("muted", self.muted.as_deref(), str::parse)?,
            before: query::read("before", self.before.as_deref(), page::before)?,
            limit: query::limit(self.limit.as_deref(), LIMIT, LIMIT_MAX)?,
        })
    }
}

impl Filter {
    fn wants(&self, incident: &Incident) -> bool {
        self.open.is_none_or(|open| open == incident.ended.is_none())
            && self.subject.is_none_or(|subject| subject == incident.subject)
            && self.class.is_none_or(|class| incident.class == Some(class))
            && self.muted.is_none_or(|muted| muted == incident.muted.is_some())
    }
}

/// The routes that show; for agents too.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    let (all, each) = LOGS_MAX;
    Router::new()
        .route(under!("/incidents"), get(list))
        .layer(Extension(Places::of_pasts()))
        .layer(Extension(WholeLog(Places::new(all, each))))
}

/// The routes that change; for administrators.
pub(in crate::http) fn changes() -> Router<Arc<App>> {
    let muting = |muted: bool| {
        post(async move |app, caller, incident, cause| {
            let mute = |incident| Report::MuteIncident { incident, muted };
            change(app, caller, incident, cause, mute).await
        })
    };
    let closing = post(async |app, caller, incident, cause| {
        change(app, caller, incident, cause, |incident| Report::CloseIncident { incident }).await
    });
    Router::new()
        .route(under!("/incidents/{incident}/mute"), muting(true))
        .route(under!("/incidents/{incident}/unmute"), muting(false))
        .route(under!("/incidents/{incident}/close"), closing)
}

async fn list(
    State(app): State<Arc<App>>,
    Extension(places): Extension<Places>,
    Extension(logs): Extension<WholeLog>,
    caller: Caller,
    Query(asked): Query<Asked>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    let filter = asked.filter()?;
    let told = match query::read("at", asked.at.as_deref(), past::moment)? {
        Some(until) if is_past(&app, until).await? => {
            let _place = places.wait(&app, caller.account).await?;
            app.unless_it_stops(then(&app, &logs, &caller, &filter, until)).await?
        }
        Some(_) | None => {
            let (seen, mut told) = now(&app, &caller, &filter);
            told["as_of"] = json!(app.as_of(seen).await);
            Ok(Json(told))
        }
    };
    // Behind the views, which have said by then what they could not read.
    if let Some(subject) = filter.subject {
        halted::refuse(&app, caller.account, &streams(subject)).await?;
    }
    told
}

/// What the view shows; as of when is to be told by how far it has seen.
fn now(app: &App, caller: &Caller, filter: &Filter) -> (Seen, Value) {
    let (now, mut seen) = (app.clock.now(), Seen::default());
    let view = app.views.incidents.reading();
    seen.by(&view);
    let apps = apps(&view, caller, filter, now);
    let mut told = json!({ "as_of": null, "installation": apps });
    shown(own(&view, caller), filter, now).put_into(&mut told);
    (seen, told)
}

async fn is_past(app: &App, until: Until) -> Result<bool, Problem> {
    Ok(match until {
        Until::Now => false,
        Until::Time(time) => time <= app.clock.now(),
        Until::Position(position) => position <= app.store.head().await?,
    })
}

/// The moment that was asked about: where it is a position, that of the record which stands there,
/// or else of the last one that was told.
async fn moment(app: &App, until: Until, last: Option<Timestamp>) -> Result<Timestamp, Problem> {
    let record = match until {
        Until::Time(time) => return Ok(time),
        Until::Now => None,
        Until::Position(position) => app.store.record_at(position).await?,
    };
    Ok(record.map(|record| record.at).or(last).unwrap_or_else(|| app.clock.now()))
}

/// The streams that tell of a subject's trouble: what a webhook answered stands in its ledger.
fn streams(subject: Subject) -> Vec<StreamName> {
    match subject {
        Subject::Webhook(id) => vec![subject.stream(), StreamName::new(Category::Ledger, id)],
        Subject::Account(_) | Subject::Inbox(_) | Subject::Hook(_) | Subject::Rule(_) => {
            vec![subject.stream()]
        }
    }
}

/// The past is told from the subjects' own records. What several had in common is told by those of
/// everybody: the whole log is read where there ever was anything of the kind.
async fn then(
    app: &App,
    logs: &WholeLog,
    caller: &Caller,
    filter: &Filter,
    until: Until,
) -> Result<Json<Value>, Problem> {
    let mut subjects = ever(app, caller.account);
    subjects.retain(|one| filter.subject.is_none_or(|subject| subject == *one));
    let mut past = past::incidents(&app.store, subjects, until).await?;
    if filter.subject.is_some() {
        past = past.into_iter().map(Known::whole).collect::<Result<_, _>>()?;
    }
    let last = past.iter().filter_map(|known| known.last).max();
    let now = moment(app, until, last.map(|(_, at)| at)).await?;
    let common = in_common(app, logs, caller, (until, now)).await?;
    let part_of = |one: &Incident| common.as_ref()?.get(one.subject, one.number)?.app;
    let all = past.iter().flat_map(|known| own(&known.view, caller)).cloned();
    let all: Vec<_> = all.map(|one| Incident { app: part_of(&one), ..one }).collect();
    let apps = common.as_ref().map(|common| apps(common, caller, filter, now));
    let mut told = json!({ "as_of": now, "installation": apps });
    shown(all.iter(), filter, now).put_into(&mut told);
    // Of an endpoint's incidents its ledger tells, and no longer than retention keeps it.
    if let Some(kept_from) = past.iter().filter_map(|known| known.kept_from).max() {
        told["kept_from"] = json!(kept_from);
    }
    let damaged: Vec<_> = past.iter().filter_map(|known| known.damage.as_ref()).collect();
    if !damaged.is_empty() {
        let streams = damaged.into_iter().map(|damage| damage.stream.as_str());
        told["halted"] = streams.collect();
    }
    Ok(Json(told))
}

/// The incidents of the whole installation as of a moment: empty where none of its apps' can have
/// touched the account by then, which the view knows without reading the log; none where the log
/// cannot be read, which may be another account's damage.
async fn in_common(
    app: &App,
    logs: &WholeLog,
    caller: &Caller,
    (until, by): (Until, Timestamp),
) -> Result<Option<Incidents>, Problem> {
    let account = caller.account;
    if !app.views.incidents.read(|view| view.may_have_shared(account, by)) {
        return Ok(Some(Incidents::default()));
    }
    let _place = logs.0.wait(app, account).await?;
    match past::of_installation(&*app.store, until).await {
        Ok((known, _)) => Ok(Some(known.view)),
        Err(Failure::Corrupt { .. }) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// Those of the installation's apps, as far as they touch the account.
fn apps(view: &Incidents, caller: &Caller, filter: &Filter, now: Timestamp) -> Vec<Value> {
    let account = Some(caller.account);
    let wanted = view.of_installation();
    let wanted = wanted.filter(|one| filter.open.is_none_or(|open| open == one.ended.is_none()));
    wanted.filter_map(|one| rendering::app(one, view, account, now)).collect()
}

/// Whatever the account has that can be in trouble, or had.
fn ever(app: &App, account: AccountId) -> Vec<Subject> {
    let views = &app.views;
    let mut subjects: Vec<_> =
        views.inbox_health.read(|view| view.ever_of_account(account).map(Subject::Inbox).collect());
    views.hook_health.read(|view| {
        subjects.extend(view.ever_of_account(account).map(Subject::Hook));
    });
    views.rule_health.read(|view| {
        subjects.extend(view.ever_of_account(account).map(Subject::Rule));
    });
    views.webhook_health.read(|view| {
        subjects.extend(view.ever_of_account(account).map(Subject::Webhook));
    });
    subjects
}

fn own<'a>(view: &'a Incidents, caller: &Caller) -> impl Iterator<Item = &'a Incident> {
    view.open_of_account(caller.account).chain(view.closed_of_account(caller.account))
}

fn shown<'a>(
    all: impl Iterator<Item = &'a Incident>,
    filter: &Filter,
    now: Timestamp,
) -> Page<Value> {
    let wanted = all.filter(|incident| filter.wants(incident));
    let wanted = wanted.map(|incident| (page::place(incident), incident)).collect();
    let Page { shown, total, next_before } = Page::of(wanted, filter.before, filter.limit);
    let shown = shown.into_iter().map(|one| rendering::incident(one, now)).collect();
    Page { shown, total, next_before }
}

async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathWord(incident): PathWord,
    Cause(context): Cause,
    report: impl FnOnce(u64) -> Report,
) -> Result<Json<Value>, Problem> {
    let (subject, number) = rendering::parse_id(&incident).ok_or(Problem::NoResource)?;
    let open = {
        app.own_writes().await;
        let view = app.views.incidents.reading();
        let known = view.get(subject, number).filter(|it| it.account == caller.account);
        known.ok_or(Problem::NoResource)?.ended.is_none()
    };
    if !open {
        return Err(Problem::Conflict(format!("incident {incident} is over")));
    }
    let (account, report) = (caller.account, report(number));
    let position = match subject {
        Subject::Inbox(id) => id.report(&app, account, context, report).await?.position,
        Subject::Hook(id) => id.report(&app, account, context, report).await?.position,
        Subject::Rule(id) => id.report(&app, account, context, report).await?.position,
        Subject::Webhook(_) => {
            let text = "the incident of an endpoint is over when it takes a delivery again";
            return Err(Problem::Conflict(text.to_owned()));
        }
        Subject::Account(_) => return Err(Problem::NoResource),
    };
    app.acknowledge(position);
    app.own_writes().await;
    let view = app.views.incidents.reading();
    let known = view.get(subject, number).ok_or(Problem::NoResource)?;
    let mut shown = rendering::incident(known, app.clock.now());
    shown["position"] = json!(position);
    Ok(Json(shown))
}

#[cfg(test)]
mod tests;
