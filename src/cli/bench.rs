//! `relink bench`: measures this machine and prints one table.

use anyhow::anyhow;
use events::Failure;

use super::{Stop, out};
use crate::bench::{self, Part, Plan, Subject};
use crate::config::{Settings, StoreSetting};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What is measured
    #[arg(value_enum, default_value = "all")]
    subject: Subject,
    /// Of `cluster`, measures this alone
    #[arg(long, value_enum, value_name = "FIGURE")]
    only: Option<Part>,
    /// How often each phase runs; the median counts
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// Events that `replay` folds and `cluster` rebuilds, and reports that `exact` counts
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    events: u64,
    /// Inboxes that the views are filled with, for the memory of `replay`
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    inboxes: u64,
    /// Prints JSON instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, settings: &Settings) -> Result<(), Stop> {
    let Args { subject, only, rounds, events, inboxes, json } = args;
    if rounds == 0 || events < 1000 || inboxes < 1000 {
        return Err(Stop::Usage(anyhow!(
            "a measurement takes at least 1 round, 1000 events and 1000 inboxes"
        )));
    }
    if only.is_some() && subject != Subject::Cluster {
        return Err(Stop::Usage(anyhow!("--only is for bench cluster")));
    }
    if subject == Subject::Cluster && settings.store == StoreSetting::Embedded {
        return Err(Stop::Usage(anyhow!("bench cluster needs --store esdb://HOST:2113?tls=false")));
    }
    let (folder, store) = (settings.data.clone(), settings.store.clone());
    let plan = Plan { subject, only, rounds, events, inboxes, folder, store };
    let report = bench::run(&plan).await.map_err(stop)?;
    if json {
        let text = serde_json::to_string_pretty(&report).map_err(|it| Stop::Wrong(it.into()))?;
        out::line(text)
    } else {
        out::line(report.to_string().trim_end())
    }
}

/// A log that cannot be reached is no bad measurement.
fn stop(error: anyhow::Error) -> Stop {
    match error.downcast_ref::<Failure>() {
        Some(failure) => Stop::from(failure.clone()),
        None => Stop::Wrong(error),
    }
}
