//! What the same crates do on the same machine with nothing of Relink between them: a POST or a
//! delivery that is durable in SQLite, or a POST that is durable in an EventStoreDB, and no token,
//! no actor, no decision, no hash, no signature, no index and no view. No service on this stack can
//! come nearer to the yardsticks of `relink bench` than this; docs/benchmarks.md says what it
//! measured.
//!
//! ```sh
//! cargo run --release --example floor -- /tmp/floor
//! cargo run --release --example floor -- esdb://localhost:2113?tls=false
//! ```

use std::convert::Infallible;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use eventstore::{BatchAppendClient, EventData, StreamState};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use relink::store::eventstoredb::EventStoreDbSettings;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONNECTIONS: u64 = 64;
const ROUND: Duration = Duration::from_secs(4);
const ROUNDS: usize = 5;
const DELIVERIES: u64 = 20_000;

/// Tells the other process where the log is.
const LOG: &str = "RELINK_FLOOR_LOG";

/// As long as the payload and metadata of a recorded error, and of the three records of a delivery.
const EVIDENCE_BYTES: usize = 350;
const DELIVERY_BYTES: [usize; 3] = [600, 700, 300];

const EVIDENCE: &[u8] = br#"{"provider":"meta","status":400,"code":190,"subcode":460}"#;
const ANSWER: &str = r#"{"authorization_error_count":1,"threshold":2,"class":"auth","position":"#;

/// A log that keeps rows and nothing else, or the vendor's bare client.
#[derive(Clone)]
enum Log {
    Rows(mpsc::Sender<(usize, oneshot::Sender<i64>)>),
    Cluster(Arc<(BatchAppendClient, AtomicU64)>),
}

impl Log {
    fn rows(file: &Path) -> anyhow::Result<Self> {
        let mut database = rusqlite::Connection::open(file)?;
        database.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE rows (position INTEGER PRIMARY KEY, stream INTEGER, payload BLOB);",
        )?;
        let (log, waiting) = mpsc::channel::<(usize, oneshot::Sender<i64>)>();
        std::thread::spawn(move || -> rusqlite::Result<()> {
            let (mut position, payload) = (0, [7; 1_024]);
            while let Ok(first) = waiting.recv() {
                let group: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
                let commit = database.transaction()?;
                for (size, _) in &group {
                    position += 1;
                    let mut insert =
                        commit.prepare_cached("INSERT INTO rows VALUES (?1, ?2, ?3)")?;
                    insert.execute((position, position % 10_000, &payload[..*size]))?;
                }
                commit.commit()?;
                for (_, acknowledge) in group {
                    let _ = acknowledge.send(position);
                }
            }
            Ok(())
        });
        Ok(Self::Rows(log))
    }

    /// Its position once it is on disk.
    async fn append(&self, size: usize) -> anyhow::Result<i64> {
        match self {
            Self::Rows(rows) => {
                let (acknowledge, acknowledged) = oneshot::channel();
                rows.send((size, acknowledge)).ok().context("the log has ended")?;
                Ok(acknowledged.await?)
            }
            Self::Cluster(cluster) => {
                let (session, next) = &**cluster;
                let stream = format!("floor-{}", next.fetch_add(1, Ordering::Relaxed) % 10_000);
                let event = EventData::binary("floor", Bytes::from(vec![7; size]));
                let event = vec![event.id(Uuid::new_v4())];
                let written = session.append_to_stream(stream, StreamState::Any, event).await?;
                let position = written.current_position().context("it has a position")?;
                Ok(position.commit as i64)
            }
        }
    }

    async fn cluster(url: &str) -> anyhow::Result<Self> {
        let settings = EventStoreDbSettings::parse(url)?.client();
        let client = eventstore::Client::new(settings).map_err(|error| anyhow!("{error}"))?;
        let session = client.batch_append(&Default::default()).await?;
        Ok(Self::Cluster(Arc::new((session, AtomicU64::default()))))
    }
}

async fn answer(request: Request<Incoming>, log: Log) -> anyhow::Result<Response<Full<Bytes>>> {
    if request.method() == Method::GET {
        return Ok(Response::new(Full::from(r#"{"status":"ok"}"#)));
    }
    let body = request.into_body().collect().await?.to_bytes();
    serde_json::from_slice::<serde::de::IgnoredAny>(&body)?;
    let position = log.append(EVIDENCE_BYTES).await?;
    Ok(Response::new(Full::from(format!("{ANSWER}{position}}}"))))
}

async fn receive(request: Request<Incoming>) -> anyhow::Result<Response<Full<Bytes>>> {
    request.into_body().collect().await?;
    Ok(Response::new(Full::default()))
}

/// Answers every connection; prints where it listens.
async fn serve<F>(
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) -> anyhow::Result<Infallible>
where
    F: Future<Output = anyhow::Result<Response<Full<Bytes>>>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection = server::Builder::new()
            .serve_connection(TokioIo::new(stream), service_fn(answer.clone()));
        tokio::spawn(connection);
    }
}

/// Answered requests a second over all connections.
async fn load(address: &str, method: Method) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let mut connections = JoinSet::new();
    for first in 0..CONNECTIONS {
        let (address, method) = (address.to_owned(), method.clone());
        connections.spawn(async move {
            let stream = TcpStream::connect(&address).await?;
            stream.set_nodelay(true)?;
            let (mut sender, connection) = client::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            let mut answered = 0_u64;
            while begin.elapsed() < ROUND {
                let request = Request::builder().method(&method).header("host", "localhost");
                let request = if method == Method::GET {
                    request.uri("/healthz").body(Full::default())?
                } else {
                    let inbox = (first * 157 + answered) % 10_000;
                    let uri = format!("/api/v1/accounts/1/inboxes/{inbox}/authorization_errors");
                    let token = "administrator-of-the-bench-0123456789";
                    let request = request.uri(uri).header("api_access_token", token);
                    let request = request.header("content-type", "application/json");
                    request.body(Full::new(Bytes::from_static(EVIDENCE)))?
                };
                sender.ready().await?;
                sender.send_request(request).await?.into_body().collect().await?;
                answered += 1;
            }
            anyhow::Ok(answered)
        });
    }
    let mut answered = 0;
    while let Some(connection) = connections.join_next().await {
        answered += connection??;
    }
    Ok(answered as f64 / begin.elapsed().as_secs_f64())
}

