//! `relink rebuild`: every view anew, from the first record.

use std::fmt;
use std::sync::Arc;

use events::untold_from;
use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};
use projections::Views;

use super::open::{self, For};
use super::{Stop, out};
use crate::config::Settings;

pub(super) async fn run(settings: &Settings) -> Result<(), Stop> {
    // There must be a log: serving would begin an empty one.
    drop(open::log(settings, For::Reading).await?);
    let log = open::log(settings, For::Working).await?;
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
        let untold = untold_from(stream.position, &stream.reason);
        eprintln!("relink: {}: {untold}", stream.stream);
    }
    out::line(format_args!("every view is rebuilt up to position {last}"))
}

/// A bar on a terminal, nothing elsewhere.
pub(crate) fn progress_bar(what: &'static str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{wide_bar} {human_pos} of {human_len} {msg}, {rate}, {eta} left",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar())
    .with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
        // A bar that cannot be drawn is none.
        let _ = write!(out, "{}", rate(state.per_sec()));
    });
    ProgressBar::new(length).with_style(style).with_message(what)
}

/// Whole numbers: what is behind the point changes too fast to be read.
fn rate(per_second: f64) -> String {
    format!("{}/s", HumanCount(per_second.round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_whole_number() {
        assert_eq!(rate(70_484.742_5), "70,485/s");
    }
}
