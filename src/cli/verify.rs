//! `relink verify`: reads the whole log and tells the first bad position, if there is one.

use anyhow::anyhow;

use super::open::{self, For};
use super::rebuild::progress_bar;
use super::{Stop, out};
use crate::config::Settings;
use crate::verify::{self, Unverified};

pub(super) async fn run(settings: &Settings) -> Result<(), Stop> {
    let log = open::log(settings, For::Reading).await?;
    let bar = progress_bar(log.unit(), log.head().await?.0);
    let verified = verify::verify(&*log, log.positions(), |report| {
        bar.set_position(report.position.0);
    });
    let verified = verified.await;
    bar.finish_and_clear();
    let report = verified.map_err(|unverified| match unverified {
        bad @ Unverified::Bad { .. } => Stop::Wrong(bad.into()),
        Unverified::Unread(failure) => failure.into(),
    })?;
    // Every record may be whole and the engine's own file still be damaged, as in an index.
    let damage = log.integrity().await?;
    if let Some(first) = damage.first() {
        let more = damage.len() - 1;
        return Err(Stop::Wrong(anyhow!(
            "every record is good, but the file is damaged: {first} ({more} more)"
        )));
    }
    out::line(format_args!(
        "the log is good: {} records in {} streams, up to position {}",
        report.records, report.streams, report.position
    ))
}
