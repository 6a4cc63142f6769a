//! The HTTP API: which routes there are, who may use them, and in which shapes they fail.

pub mod auth;
pub mod body;
pub mod context;
pub mod etag;
pub mod fresh;
pub mod idempotency;
pub mod path;
pub mod problem;
pub mod query;

mod chatwoot;
mod damages;
mod expiry;
mod front;
mod halted;
mod ingest;
mod native;
mod operations;
mod places;
mod server;
mod subject;
mod turns;

/// A path under an account. Whole paths and not a nested router, which would rewrite every uri.
macro_rules! under {
    ($path:literal) => {
        concat!("/api/v1/accounts/{account}", $path)
    };
}
pub(in crate::http) use under;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::Response;
use axum::{Extension, Router};
use events::installation::Role;

use crate::app::App;
use auth::{open_to, open_to_operators};
use context::RequestId;
use damages::Damages;
use idempotency::UnderWay;
use native::deliveries::Paging;
use operations::metrics::{Metrics, RouteName};

pub use front::Front;
pub use server::serve;

/// All routes.
fn router(app: Arc<App>, metrics: Metrics) -> Router {
    let under_way = UnderWay::default();
    let open = |role, routes| open_to(role, &app, &under_way, routes);
    let to_operators = |routes| open_to_operators(&app, &under_way, routes);
    // Twice: within, so that an answer is kept for its Idempotency-Key as it was given; and
    // without, for those who are not let in.
    let theirs =
        |role, routes: Router<Arc<App>>| open(role, routes.layer(map_response(problem::chatwoot)));
    let chatwoot = Router::new()
        .merge(theirs(Role::Agent, chatwoot::inboxes::routes()))
        .merge(theirs(Role::Administrator, chatwoot::webhooks::routes()))
        .merge(theirs(Role::Administrator, native::inboxes::removal()))
        .merge(theirs(Role::Agent, chatwoot::integrations::routes()))
        .merge(theirs(Role::Administrator, chatwoot::integrations::writing()))
        .merge(theirs(Role::Administrator, chatwoot::automation_rules::routes()))
        .merge(theirs(Role::Administrator, chatwoot::audit_logs::routes()))
        .merge(theirs(Role::Agent, chatwoot::cache_keys::routes()))
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(map_response(problem::chatwoot));
    let damages = Damages::new();
    let paging = Extension(Paging::new(damages.clone()));
    let damages = Extension(damages);
    let native = Router::new()
        .merge(open(Role::Administrator, native::accounts::routes()))
        .merge(open(Role::Administrator, native::inboxes::routes()))
        .merge(open(Role::Administrator, native::deliveries::routes().layer(paging.clone())))
        .merge(open(Role::Administrator, native::secrets::routes()))
        .merge(open(Role::Administrator, native::explanations::routes().layer(paging)))
        .merge(open(Role::Administrator, native::trial::routes()))
        .merge(open(Role::Administrator, native::endpoints::routes()))
        .merge(open(Role::Administrator, native::recoveries::routes().layer(damages.clone())))
        .merge(open(Role::Agent, native::health::routes()))
        .merge(open(Role::Agent, native::live::routes()))
        .merge(open(Role::Agent, native::timeline::of_inboxes()))
        .merge(open(Role::Administrator, native::timeline::for_administrators()))
        .merge(open(Role::Administrator, native::policies::routes()))
        .merge(open(Role::Agent, native::incidents::routes()))
        .merge(open(Role::Administrator, native::incidents::changes()))
        .merge(open(Role::Agent, native::expiring::routes()))
        .merge(open(Role::Agent, native::why::routes().layer(damages)))
        .merge(to_operators(native::policies::of_installation()))
        .merge(to_operators(native::incidents::of_installation()))
        .merge(to_operators(native::nodes::routes()))
        .merge(open(Role::Ingest, ingest::evidence::routes()))
        .merge(open(Role::Ingest, ingest::events::routes()));
    Router::new()
        .merge(chatwoot)
        .merge(native)
        .merge(operations::routes(metrics.clone()))
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(from_fn_with_state(metrics, observe))
        .with_state(app)
}

/// One layer for all that every request needs: each costs as much as a route.
async fn observe(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let route = RouteName::of(&request);
    let answer = async |mut request: Request, id| {
        request.extensions_mut().insert(id);
        next.run(request).await
    };
    observed(&metrics, route, request, answer).await
}

/// Numbers and measures a request.
async fn observed(
    metrics: &Metrics,
    route: RouteName,
    request: Request,
    answer: impl AsyncFnOnce(Request, RequestId) -> Response,
) -> Response {
    let measured = metrics.begin(route, request.method());
    let response = context::number(request, answer).await;
    metrics.end(measured, &response);
    response
}

#[cfg(test)]
pub(crate) mod testing;
