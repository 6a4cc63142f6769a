//! Measurements for Prometheus: requests and attempts as they come, all else when it is asked for.

mod endpoints;

use std::fmt::Write;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use crate::app::App;

/// In seconds: from a view that is read to a request that waits for one.
const BUCKETS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// What is measured of requests; clones measure together.
#[derive(Debug, Clone)]
pub(in crate::http) struct Metrics {
    requests: Family<Answered, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
}

/// The route as it was declared. Paths that are no routes are all the same, or anybody could make
/// endless labels.
#[derive(Debug, Clone)]
pub(in crate::http) enum RouteName {
    /// It was matched by the router.
    Matched(MatchedPath),
    /// It was found without the router.
    Declared(&'static str),
    /// There is none.
    Unknown,
}

impl RouteName {
    /// As the router has noted it with the request.
    pub(in crate::http) fn of(request: &Request) -> Self {
        request.extensions().get().cloned().map_or(Self::Unknown, Self::Matched)
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Matched(path) => path.as_str(),
            Self::Declared(path) => path,
            Self::Unknown => "none",
        }
    }
}

impl PartialEq for RouteName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RouteName {}

impl Hash for RouteName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl EncodeLabelValue for RouteName {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        encoder.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: RouteName,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: RouteName,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Node {
    name: String,
}

impl Default for Metrics {
    fn default() -> Self {
        let durations: fn() -> Histogram = || Histogram::new(BUCKETS);
        let durations = Family::new_with_constructor(durations);
        Self { requests: Family::default(), durations }
    }
}

/// A request that is being answered.
pub(in crate::http) struct Measured {
    route: RouteName,
    method: &'static str,
    began: Instant,
}

impl Metrics {
    /// A request came.
    pub(in crate::http) fn begin(&self, route: RouteName, method: &Method) -> Measured {
        Measured { route, method: word(method), began: Instant::now() }
    }

    /// It was answered.
    pub(in crate::http) fn end(&self, measured: Measured, response: &Response) {
        let Measured { route, method, began } = measured;
        let labels = Route { route };
        self.durations.get_or_create(&labels).observe(began.elapsed().as_secs_f64());
        let (route, status) = (labels.route, response.status().as_u16());
        self.requests.get_or_create(&Answered { method, route, status }).inc();
    }
}

fn word(method: &Method) -> &'static str {
    let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let words = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    let place = known.iter().position(|known| known == method);
    place.map_or("other", |place| words[place])
}

/// Everything in the text format of OpenMetrics.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(metrics): Extension<Metrics>,
) -> Response {
    let mut registry = Registry::with_prefix("relink");
    let (requests, durations) = (metrics.requests, metrics.durations);
    registry.register("http_requests", "Requests by route and status", requests);
    let help = "Seconds from a request's arrival to its answer";
    registry.register("http_request_duration_seconds", help, durations);
    gauges(&app, &mut registry);
    let mut body = String::new();
    if text::encode(&mut body, &registry).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], body).into_response()
}

fn gauges(app: &App, registry: &mut Registry) {
    let mut one = |name: &str, help: &str, value: u64| {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    };
    let views = app.view_status.borrow().clone();
    let fanout = app.fanout.borrow().position;
    let halted = app.halted.list().len();
    let nodes = count(app.share.division().peers.len() + 1);
    one("nodes", "Nodes that share the log, this one included", nodes);
    one("attempts_under_way", "Attempts to deliver under way", count(app.delivery.under_way()));
    one("log_head_position", "The end of the log as the views last saw it", views.head.0);
    one("views_position", "What every view has seen of the log", views.position.0);
    one("views_lag", "Positions between the end of the log and the views", views.lag);
    one("fanout_position", "What is queued of the log where it is owed", fanout.0);
    one("streams_halted", "Streams that cannot go on", count(halted));
    one("streams_quarantined", "Streams that no view shows", count(app.quarantine.len()));

    let help = "Attempts that ended since the start, probes too, by how";
    registry.register("attempts", help, app.attempts.clone());
    endpoints::gauges(app, registry);

    let removed: Counter = Counter::default();
    removed.inc_by(app.removed.load(Ordering::Relaxed));
    let help = "Records that retention has removed since the start";
    registry.register("retention_removed_records", help, removed);

    let awake = Family::<Kind, Gauge>::default();
    for (kind, number) in app.actors.awake() {
        awake.get_or_create(&Kind { kind }).set(i64::try_from(number).unwrap_or(i64::MAX));
    }
    registry.register("actors_awake", "Actors awake by kind", awake);
    let inboxes = Family::<InState, Gauge>::default();
    for (state, number) in app.views.inbox_health.read(|view| view.count_by_state()) {
        let labels = InState { state: state.as_str() };
        inboxes.get_or_create(&labels).set(i64::try_from(number).unwrap_or(i64::MAX));
    }
    registry.register("inboxes", "Inboxes by state", inboxes);
    let node = Family::<Node, Gauge>::default();
    node.get_or_create(&Node { name: app.share.name() }).set(1);
    registry.register("node_info", "Always 1, with the name of this node", node);
    let build = Family::<Build, Gauge>::default();
    build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
    registry.register("build_info", "Always 1, with the version", build);
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
