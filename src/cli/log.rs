//! `relink log`: the event log, decoded, also while the service runs.

use std::io::{self, Write};
use std::sync::Arc;

use anyhow::anyhow;
use events::store::{Heard, PAGE_MAX, Slice, Subscription};
use events::{EventStore, Position, Record, Revision, StreamName, Subject};

use super::Stop;
use super::open::{self, For};
use crate::config::Settings;
use crate::rendering::{Rendered, render};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this stream, such as inbox-42
    #[arg(long, value_name = "STREAM")]
    stream: Option<String>,
    /// From this position on
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    from: u64,
    /// Goes on as the log grows
    #[arg(long)]
    follow: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, settings: &Settings) -> Result<(), Stop> {
    let log = open::log(settings, For::Reading)?;
    let printed = if let (Some(stream), false) = (&args.stream, args.follow) {
        print_stream(&*log, &StreamName::from_log(stream), &args).await
    } else {
        print_all(log.store(), &args).await
    };
    match printed {
        // Whoever reads our output has seen enough, as `head` does.
        Err(Stop::Wrong(error)) if is_broken_pipe(&error) => Ok(()),
        other => other,
    }
}

async fn print_stream(log: &dyn EventStore, stream: &StreamName, args: &Args) -> Result<(), Stop> {
    let mut from = Revision::FIRST;
    loop {
        let page = log.read_stream(stream, Slice::From(from), PAGE_MAX).await?;
        let Some(last) = page.last() else {
            return if from == Revision::FIRST {
                Err(Stop::Wrong(no_stream(stream)))
            } else {
                Ok(())
            };
        };
        from = last.revision.next();
        print(&page, args)?;
    }
}

/// Whoever thinks of a subject is told its stream.
fn no_stream(stream: &StreamName) -> anyhow::Error {
    match stream.as_str().parse::<Subject>() {
        Ok(subject) => {
            anyhow!("there is no stream {stream}; that of {subject} is {}", subject.stream())
        }
        Err(_) => anyhow!("there is no stream {stream}"),
    }
}

async fn print_all(log: Arc<dyn EventStore>, args: &Args) -> Result<(), Stop> {
    let behind = match log.record_at(Position(args.from)).await? {
        Some(first) => {
            print(&[first], args)?;
            Position(args.from)
        }
        None if log.is_dense() => Position(args.from.saturating_sub(1)),
        // Reading may begin only where a record stands; what comes before is not printed.
        None => Position::START,
    };
    let mut log = Subscription::new(log, behind);
    loop {
        match log.next().await? {
            Heard::Page(page) => print(&page, args)?,
            Heard::CaughtUp(_) if args.follow => {}
            Heard::CaughtUp(_) => return Ok(()),
        }
    }
}

fn print(page: &[Record], args: &Args) -> Result<(), Stop> {
    let wrong = |error: io::Error| Stop::Wrong(error.into());
    let mut out = io::stdout().lock();
    for record in page {
        let other = args.stream.as_ref().is_some_and(|stream| record.stream.as_str() != stream);
        if other || record.position.0 < args.from {
            continue;
        }
        let rendered = render(record);
        if args.json {
            serde_json::to_writer(&mut out, &rendered).map_err(|error| wrong(error.into()))?;
            writeln!(out).map_err(wrong)?;
        } else {
            print_line(&mut out, &rendered).map_err(wrong)?;
        }
    }
    out.flush().map_err(wrong)
}

/// Position, time, place, name, who, and the payload.
fn print_line(out: &mut impl Write, it: &Rendered) -> io::Result<()> {
    let data = it.undecodable.clone().unwrap_or_else(|| it.data.to_string());
    let actor = it.actor.as_deref().unwrap_or("?");
    writeln!(
        out,
        "{:>8} {} {}@{} {} v{} by {actor} {data}",
        it.position, it.at, it.stream, it.revision, it.kind, it.version
    )
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
