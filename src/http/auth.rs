//! Who asks: a token in a header, and what its role allows under one account.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use events::installation::Role;
use events::{AccountId, Actor, TokenId};
use projections::access::Token;

use super::context::Cause;
use super::halted::About;
use super::idempotency::{self, Holder, UnderWay};
use super::native::accounts::registered;
use super::path;
use super::problem::Problem;
use crate::app::App;
use crate::tokens;

/// Who asks, for the account that the path names; being able to have one means to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// As the log knows them.
    pub actor: Actor,
    /// By which token; none is that of the settings.
    pub token: Option<TokenId>,
    /// The account that the path names.
    pub account: AccountId,
    /// What they may do.
    pub role: Role,
}

impl Caller {
    /// Whether the token is good still: for what goes on long after it was let in.
    pub fn is_still_known(&self, app: &App) -> bool {
        let revoked = |token| app.views.access.read(|access| access.is_revoked(token));
        !self.token.is_some_and(revoked)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Without it the route stands outside of `open_to`, which is a mistake of ours.
        parts.extensions.get().cloned().ok_or(Problem::Bug)
    }
}

/// Whoever may do everything in the whole installation; being able to have one means to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// As the log knows them.
    pub actor: Actor,
}

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or(Problem::Bug)
    }
}

/// Opens routes outside of accounts to administrators of the installation. Every POST among them
/// takes an `Idempotency-Key`.
pub fn open_to_operators(
    app: &Arc<App>,
    under_way: &UnderWay,
    routes: Router<Arc<App>>,
) -> Router<Arc<App>> {
    let state = (app.clone(), under_way.clone());
    routes.layer(from_fn_with_state(state, guard_installation))
}

async fn guard_installation(
    State((app, under_way)): State<(Arc<App>, UnderWay)>,
    mut request: Request,
    next: Next,
) -> Response {
    let operator = match known(&app, request.headers()).await {
        Ok(Known { actor, account: None, role: Role::Administrator, .. }) => Operator { actor },
        Ok(_) => return Problem::Forbidden.into_response(),
        Err(problem) => return problem.into_response(),
    };
    if idempotency::asked_for(&request) {
        let holder = Holder::from(&operator);
        request.extensions_mut().insert(operator);
        return idempotency::once(app, under_way, holder, request, next).await;
    }
    request.extensions_mut().insert(operator);
    next.run(request).await
}

/// What the guard of some routes knows.
#[derive(Clone)]
struct Gate {
    app: Arc<App>,
    role: Role,
    under_way: UnderWay,
}

/// Opens routes under `/api/v1/accounts/{account}` to this role, and to administrators. Every
/// POST among them takes an `Idempotency-Key`, no GET tells of a subject that is halted, and of an
/// account that nobody registered there is nothing to read, not even an empty list.
pub fn open_to(
    role: Role,
    app: &Arc<App>,
    under_way: &UnderWay,
    routes: Router<Arc<App>>,
) -> Router<Arc<App>> {
    let gate = Gate { app: app.clone(), role, under_way: under_way.clone() };
    routes.layer(from_fn_with_state(gate, guard))
}

async fn guard(
    State(gate): State<Gate>,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match gate.caller(request.headers(), &params).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    if idempotency::asked_for(&request) {
        let holder = Holder::from(&caller);
        request.extensions_mut().insert(caller);
        return idempotency::once(gate.app, gate.under_way, holder, request, next).await;
    }
    // Whoever writes asks for the account in their own words; what cannot be told now stops nobody.
    if let Method::GET | Method::HEAD = *request.method() {
        let context = Cause::of(request.extensions(), &caller, &gate.app).0;
        if let Err(problem @ Problem::NoResource) = registered(&gate.app, &caller, context).await {
            return problem.into_response();
        }
    }
    let (about, account) = (About::of(&request, &params), caller.account);
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    match about.refuse(&gate.app, account).await {
        Ok(()) => response,
        Err(problem) => problem.into_response(),
    }
}

impl Gate {
    async fn caller(&self, headers: &HeaderMap, params: &RawPathParams) -> Result<Caller, Problem> {
        let (_, account) = params.iter().next().ok_or(Problem::Bug)?;
        let account = path::number(account).map(AccountId);
        admit(&self.app, headers, account, self.role).await
    }
}

/// Who may do what takes this role in the account; none is one that cannot be.
pub(super) async fn admit(
    app: &App,
    headers: &HeaderMap,
    account: Option<AccountId>,
    needed: Role,
) -> Result<Caller, Problem> {
    let Known { actor, token, account: only, role } = known(app, headers).await?;
    let account = account.ok_or(Problem::NoResource)?;
    if only.is_some_and(|only| only != account) {
        return Err(Problem::OtherAccount);
    }
    if role != Role::Administrator && role != needed {
        return Err(Problem::Forbidden);
    }
    Ok(Caller { actor, token, account, role })
}

/// Whose token it is, the only account that it is good for, and its role.
struct Known {
    actor: Actor,
    token: Option<TokenId>,
    account: Option<AccountId>,
    role: Role,
}

async fn known(app: &App, headers: &HeaderMap) -> Result<Known, Problem> {
    let hash = tokens::hash(token(headers).ok_or(Problem::SignedOut)?);
    if app.admin.is_some_and(|admin| tokens::same(&admin, &hash)) {
        let (actor, role) = (Actor::ADMIN, Role::Administrator);
        return Ok(Known { actor, token: None, account: None, role });
    }
    let find = || app.views.access.read(|access| access.token(&hash));
    let (mut found, mut is_all_seen) = (find(), true);
    if found.is_none() {
        // It may have been made a moment ago, at the command line too.
        is_all_seen = app.all_tokens().await;
        found = find();
    }
    match found {
        Some(Token { id, account, role }) => {
            Ok(Known { actor: Actor::token(id), token: Some(id), account, role })
        }
        None if !app.view_status.borrow().caught_up => {
            Err(Problem::Unavailable("the tokens are not read yet; try again in a second".into()))
        }
        // Whoever is told that a token is bad does not try again.
        None if !is_all_seen => Err(Problem::Unavailable(
            "whether the token is good cannot be told just now; see /readyz".into(),
        )),
        None => Err(Problem::BadToken),
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    // Proxies turn the first into the second, because nginx drops names with underscores.
    let own = headers.get("api_access_token").or_else(|| headers.get("api-access-token"));
    let text = match own {
        Some(own) => own.to_str().ok()?,
        None => {
            let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
            let (scheme, text) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(text)?
        }
    };
    Some(text.trim()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
