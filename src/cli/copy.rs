//! `relink copy`: a log into another engine, resumable.

use std::convert::Infallible;
use std::path::Path;

use anyhow::anyhow;

use super::open::{self, For, Log};
use super::rebuild::progress_bar;
use super::{Stop, out};
use crate::config::{Secret, Settings, StoreSetting};
use crate::copy::{self, CopyError};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The log that is read: `embedded` is the one in --data, `embedded:PATH` another, or a
    /// connection string; without it, the one that --store names
    #[arg(long, value_name = "STORE", value_parser = secret)]
    from: Option<Secret>,
    /// The log that is written, in the same words: an empty one, or an earlier copy of the first
    #[arg(long, value_name = "STORE", value_parser = secret)]
    to: Option<Secret>,
}

/// It may hold a password, which clap would repeat in its messages.
fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

pub(super) async fn run(args: Args, settings: &Settings) -> Result<(), Stop> {
    if place(args.from.as_ref(), settings) == place(args.to.as_ref(), settings) {
        return Err(Stop::Usage(anyhow!(
            "--from and --to are the same log; name another, such as embedded:/srv/copy"
        )));
    }
    let from = open("--from", args.from.as_ref(), settings, For::Reading)?;
    let to = open("--to", args.to.as_ref(), settings, For::Working)?;
    let bar = progress_bar(from.unit(), from.head().await?.0);
    let copied = copy::copy(&*from, &*to, |step| {
        bar.set_message(step.verb());
        bar.set_position(step.position().0);
    });
    let copied = copied.await;
    bar.finish_and_clear();
    to.close().await;
    let report = copied.map_err(|error| match error {
        CopyError::Log(failure) => Stop::from(failure),
        bad @ (CopyError::Broken(..)
        | CopyError::Undecodable(..)
        | CopyError::Different(_)
        | CopyError::Unverified { .. }) => Stop::Wrong(bad.into()),
    })?;
    out::line(format_args!(
        "copied and verified: {} records, of which {} were there before; their hash is {}",
        report.records, report.found, report.hash
    ))
}

/// Where a log is: the words that name it, or the folder that they mean.
fn place(name: Option<&Secret>, settings: &Settings) -> String {
    let name = match (name, &settings.store) {
        (Some(name), _) => name.expose(),
        (None, StoreSetting::Embedded) => "embedded",
        (None, StoreSetting::EventStoreDb(text)) => text.expose(),
    };
    let folder = match name {
        "embedded" => settings.data.as_path(),
        name => match name.strip_prefix("embedded:") {
            Some(folder) => Path::new(folder),
            None => return name.to_owned(),
        },
    };
    // A folder that is not there yet is nobody else's.
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    format!("embedded:{}", folder.display())
}

fn open(
    option: &str,
    name: Option<&Secret>,
    settings: &Settings,
    purpose: For,
) -> Result<Log, Stop> {
    match name.map(Secret::expose) {
        None => open::log(settings, purpose),
        Some("embedded") => open::embedded(&settings.data, purpose),
        Some(name) => match name.strip_prefix("embedded:") {
            Some("") => Err(Stop::Usage(anyhow!("{option}: embedded: names no folder"))),
            Some(folder) => open::embedded(Path::new(folder), purpose),
            // The text is not repeated: it may hold a password.
            None => open::eventstoredb(name, purpose).map_err(|error| {
                Stop::Usage(anyhow!(
                    "{option}: neither `embedded` nor `embedded:PATH`, and {error}"
                ))
            }),
        },
    }
}
