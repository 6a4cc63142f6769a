//! `relink rebuild`: every view anew, from the first record.

use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use projections::Views;

use super::open::{self, For};
use super::{Stop, out};
use crate::config::Settings;

pub(super) async fn run(settings: &Settings) -> Result<(), Stop> {
    // There must be a log: serving would begin an empty one.
    drop(open::log(settings, For::Reading)?);
    let log = open::log(settings, For::Serving)?;
    let snapshots = Arc::new(open::snapshots(settings));
    let bar = progress_bar(log.unit(), log.head().await?.0);
    let runner = Views::default().runner(log.store(), snapshots);
    let mut last = 0;
    let left_out = runner
        .rebuild(|position, head| {
            last = position.0;
            bar.set_length(head.0);
            bar.set_position(position.0);
        })
        .await?;
    bar.finish_and_clear();
    log.close().await;
    for stream in left_out.list() {
        let (name, place) = (&stream.stream, stream.position);
        eprintln!("relink: {name} is not shown from position {place} on: {}", stream.reason);
    }
    out::line(format_args!("every view is rebuilt up to position {last}"))
}

/// A bar on a terminal, nothing elsewhere.
pub(crate) fn progress_bar(what: &'static str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{wide_bar} {human_pos} of {human_len} {msg}, {per_sec}, {eta} left",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_message(what)
}
