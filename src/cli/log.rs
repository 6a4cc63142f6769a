//! `relink log`: the event log, decoded, also while the service runs.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;

use anyhow::anyhow;
use events::store::{Heard, PAGE_MAX, Slice, Subscription};
use events::{EventStore, Failure, Position, Record, Revision, StreamName, Subject};

use super::Stop;
use super::open::{self, For};
use crate::config::Settings;
use crate::rendering::{Rendered, render};

/// As many records as are shown from the end: they are kept until the first of them is found.
const LAST_MAX: u64 = 10_000;

/// As many characters of a payload as a short line has.
const SHORT: usize = 100;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this stream, such as inbox-42
    #[arg(long, value_name = "STREAM")]
    stream: Option<String>,
    /// From this position on
    #[arg(long, value_name = "POSITION")]
    from: Option<u64>,
    /// Only the last so many; in an EventStoreDB all are read to find them, but for a stream's
    #[arg(long, value_name = "N", conflicts_with = "from")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=LAST_MAX))]
    last: Option<u64>,
    /// Goes on as the log grows, from the end of now unless --from or --last says otherwise
    #[arg(long)]
    follow: bool,
    /// Cuts payloads after 100 characters
    #[arg(long, conflicts_with = "json")]
    short: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, settings: &Settings) -> Result<(), Stop> {
    let log = open::log(settings, For::Reading).await?;
    let stream = args.stream.as_deref().map(StreamName::from_log);
    let printed = match (stream, args.last) {
        (stream, Some(last)) => {
            let many = usize::try_from(last).unwrap_or(usize::MAX);
            print_last(log.store(), stream.as_ref(), many, &args).await
        }
        (Some(stream), None) if !args.follow => print_stream(&*log, &stream, &args).await,
        (Some(_) | None, None) => print_all(log.store(), &args).await,
    };
    match printed {
        // Whoever reads our output has seen enough, as `head` does.
        Err(Stop::Wrong(error)) if is_broken_pipe(&error) => Ok(()),
        other => other,
    }
}

/// The last ones, and whatever follows on them.
async fn print_last(
    log: Arc<dyn EventStore>,
    stream: Option<&StreamName>,
    many: usize,
    args: &Args,
) -> Result<(), Stop> {
    let head = log.head().await?;
    let last = match stream {
        Some(stream) => last_of_stream(&*log, stream, many).await?,
        None => last_of_all(&log, head, many).await?,
    };
    match (last.last(), stream) {
        (None, Some(stream)) if !args.follow => return Err(Stop::Wrong(no_stream(stream))),
        (Some(_) | None, _) => print(&last, args)?,
    }
    if args.follow { follow(log, end_of(&last, head), args).await } else { Ok(()) }
}

/// Where these end, which were read when the log ended at `head`: what stands between the last of
/// a quiet stream and the end of the log is of others, and may be very much.
fn end_of(last: &[Record], head: Position) -> Position {
    last.last().map_or(head, |record| record.position.max(head))
}

async fn last_of_stream(
    log: &dyn EventStore,
    stream: &StreamName,
    many: usize,
) -> Result<Vec<Record>, Failure> {
    let mut found: Vec<Record> = vec![];
    while found.len() < many {
        let before = Slice::Before(found.last().map(|record| record.revision));
        let page = log.read_stream(stream, before, many - found.len()).await?;
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    found.reverse();
    Ok(found)
}

async fn last_of_all(
    log: &Arc<dyn EventStore>,
    head: Position,
    many: usize,
) -> Result<Vec<Record>, Failure> {
    let behind = if log.is_dense() { head.0.saturating_sub(many as u64) } else { 0 };
    let mut log = Subscription::new(Arc::clone(log), Position(behind));
    let mut found = VecDeque::new();
    while let Heard::Page(page) = log.next().await? {
        found.extend(page);
        found.drain(..found.len().saturating_sub(many));
    }
    Ok(found.into())
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
    let behind = match args.from.map(Position) {
        None if args.follow => log.head().await?,
        None => Position::START,
        Some(from) => match log.record_at(from).await? {
            Some(first) => {
                print(&[first], args)?;
                from
            }
            None if log.is_dense() => Position(from.0.saturating_sub(1)),
            // Reading may begin only where a record stands; what comes before is not printed.
            None => Position::START,
        },
    };
    follow(log, behind, args).await
}

/// Whatever is behind a position, and with `--follow` what comes after that.
async fn follow(log: Arc<dyn EventStore>, behind: Position, args: &Args) -> Result<(), Stop> {
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
        if other || args.from.is_some_and(|from| record.position.0 < from) {
            continue;
        }
        let rendered = render(record);
        if args.json {
            serde_json::to_writer(&mut out, &rendered).map_err(|error| wrong(error.into()))?;
            writeln!(out).map_err(wrong)?;
        } else {
            print_line(&mut out, &rendered, args.short).map_err(wrong)?;
        }
    }
    out.flush().map_err(wrong)
}

/// Position, time, place, name, who, and the payload.
fn print_line(out: &mut impl Write, it: &Rendered, short: bool) -> io::Result<()> {
    let mut data = it.undecodable.clone().unwrap_or_else(|| it.data.to_string());
    if short && let Some((end, _)) = data.char_indices().nth(SHORT) {
        data.truncate(end);
        data.push_str("...");
    }
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

#[cfg(test)]
mod tests;