/// Posts a second with one `reqwest` client; with a log, two rows are on disk before each and one
/// behind it.
async fn post(address: &str, log: Option<&Log>) -> anyhow::Result<f64> {
    let (http, next) = (reqwest::Client::new(), Arc::new(AtomicU64::new(0)));
    let url = format!("http://{address}/hook");
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (http, next, url, log) = (http.clone(), next.clone(), url.clone(), log.cloned());
        tasks.spawn(async move {
            let [event, queued, delivered] = DELIVERY_BYTES;
            while next.fetch_add(1, Ordering::Relaxed) < DELIVERIES {
                if let Some(log) = &log {
                    tokio::try_join!(log.append(event), log.append(queued))?;
                }
                let body = format!(r#"{{"content":"{}"}}"#, "Where is my order? ".repeat(24));
                let request = http.post(&url).header("content-type", "application/json");
                request.body(body).send().await?.error_for_status()?.bytes().await?;
                if let Some(log) = &log {
                    log.append(delivered).await?;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(DELIVERIES as f64 / begin.elapsed().as_secs_f64())
}

/// Appends a second of the bare client, as many under way as there are connections.
async fn appends(log: &Log) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let log = log.clone();
        writers.spawn(async move {
            let mut written = 0_u64;
            while begin.elapsed() < ROUND {
                log.append(EVIDENCE_BYTES).await?;
                written += 1;
            }
            anyhow::Ok(written)
        });
    }
    let mut written = 0;
    while let Some(writer) = writers.join_next().await {
        written += writer??;
    }
    Ok(written as f64 / begin.elapsed().as_secs_f64())
}

/// This program in another process, and where it listens.
async fn other(part: &str, log: &str) -> anyhow::Result<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(part)
        // An address may hold a password, and arguments are shown to everybody.
        .env(LOG, log)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let said = child.stdout.take().context("its output is piped")?;
    let address = BufReader::new(said).lines().next_line().await?.context("it ended")?;
    Ok((child, address))
}

fn tell(name: &str, mut rounds: Vec<(f64, f64)>) {
    rounds.sort_by(|one, other| (one.0 / one.1).total_cmp(&(other.0 / other.1)));
    let (measured, yardstick) = rounds[rounds.len() / 2];
    println!("{name}: {measured:.0}/s against {yardstick:.0}/s = {:.2}", measured / yardstick);
}

async fn on_rows(folder: &str) -> anyhow::Result<()> {
    std::fs::create_dir(folder).with_context(|| format!("{folder} is to be new"))?;
    let (_server, address) = other("serve", folder).await?;
    let mut rounds = vec![];
    for _ in 0..ROUNDS {
        let yardstick = load(&address, Method::GET).await?;
        rounds.push((load(&address, Method::POST).await?, yardstick));
    }
    tell("a durable POST, against GET", rounds);
    let (_receiver, address) = other("receive", folder).await?;
    let log = Log::rows(&Path::new(folder).join("deliver.db"))?;
    let mut rounds = vec![];
    for _ in 0..ROUNDS {
        let yardstick = post(&address, None).await?;
        rounds.push((post(&address, Some(&log)).await?, yardstick));
    }
    tell("a delivery with three durable rows, against a bare one", rounds);
    Ok(std::fs::remove_dir_all(folder)?)
}

/// What it writes stays on the server.
async fn on_cluster(url: &str) -> anyhow::Result<()> {
    let bare = Log::cluster(url).await?;
    let (_server, address) = other("serve", url).await?;
    let mut rounds = vec![];
    for _ in 0..ROUNDS {
        let yardstick = appends(&bare).await?;
        rounds.push((load(&address, Method::POST).await?, yardstick));
    }
    tell("a durable POST, against a batch append", rounds);
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let argument = std::env::args().nth(1);
    let said = "say in which folder, or on which esdb:// server";
    let (part, place) = match std::env::var(LOG) {
        Ok(place) => (argument, place),
        Err(_) => (None, argument.context(said)?),
    };
    let is_cluster = place.starts_with("esdb") && place.contains("://");
    match part.as_deref() {
        Some("serve") => {
            let log = if is_cluster {
                Log::cluster(&place).await?
            } else {
                Log::rows(&Path::new(&place).join("ingest.db"))?
            };
            match serve(move |request| answer(request, log.clone())).await? {}
        }
        Some(_) => match serve(receive).await? {},
        None if is_cluster => on_cluster(&place).await,
        None => on_rows(&place).await,
    }
}
