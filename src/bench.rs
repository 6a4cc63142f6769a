//! `relink bench`: what this machine can do, against what it could do at best, in one run.
//!
//! Every figure is a ratio to a yardstick that is measured in the same run and interleaved with
//! it, so that a slow machine or a busy neighbour moves both. How: docs/benchmarks.md.

mod classify;
mod cluster;
mod deliver;
mod exact;
mod fill;
mod ingest;
mod isolation;
mod load;
mod memory;
mod receiver;
mod replay;
mod report;
mod server;

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

pub use cluster::Part;
pub use report::{Figure, Report};

use crate::config::StoreSetting;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Subject {
    /// Durable evidence over HTTP
    Ingest,
    /// Deliveries to a local receiver, and whether a hanging endpoint delays others
    Deliver,
    /// What a provider's answer means
    Classify,
    /// A million reports over 100,000 inboxes, and whether the health view is right
    Exact,
    /// Events into the health view, and the memory of inboxes and actors
    Replay,
    /// Evidence and all views on the EventStoreDB that --store names, against the bare client
    Cluster,
    /// All of these but `exact` and `cluster`
    All,
}

/// How it is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What.
    pub subject: Subject,
    /// How often each phase runs; the median counts.
    pub rounds: usize,
    /// Of `cluster`, this alone.
    pub only: Option<Part>,
    /// Events for `replay`, `exact` and `cluster`.
    pub events: u64,
    /// Inboxes for the memory of views.
    pub inboxes: u64,
    /// Where the logs of the measurement are, on the disk that is to be measured.
    pub folder: PathBuf,
    /// The server for `cluster`; all others make logs of their own.
    pub store: StoreSetting,
}

/// Measures; the folder is empty before and gone afterwards, and so are those that were made for
/// it.
///
/// # Errors
/// When the folder or a server cannot be used.
pub async fn run(plan: &Plan) -> anyhow::Result<Report> {
    let folder = plan.folder.join(format!("bench-{}", std::process::id()));
    let plan = Plan { folder, ..plan.clone() };
    let needs_folder = plan.subject != Subject::Classify;
    let _scratch = needs_folder.then(|| Scratch::make(&plan.folder)).transpose()?;
    let mut report = Report::new(plan.rounds);
    let under_way = |what: &str| eprintln!("measuring {what} ({} rounds) ...", plan.rounds);
    if matches!(plan.subject, Subject::Ingest | Subject::All) {
        under_way("ingest");
        report.extend(ingest::run(&plan).await?);
    }
    if matches!(plan.subject, Subject::Deliver | Subject::All) {
        under_way("deliver");
        report.extend(deliver::run(&plan).await?);
        under_way("a hanging endpoint");
        report.extend(isolation::run(&plan).await?);
    }
    if matches!(plan.subject, Subject::Classify | Subject::All) {
        under_way("classify");
        report.extend(classify::run(&plan)?);
    }
    if matches!(plan.subject, Subject::Exact) {
        under_way("exact");
        report.extend(exact::run(&plan).await?);
    }
    if matches!(plan.subject, Subject::Replay | Subject::All) {
        under_way("replay");
        report.extend(replay::run(&plan).await?);
        under_way("memory");
        report.extend(memory::run(&plan).await?);
    }
    if matches!(plan.subject, Subject::Cluster) {
        report.extend(cluster::run(&plan).await?);
    }
    Ok(report)
}

/// A folder that goes when the measurement ends, also by an error.
struct Scratch {
    folder: PathBuf,
    /// Those above it that were not there, the innermost first.
    made: Vec<PathBuf>,
}

impl Scratch {
    fn make(folder: &Path) -> anyhow::Result<Self> {
        let is_missing = |it: &&Path| !it.as_os_str().is_empty() && !it.exists();
        let made = folder.ancestors().skip(1).take_while(is_missing).map(Path::to_owned);
        let scratch = Self { folder: folder.to_owned(), made: made.collect() };
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(scratch)
    }

    /// Takes the folder away; one that could not be made is not there.
    fn clear(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            eprintln!("{} is left behind: {error}", self.folder.display());
        }
        for made in &self.made {
            // Whoever has put something there meanwhile keeps it.
            let _ = std::fs::remove_dir(made);
        }
    }
}

#[cfg(test)]
mod tests;
