//! Where every request comes in: plain evidence goes straight to its inbox, all else to its route.
//!
//! Evidence is what comes by the thousands. Each layer of a route costs as much as deciding about
//! it does (docs/benchmarks.md), so it takes a way without any; what that way decides, it decides
//! with the same functions as the layers.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use events::installation::Role;
use events::{AccountId, InboxId};
use tower::Service;

use super::auth;
use super::body;
use super::context::{Cause, RequestId};
use super::idempotency;
use super::ingest::evidence::{self, Call};
use super::operations::metrics::{Metrics, RouteName};
use super::path::number;
use super::problem::Problem;
use crate::app::App;

/// All there is to answer requests with.
pub struct Front {
    app: Arc<App>,
    metrics: Metrics,
    router: Router,
}

/// A report on an inbox, named by nothing but its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Report {
    account: AccountId,
    inbox: InboxId,
    call: Call,
}

impl Report {
    /// None for all that its route has to look at.
    fn of(request: &Request) -> Option<Self> {
        let plain = request.method() == Method::POST
            && !request.headers().contains_key(idempotency::HEADER);
        let path = request.uri().path().strip_prefix("/api/v1/accounts/").filter(|_| plain)?;
        let (account, rest) = path.split_once("/inboxes/")?;
        let (inbox, call) = rest.split_once('/')?;
        let (account, inbox) = (AccountId(number(account)?), InboxId(number(inbox)?));
        Some(Self { account, inbox, call: Call::named(call)? })
    }
}

/// The request without a slash at the end of its path, which means nothing to Rails and so to
/// Chatwoot's clients.
fn unslashed(mut request: Request) -> Request {
    let uri = request.uri();
    let Some(path) = uri.path().strip_suffix('/').filter(|path| !path.is_empty()) else {
        return request;
    };
    let whole = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = whole.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

impl Front {
    /// In front of all routes.
    pub fn new(app: Arc<App>) -> Self {
        let metrics = Metrics::default();
        let router = super::router(app.clone(), metrics.clone());
        Self { app, metrics, router }
    }

    /// The answer; there is always one.
    pub async fn answer(&self, request: Request) -> Response {
        let Some(report) = Report::of(&request) else {
            return match self.router.clone().call(unslashed(request)).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
        };
        let route = RouteName::Declared(report.call.route());
        let answer = async |request, id| match self.report(report, request, id).await {
            Ok(answer) => answer,
            Err(problem) => problem.into_response(),
        };
        super::observed(&self.metrics, route, request, answer).await
    }

    async fn report(
        &self,
        report: Report,
        request: Request,
        id: RequestId,
    ) -> Result<Response, Problem> {
        let Report { account, inbox, call } = report;
        let (parts, body) = request.into_parts();
        let caller = auth::admit(&self.app, &parts.headers, Some(account), Role::Ingest).await?;
        let cause = Cause::of_plain(id, &caller, &self.app);
        let body = body::read(body).await?;
        evidence::answer(&self.app, &caller, inbox, cause, call, &body).await
    }
}

#[cfg(test)]
mod tests;
