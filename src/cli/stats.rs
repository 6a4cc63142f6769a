//! `relink stats`: what uses the space, also while the service runs.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use actors::ports::Clock;
use indicatif::HumanBytes;
use serde_json::json;

use super::open::{self, For};
use super::rebuild::progress_bar;
use super::{Stop, out};
use crate::clock::SystemClock;
use crate::config::{Settings, StoreSetting, duration};
use crate::stats::{self, Stats, Use};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, settings: &Settings) -> Result<(), Stop> {
    let log = open::log(settings, For::Reading).await?;
    let bar = progress_bar(log.unit(), log.head().await?.0);
    let now = SystemClock.now();
    let kept_since = settings.retention.map(|keep| now.before(keep));
    let stats = stats::of(&*log, kept_since, |position| bar.set_position(position.0)).await;
    bar.finish_and_clear();
    let stats = stats?;
    // The folder says nothing of a log that lies on a cluster.
    let on_disk = match &settings.store {
        StoreSetting::Embedded => Some(size_of(&settings.data)),
        StoreSetting::EventStoreDb(_) => None,
    };
    if args.json {
        out::line(format_args!("{:#}", json!({ "log": stats, "disk_bytes": on_disk })))
    } else {
        out::told(print(&mut std::io::stdout().lock(), &stats, on_disk, settings.retention))
    }
}

fn print(
    out: &mut dyn Write,
    stats: &Stats,
    on_disk: Option<u64>,
    kept: Option<Duration>,
) -> io::Result<()> {
    let line = |out: &mut dyn Write, name: &str, used: &Use| {
        let share = (used.bytes * 100).checked_div(stats.total.bytes).unwrap_or(0);
        let (events, bytes) = (used.events, HumanBytes(used.bytes));
        writeln!(out, "{name:<40} {events:>12} {bytes:>12} {share:>3} %")
    };
    writeln!(out, "{:<40} {:>12} {:>12}", "", "events", "bytes")?;
    for (category, used) in &stats.categories {
        line(out, category, used)?;
    }
    writeln!(out)?;
    for (kind, used) in largest(&stats.kinds) {
        line(out, kind, used)?;
    }
    writeln!(out)?;
    for (stream, used) in &stats.streams {
        line(out, stream, used)?;
    }
    writeln!(out)?;
    line(out, "all", &stats.total)?;
    if let Some(kept) = kept {
        let name = format!("older than {}, to be removed", duration::format(kept));
        line(out, &name, &stats.old)?;
    }
    let Some(on_disk) = on_disk else { return Ok(()) };
    let (name, size) = ("on disk, indexes and views included", HumanBytes(on_disk));
    writeln!(out, "{name:<40} {:>12} {size:>12}", "")
}

/// The kinds by size, the largest first.
fn largest(kinds: &BTreeMap<String, Use>) -> Vec<(&String, &Use)> {
    let mut kinds: Vec<_> = kinds.iter().collect();
    kinds.sort_by_key(|(_, used)| std::cmp::Reverse(used.bytes));
    kinds
}

/// The files of the folder and of those in it; what cannot be read counts for nothing.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(known) if known.is_dir() => size_of(&entry.path()),
        Ok(known) => known.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}
