//! The service on an EventStoreDB, held against the vendor's bare client on the same server.
//!
//! It measures in a namespace of its own. What it writes stays on the server: let it be one that
//! can be thrown away.

use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail, ensure};
use events::store::{Draft, Proposed, Tail};
use events::{Actor, Category, EventStore, Metadata, StreamName, Timestamp};
use eventstore::{Client, EventData, ReadAllOptions, StreamPosition, StreamState};
use hyper::Method;
use projections::Views;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::ingest::{CONNECTIONS, EVIDENCE, INBOXES, REGISTRATION, ROUND, make};
use super::load::{self, For};
use super::replay::Forgetful;
use super::report::{Figure, against};
use super::server::Server;
use super::{Plan, fill};
use crate::cli::progress_bar;
use crate::config::StoreSetting;
use crate::store::eventstoredb::{EventStoreDb, EventStoreDbSettings};

/// As many records as each inbox of the rebuilt log has.
const EACH: u64 = 200;

/// What is measured of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Durable evidence over HTTP
    Evidence,
    /// All views from the beginning of the log
    Rebuild,
}

pub(super) async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let StoreSetting::EventStoreDb(url) = &plan.store else {
        bail!("the embedded log is no cluster");
    };
    // A server that starts says only that it ended, and a measurement has begun by then.
    let empty = EventStoreDbSettings::parse(&in_namespace(url.expose()))?;
    EventStoreDb::new(empty).head().await?;
    let is_wanted = |part| plan.only.is_none_or(|only| only == part);
    let mut figures = vec![];
    // First, for the yardstick reads whatever there is, and the other figure writes a lot.
    if is_wanted(Part::Rebuild) {
        figures.push(rebuild(plan, &in_namespace(url.expose())).await?);
    }
    if is_wanted(Part::Evidence) {
        figures.push(evidence(plan, &in_namespace(url.expose())).await?);
    }
    Ok(figures)
}

/// The last namespace of a connection string counts.
fn in_namespace(url: &str) -> String {
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}namespace=bench{}", &Uuid::new_v4().simple().to_string()[..12])
}

fn bare_client(settings: &EventStoreDbSettings) -> anyhow::Result<Client> {
    Client::new(settings.client()).map_err(|error| anyhow!("{error}"))
}

/// Durable evidence over HTTP, against appends of such an event by as many writers.
async fn evidence(plan: &Plan, url: &str) -> anyhow::Result<Figure> {
    let bare = bare_client(&EventStoreDbSettings::parse(url)?)?;
    let server = Server::start(&plan.folder.join("cluster"), &[("RELINK_STORE", url)]).await?;
    server.register_account().await?;
    let register = make(Method::PUT, |inbox| format!("/{inbox}"), REGISTRATION);
    let each = For::Requests(INBOXES.div_ceil(CONNECTIONS as u64));
    load::drive(server.address(), CONNECTIONS, each, &register).await?;
    let report = make(Method::POST, |inbox| format!("/{inbox}/authorization_errors"), EVIDENCE);
    let mut rounds = vec![];
    for round in 0..=plan.rounds {
        let yardstick = appends(&bare).await?;
        let measured =
            load::drive(server.address(), CONNECTIONS, For::Time(ROUND), &report).await?;
        // The first round warms up: it wakes every actor.
        if round > 0 {
            rounds.push((measured, yardstick));
        }
    }
    let bar = ("at least 0.5 of the bare client's batch appends", 0.5);
    Ok(against("cluster: durable evidence POSTs", "/s", "/s batch appends", &rounds, bar))
}

/// Appends per second of the bare client: one batch session, as many appends under way as there
/// are connections, each writer with a stream of its own and an exact belief.
async fn appends(client: &Client) -> anyhow::Result<f64> {
    let session = Arc::new(client.batch_append(&Default::default()).await?);
    let sample = sample().context("a history has a second event")?;
    let begin = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (session, sample) = (session.clone(), sample.clone());
        writers.spawn(async move {
            let stream = format!("benchyardstick-{}", Uuid::new_v4().simple());
            let (mut written, mut expected) = (0, StreamState::NoStream);
            while begin.elapsed() < ROUND {
                let event = EventData::binary(&*sample.kind, sample.data.clone())
                    .id(Uuid::new_v4())
                    .metadata(sample.metadata.clone());
                session.append_to_stream(&stream, expected, vec![event]).await?;
                expected = StreamState::StreamRevision(written);
                written += 1;
            }
            eventstore::Result::Ok(written)
        });
    }
    let mut written = 0;
    while let Some(writer) = writers.join_next().await {
        written += writer??;
    }
    Ok(written as f64 / begin.elapsed().as_secs_f64())
}

/// What one report of the measured kind comes to in the log.
fn sample() -> Option<Proposed> {
    let stream = StreamName::new(Category::Inbox, 1);
    let mut draft = Draft::new(&stream, Tail::default());
    let id = Uuid::new_v4();
    let metadata = Metadata {
        correlation: id,
        causation: id,
        actor: Actor::ADMIN,
        account: Some(events::AccountId(1)),
    };
    draft.add(fill::history(1, 2).last()?, &metadata, Timestamp::default(), 0);
    draft.finish().0.pop()
}

/// All views anew, against reading the same log and looking at nothing.
async fn rebuild(plan: &Plan, url: &str) -> anyhow::Result<Figure> {
    let settings = EventStoreDbSettings::parse(url)?;
    let bare = bare_client(&settings)?;
    let store: Arc<dyn EventStore> = Arc::new(EventStoreDb::new(settings));
    let inboxes = plan.events / EACH;
    let bar = progress_bar("events written", inboxes * EACH);
    fill::inboxes(&store, inboxes, EACH, &bar).await?;
    bar.finish_and_clear();
    let mut rounds = vec![];
    for round in 0..=plan.rounds {
        let begin = Instant::now();
        // In a task, as the views' reader is: the thread that waits for both would be slower.
        let read = tokio::spawn(read_all(bare.clone())).await??;
        let yardstick = read as f64 / begin.elapsed().as_secs_f64();
        let (views, begin) = (Views::default(), Instant::now());
        views.runner(store.clone(), Arc::new(Forgetful)).rebuild(|_, _| {}).await?;
        // Of the server's events only ours are folded, and only they count.
        let measured = (inboxes * EACH) as f64 / begin.elapsed().as_secs_f64();
        let rebuilt = views.inbox_health.reading().len() as u64;
        ensure!(rebuilt == inboxes, "{rebuilt} of {inboxes} inboxes were rebuilt");
        // The first round fills the caches.
        if round > 0 {
            rounds.push((measured, yardstick));
        }
    }
    let bar = ("at least 0.5 of the bare client's read_all", 0.5);
    Ok(against("cluster: rebuild of all views", "/s", "/s read_all", &rounds, bar))
}

/// How many events there are, read in one go.
async fn read_all(client: Client) -> anyhow::Result<u64> {
    let options = ReadAllOptions::default().forwards().position(StreamPosition::Start);
    let mut events = client.read_all(&options.max_count(i64::MAX as usize)).await?;
    let mut read = 0;
    while let Some(event) = events.next().await? {
        std::hint::black_box(event);
        read += 1;
    }
    Ok(read)
}
