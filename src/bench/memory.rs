//! What an inbox costs in memory, asleep in the views and awake as an actor.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use events::EventStore;
use http_body_util::Full;
use hyper::Request;

use super::load::{self, For, Make};
use super::report::Figure;
use super::server::{Server, TOKEN};
use super::{Plan, fill};
use crate::cli::progress_bar;
use crate::store::embedded::{Embedded, Options};

/// As many actors as are woken, where there are so many.
const AWAKE_MAX: u64 = 50_000;

const CONNECTIONS: u64 = 64;

pub(super) async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let empty = Server::start(&plan.folder.join("empty"), &[]).await?;
    let base = settled(&empty).await?;
    drop(empty);
    let data = plan.folder.join("memory");
    let log = Arc::new(Embedded::serve(&data, Options::default())?);
    let store: Arc<dyn EventStore> = log.clone();
    let bar = progress_bar("inboxes written", plan.inboxes);
    fill::inboxes(&store, plan.inboxes, 1, &bar).await?;
    bar.finish_and_clear();
    log.close().await;

    let server = Server::start(&data, &[]).await?;
    ready(&server).await?;
    let asleep = settled(&server).await?;
    let each = plan.inboxes.min(AWAKE_MAX) / CONNECTIONS;
    let wake: Make = Arc::new(move |connection, nth| {
        let inbox = connection as u64 * each + nth + 1;
        Request::post(format!("/api/v1/accounts/1/inboxes/{inbox}/authorization_successes"))
            .header("host", "localhost")
            .header("api_access_token", TOKEN)
            .body(Full::new(Bytes::new()))
            .expect("a request of fixed parts and a number is well made")
    });
    let connections = usize::try_from(CONNECTIONS)?;
    load::drive(server.address(), connections, For::Requests(each), &wake).await?;
    let awake = server.memory()?;

    let each_asleep = asleep.saturating_sub(base) as f64 / plan.inboxes as f64;
    let each_awake = awake.saturating_sub(asleep) as f64 / (each * CONNECTIONS) as f64;
    let figure = |figure, measured, unit, bar, met| Figure {
        figure,
        measured,
        unit,
        yardstick: None,
        ratio: None,
        bar,
        met,
    };
    let million = (base as f64 + each_asleep * 1e6) / 1e9;
    Ok(vec![
        figure("idle inbox in the views", each_asleep, "bytes", "under 1 KB", each_asleep < 1024.0),
        figure("awake actor", each_awake, "bytes", "under 12 KB", each_awake < 12.0 * 1024.0),
        figure("1 million inboxes", million, "GB", "in 2 GB", million < 2.0),
    ])
}

async fn ready(server: &Server) -> anyhow::Result<()> {
    while server.call(reqwest::Method::GET, "/readyz", "").await.is_err() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Memory once a replay's pages have been given back.
async fn settled(server: &Server) -> anyhow::Result<u64> {
    ready(server).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.memory()
}
