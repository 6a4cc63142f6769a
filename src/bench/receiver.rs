//! A receiver on this machine that counts what arrives; some of its paths never answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The path that never answers.
pub(super) const HANGING: &str = "hanging";

pub(super) struct Receiver {
    pub(super) url: String,
    arrivals: Arc<Arrivals>,
    task: JoinHandle<()>,
}

struct Arrivals {
    count: watch::Sender<u64>,
    /// When what arrived, by path and event number; only while latencies are measured.
    times: Mutex<Option<HashMap<(String, u64), Instant>>>,
}

impl Receiver {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let arrivals = Arc::new(Arrivals { count: watch::Sender::new(0), times: Mutex::new(None) });
        let router = Router::new().route("/{path}", post(receive)).with_state(arrivals.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("the receiver ended: {error}");
            }
        });
        Ok(Self { url, arrivals, task })
    }

    /// How many requests have arrived that were answered.
    pub(super) fn count(&self) -> u64 {
        *self.arrivals.count.borrow()
    }

    /// Waits for so many since the start.
    pub(super) async fn reached(&self, count: u64) {
        let mut arrived = self.arrivals.count.subscribe();
        // The sender lives as long as the receiver.
        let _ = arrived.wait_for(|arrived| *arrived >= count).await;
    }

    /// Notes from now on when what arrives; returns what was noted until now.
    pub(super) fn note_times(&self) -> HashMap<(String, u64), Instant> {
        let mut times = self.arrivals.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.replace(HashMap::new()).unwrap_or_default()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(State(arrivals): State<Arc<Arrivals>>, Path(path): Path<String>, body: Bytes) {
    let now = Instant::now();
    if path == HANGING {
        return std::future::pending().await;
    }
    let mut times = arrivals.times.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(times) = times.as_mut()
        && let Some(number) = number(&body)
    {
        times.entry((path, number)).or_insert(now);
    }
    drop(times);
    arrivals.count.send_modify(|count| *count += 1);
}

fn number(body: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Numbered {
        number: u64,
    }
    serde_json::from_slice::<Numbered>(body).ok().map(|it| it.number)
}
