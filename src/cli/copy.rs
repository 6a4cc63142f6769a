//! `relink copy`: a log into another engine, resumable.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::open::{self, For, Log};
use super::rebuild::progress_bar;
use super::{Stop, out};
use crate::config::{Secret, Settings, StoreSetting};
use crate::copy::{self, CopyError};
use crate::store::eventstoredb::EventStoreDbSettings;

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

/// Where a log is.
enum Place {
    Folder(PathBuf),
    /// A connection string.
    Server(String),
}

pub(super) async fn run(args: Args, settings: &Settings) -> Result<(), Stop> {
    // Whatever is wrong with the words is told before any log is looked for.
    let from = Place::named("--from", args.from.as_ref(), settings)?;
    let to = Place::named("--to", args.to.as_ref(), settings)?;
    if from.is(&to) {
        return Err(Stop::Usage(anyhow!(
            "--from and --to are the same log; name another, such as embedded:/srv/copy"
        )));
    }
    let (from, to) = (from.open(For::Reading).await?, to.open(For::Working).await?);
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

impl Place {
    /// What these words name; without any, what the settings do.
    fn named(option: &str, name: Option<&Secret>, settings: &Settings) -> Result<Self, Stop> {
        let name = match (name, &settings.store) {
            (Some(name), _) => name.expose(),
            (None, StoreSetting::Embedded) => "embedded",
            (None, StoreSetting::EventStoreDb(text)) => text.expose(),
        };
        if name == "embedded" {
            return Ok(Self::Folder(settings.data.clone()));
        }
        match name.strip_prefix("embedded:") {
            Some("") => Err(Stop::Usage(anyhow!("{option}: embedded: names no folder"))),
            Some(folder) => Ok(Self::Folder(folder.into())),
            // The text is not repeated: it may hold a password.
            None => match EventStoreDbSettings::parse(name) {
                Ok(_) => Ok(Self::Server(name.to_owned())),
                Err(error) => Err(Stop::Usage(anyhow!(
                    "{option}: neither `embedded` nor `embedded:PATH`, and {error}"
                ))),
            },
        }
    }

    fn is(&self, other: &Self) -> bool {
        // A folder that is not there yet is nobody else's.
        let whole = |folder: &Path| folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        match (self, other) {
            (Self::Folder(one), Self::Folder(other)) => whole(one) == whole(other),
            (Self::Server(one), Self::Server(other)) => one == other,
            (Self::Folder(_), Self::Server(_)) | (Self::Server(_), Self::Folder(_)) => false,
        }
    }

    async fn open(&self, purpose: For) -> Result<Log, Stop> {
        match self {
            Self::Folder(folder) => open::embedded(folder, purpose),
            Self::Server(text) => open::eventstoredb(text, purpose).await.map(Log::EventStoreDb),
        }
    }
}
