//! How the double of EventStoreDB answers reads.

use std::collections::HashMap;

use tonic::Status;

use super::log::{Log, Stored};
use super::refusal;
use super::wire::{
    AllOption, Filter, ReadAll, ReadContent, ReadCount, ReadEvent, ReadFilter, ReadOf, ReadOptions,
    ReadResp, ReadStream, RecordedEvent, RevisionOption, StreamIdentifier, StreamNotFound, Uuid,
    Window,
};

/// What a read comes to.
pub(super) enum Found {
    /// These messages.
    Answers(Vec<ReadResp>),
    /// The events at these places of the log.
    Places {
        places: Vec<usize>,
        /// The events that the server looks at before the first.
        looked_at: usize,
        /// And the steps that it takes for that.
        steps: u32,
        /// The events that it looks at behind the last before it ends the answer.
        behind: usize,
    },
}

/// As many events of a stream as the server reads in one step.
const STEP: u64 = 32;

/// As many events as the server looks at in one step of a filtered read, if nobody says more.
const WINDOW: u32 = 32;

pub(super) fn read(log: &Log, options: ReadOptions) -> Result<Found, Status> {
    let backwards = options.direction == 1;
    let Some(ReadCount::Count(count)) = options.count else {
        return Err(Status::unimplemented("the double has no subscriptions"));
    };
    if options.uuid_option.is_none() {
        return Err(Status::invalid_argument("no uuid_option"));
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    match (options.of, options.filter) {
        (Some(ReadOf::Stream(_)), Some(ReadFilter::Filter(_))) => {
            Err(Status::invalid_argument("a stream cannot be filtered"))
        }
        (Some(ReadOf::Stream(stream)), _) => {
            read_stream(log, stream, backwards, count).map(Found::Answers)
        }
        (Some(ReadOf::All(all)), filter) => read_all(log, all, filter, backwards, count),
        (None, _) => Err(Status::invalid_argument("no stream option")),
    }
}

fn read_stream(
    log: &Log,
    options: ReadStream,
    backwards: bool,
    count: usize,
) -> Result<Vec<ReadResp>, Status> {
    let name = options.stream.map(StreamIdentifier::text).unwrap_or_default();
    if log.is_tombstoned(&name) {
        return Err(refusal(tonic::Code::FailedPrecondition, "stream-deleted", "it is deleted"));
    }
    let Some(visible) = log.visible(&name) else {
        let stream = StreamIdentifier::of(&name);
        return Ok(vec![content(ReadContent::NotFound(StreamNotFound { stream }))]);
    };
    let (first, last) = (visible.start, visible.end - 1);
    let revisions: Vec<u64> = match (options.from, backwards) {
        (Some(RevisionOption::Revision(from)), true) => {
            (first..=from.min(last)).rev().take(count).collect()
        }
        (Some(RevisionOption::End(())), true) => (first..=last).rev().take(count).collect(),
        (Some(RevisionOption::Revision(from)), false) => {
            (from.max(first)..=last).take(count).collect()
        }
        (Some(RevisionOption::Start(())), false) => (first..=last).take(count).collect(),
        (_, true) => vec![],
        (_, false) => vec![],
    };
    let mut answers: Vec<_> =
        revisions.iter().map(|&revision| of_stream(log.stored(&name, revision))).collect();
    if !backwards {
        // Its first step was before all that is left.
        let from = match options.from {
            Some(RevisionOption::Revision(from)) => from,
            Some(RevisionOption::Start(()) | RevisionOption::End(())) | None => 0,
        };
        if from.saturating_add(STEP.min(count as u64)) <= first {
            answers.insert(0, content(ReadContent::FirstRevision(first)));
        }
        answers.push(content(ReadContent::LastRevision(last)));
    }
    Ok(answers)
}

fn read_all(
    log: &Log,
    options: ReadAll,
    filter: Option<ReadFilter>,
    backwards: bool,
    count: usize,
) -> Result<Found, Status> {
    let wanted = |place: &usize| match &filter {
        Some(ReadFilter::Filter(filter)) => matches(filter, &log.events[*place]),
        Some(ReadFilter::None(())) | None => true,
    };
    let start = match options.from {
        Some(AllOption::Position(position)) => {
            if !log.is_place(position.commit) {
                // Reads have no code of their own for it, as subscriptions have.
                let result = match filter {
                    Some(ReadFilter::Filter(_)) => "FilteredReadAllResult",
                    Some(ReadFilter::None(())) | None => "ReadAllResult",
                };
                return Err(Status::unknown(format!("Unexpected {result}: InvalidPosition")));
            }
            position.commit
        }
        Some(AllOption::End(())) => u64::MAX,
        Some(AllOption::Start(())) | None => 0,
    };
    // Forwards a read begins with the event at the position, backwards with the one before it.
    let at = log.events.partition_point(|event| event.position < start);
    // It ends an answer only once it has found one more than is wanted, or nothing.
    let more = count.saturating_add(1);
    let mut places: Vec<usize> = if backwards {
        (0..at).rev().filter(wanted).take(more).collect()
    } else {
        (at..log.events.len()).filter(wanted).take(more).collect()
    };
    let end = if backwards { 0 } else { log.events.len() };
    let looked_at = places.first().copied().unwrap_or(end).abs_diff(at);
    let steps = filter.map_or(0, |filter| steps(&filter, looked_at));
    let beyond = if places.len() == more { places.pop() } else { None };
    let behind = places.last().map_or(0, |last| beyond.unwrap_or(end).abs_diff(*last));
    Ok(Found::Places { places, looked_at, steps, behind })
}

fn steps(filter: &ReadFilter, looked_at: usize) -> u32 {
    let window = match filter {
        ReadFilter::Filter(Filter { window: Some(Window::Max(max)), .. }) => *max,
        ReadFilter::Filter(_) => WINDOW,
        ReadFilter::None(()) => return 0,
    };
    u32::try_from(looked_at).unwrap_or(u32::MAX) / window
}

fn matches(filter: &Filter, stored: &Stored) -> bool {
    let (text, expression) = match (&filter.stream, &filter.kind) {
        (Some(expression), _) => (&stored.stream, expression),
        (None, Some(expression)) => (&stored.event.kind, expression),
        (None, None) => return true,
    };
    match expression.regex.as_str() {
        "" => expression.prefixes.iter().any(|prefix| text.starts_with(prefix)),
        r"^[^\$].*" => !text.starts_with('$'),
        other => panic!("the double knows no expression {other}"),
    }
}

fn content(content: ReadContent) -> ReadResp {
    ReadResp { content: Some(content) }
}

/// Among all events a record has one position; in its stream the server tells where the append
/// begins as well.
pub(super) fn of_all(stored: &Stored) -> ReadResp {
    event(stored, stored.position)
}

fn of_stream(stored: &Stored) -> ReadResp {
    event(stored, stored.prepare)
}

fn event(stored: &Stored, prepare_position: u64) -> ReadResp {
    let kind = if stored.event.is_json { "application/json" } else { "application/octet-stream" };
    let metadata = [
        ("type", stored.event.kind.as_str()),
        ("content-type", kind),
        // 100-nanosecond ticks since 1970, here always the same moment.
        ("created", "17952534001234570"),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let recorded = RecordedEvent {
        id: Some(Uuid::text(stored.event.id)),
        stream: StreamIdentifier::of(&stored.stream),
        revision: stored.revision,
        prepare_position,
        commit_position: stored.position,
        metadata: HashMap::from(metadata),
        custom_metadata: stored.event.metadata.clone(),
        data: stored.event.data.clone(),
    };
    let commit_position = Some(stored.position);
    content(ReadContent::Event(ReadEvent { event: Some(recorded), commit_position }))
}
