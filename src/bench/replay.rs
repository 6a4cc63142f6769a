//! Events into the health view, held against a scan of the engine that decodes nothing.

use std::sync::Arc;

use events::EventStore;
use projections::inbox_health::InboxHealth;
use projections::{Runner, SnapshotFailure, Snapshots, View};
use tokio::time::Instant;

use super::report::{Figure, against, median};
use super::{Plan, fill};
use crate::cli::progress_bar;
use crate::store::embedded::{Embedded, Options};

/// As many records as each inbox has.
const EACH: u64 = 200;

pub(super) async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let log = Arc::new(Embedded::serve(&plan.folder.join("replay"), Options::default())?);
    let store: Arc<dyn EventStore> = log.clone();
    let bar = progress_bar("events written", plan.events);
    fill::inboxes(&store, plan.events / EACH, EACH, &bar).await?;
    bar.finish_and_clear();
    let mut rounds = vec![];
    for round in 0..=plan.rounds {
        let begin = Instant::now();
        let scanned = log.scan_bare().await?;
        let scan = scanned as f64 / begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        let view = View::<InboxHealth>::default();
        Runner::new(store.clone(), Arc::new(Forgetful)).with(&view).rebuild(|_, _| {}).await?;
        let replay = scanned as f64 / begin.elapsed().as_secs_f64();
        // The first round fills the caches.
        if round > 0 {
            rounds.push((replay, scan));
        }
    }
    log.close().await;
    let bar = ("at least 0.5 of a bare scan", 0.5);
    let ratio = against("replay: events into the health view", "/s", "/s bare scan", &rounds, bar);
    let (measured, scan) =
        (ratio.measured, median(&rounds.iter().map(|it| it.1).collect::<Vec<_>>()));
    let absolute = Figure {
        figure: "replay: events into the health view",
        yardstick: None,
        ratio: None,
        bar: "1 million/s where the scan allows it",
        met: measured >= 1e6 || scan < 1e6,
        ..ratio.clone()
    };
    Ok(vec![ratio, absolute])
}

/// Keeps no snapshot: every replay is whole.
pub(super) struct Forgetful;

impl Snapshots for Forgetful {
    fn load(&self, _: &str) -> Result<Option<Vec<u8>>, SnapshotFailure> {
        Ok(None)
    }

    fn save(&self, _: &str, _: &[u8]) -> Result<(), SnapshotFailure> {
        Ok(())
    }
}
