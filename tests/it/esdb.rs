//! EventStoreDB as the log: on the double, or on the server that `RELINK_TEST_ESDB` names.

mod beginning;
mod contract;
mod figures;
mod neighbours;
mod nodes;
mod patience;
mod rules;
mod serve;
mod trouble;
mod walk;
mod writer;

use std::sync::OnceLock;
use std::time::Duration;

use events::EventStore as _;
use relink::store::eventstoredb::{EventStoreDb, EventStoreDbSettings};
use tokio::runtime::Runtime;
use tokio::time::{interval, timeout};
use uuid::Uuid;

use crate::double::Double;

/// Where the tests' own server is, if there is one: `esdb://localhost:2113?tls=false`.
const SERVER: &str = "RELINK_TEST_ESDB";

/// A server that has just been started takes its time, in a cluster above all.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether the server answers, found out once for all tests.
static ANSWERS: OnceLock<bool> = OnceLock::new();

/// Waits for it, on a thread of its own, for a test has its own runtime.
fn answers(url: &str) -> bool {
    let answered = async {
        let (store, mut turns) = (open(url), interval(Duration::from_secs(1)));
        while let Err(failure) = store.head().await {
            eprintln!("waiting for {SERVER}: {failure}");
            turns.tick().await;
        }
    };
    let answered = async { timeout(PATIENCE, answered).await.is_ok() };
    let waiting = || Runtime::new().unwrap().block_on(answered);
    std::thread::scope(|scope| scope.spawn(waiting).join()).unwrap()
}

/// A namespace that nobody else has on a server, and that holds nothing yet.
pub(crate) struct Namespace {
    server: String,
    url: String,
    /// Kept for as long as the namespace is used; none on a real server.
    double: Option<Double>,
}

impl Namespace {
    /// On the server that the environment names, else on a double.
    pub(crate) fn new() -> Self {
        let server = std::env::var(SERVER).ok().filter(|url| !url.is_empty());
        let (server, double) = match server {
            Some(url) => {
                assert!(*ANSWERS.get_or_init(|| answers(&url)), "{url} does not answer");
                (url, None)
            }
            None => {
                let double = Double::start();
                (double.url(), Some(double))
            }
        };
        Self { url: in_namespace(&server), server, double }
    }

    /// How to connect to all of it.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// What tells more than a server does; none where it is one.
    pub(crate) fn double(&self) -> Option<&Double> {
        self.double.as_ref()
    }

    /// What `--store` is given.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whoever reads there waits for a server that has other tests' events to look at.
    pub(crate) fn open(&self) -> EventStoreDb {
        let store = open(&self.url);
        if self.double.is_some() { store } else { store.patient() }
    }

    /// The vendor's client on the same server, which sees all of it, and what our streams' names
    /// begin with there.
    pub(crate) fn raw(&self) -> (eventstore::Client, String) {
        let (_, namespace) = self.url.rsplit_once("namespace=").unwrap();
        let settings = EventStoreDbSettings::parse(&self.server).unwrap();
        let client = eventstore::Client::new(settings.client()).unwrap();
        (client, format!("{namespace}_"))
    }
}

/// The same server, in a namespace of its own.
pub(crate) fn in_namespace(url: &str) -> String {
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}namespace=t{}", &Uuid::new_v4().simple().to_string()[..16])
}

pub(crate) fn open(url: &str) -> EventStoreDb {
    EventStoreDb::new(EventStoreDbSettings::parse(url).unwrap())
}
