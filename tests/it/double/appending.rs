//! How the double of EventStoreDB answers appends, alone and in batches.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Status, Streaming};

use super::log::{Expected, Place, Proposed, Refused, Written};
use super::wire::{
    AppendContent, AppendOptions, AppendReq, AppendResp, AppendResult, BatchAppendReq,
    BatchAppendResp, BatchResult, ConflictCurrent, ConflictExpected, CurrentRevision, DeleteReq,
    DeleteResp, ExpectedRevision, Position, ProposedMessage, StreamIdentifier, Success,
    SuccessPosition, WrongExpectedVersion,
};
use super::{Cluster, Trouble, refusal, wire};

impl From<ExpectedRevision> for Expected {
    fn from(expected: ExpectedRevision) -> Self {
        match expected {
            ExpectedRevision::Revision(revision) => Self::Revision(revision),
            ExpectedRevision::NoStream(()) => Self::NoStream,
            ExpectedRevision::Any(()) => Self::Any,
            ExpectedRevision::StreamExists(()) => Self::StreamExists,
        }
    }
}

fn target(options: Option<AppendOptions>) -> Result<(String, Expected), Status> {
    let options = options.ok_or_else(|| Status::invalid_argument("no options"))?;
    let name = options.stream.map(StreamIdentifier::text).unwrap_or_default();
    let expected = options.expected.ok_or_else(|| Status::invalid_argument("no expectation"))?;
    Ok((name, expected.into()))
}

fn proposed(message: ProposedMessage) -> Proposed {
    let field = |name: &str| message.metadata.get(name).cloned().unwrap_or_default();
    Proposed {
        id: message.id.and_then(wire::Uuid::read).unwrap_or_default(),
        kind: field("type"),
        is_json: field("content-type") == "application/json",
        metadata: message.custom_metadata,
        data: message.data,
    }
}

fn success((revision, position): Place) -> Success {
    let current = revision.map_or(CurrentRevision::NoStream(()), CurrentRevision::Revision);
    let position = position.map_or(SuccessPosition::NoPosition(()), |at| {
        SuccessPosition::Position(Position { commit: at, prepare: at })
    });
    Success { current: Some(current), position: Some(position) }
}

fn conflict(current: Option<u64>, expected: Expected) -> WrongExpectedVersion {
    WrongExpectedVersion {
        current: Some(current.map_or(ConflictCurrent::NoStream(()), ConflictCurrent::Revision)),
        expected: Some(match expected {
            Expected::Any => ConflictExpected::Any(()),
            Expected::NoStream => ConflictExpected::NoStream(()),
            Expected::StreamExists => ConflictExpected::StreamExists(()),
            Expected::Revision(revision) => ConflictExpected::Revision(revision),
        }),
    }
}

fn status(refused: Refused) -> Status {
    match refused {
        Refused::Conflict { .. } => {
            refusal(Code::FailedPrecondition, "wrong-expected-version", "wrong expected version")
        }
        Refused::Deleted => refusal(Code::FailedPrecondition, "stream-deleted", "it is deleted"),
        Refused::TooLarge => {
            refusal(Code::InvalidArgument, "maximum-append-size-exceeded", "it is too large")
        }
        Refused::NoType => {
            refusal(Code::InvalidArgument, "missing-required-metadata-property", "no type")
        }
    }
}

/// What one append comes to, with the trouble that a test has ordered.
async fn perform(
    cluster: &Cluster,
    stream: &str,
    expected: Expected,
    events: Vec<Proposed>,
) -> Result<Written, Status> {
    match cluster.trouble() {
        Some(Trouble::Busy) => return Err(Status::unavailable("Server Is Too Busy")),
        Some(Trouble::TimedOut) => return Err(Status::aborted("Operation timed out")),
        Some(Trouble::Drop) => {
            let _ = cluster.log().append(stream, expected, events);
            return Err(Status::unavailable("the connection is lost"));
        }
        Some(Trouble::Silence) => {
            let _ = cluster.log().append(stream, expected, events);
            return std::future::pending().await;
        }
        Some(Trouble::NotLeader { port }) => return Err(super::not_leader(port)),
        None | Some(Trouble::CleanEnd) => {}
    }
    Ok(cluster.log().append(stream, expected, events))
}

pub(super) async fn append(
    cluster: Arc<Cluster>,
    mut messages: Streaming<AppendReq>,
) -> Result<AppendResp, Status> {
    let (mut options, mut events) = (None, Vec::new());
    while let Some(message) = messages.message().await? {
        match message.content {
            Some(AppendContent::Options(found)) => options = Some(found),
            Some(AppendContent::Proposed(message)) => events.push(proposed(message)),
            None => {}
        }
    }
    let (stream, expected) = target(options)?;
    let result = match perform(&cluster, &stream, expected, events).await? {
        Ok(written) => AppendResult::Success(success(written)),
        Err(Refused::Conflict { current }) => {
            AppendResult::WrongExpectedVersion(conflict(current, expected))
        }
        Err(refused) => return Err(status(refused)),
    };
    Ok(AppendResp { result: Some(result) })
}

/// Requests in, answers out; a refusal is told within the session, which goes on. It ends where the
/// node that had to lead does not lead any more.
pub(super) fn batch(
    cluster: Arc<Cluster>,
    leading: Option<u16>,
    mut requests: Streaming<BatchAppendReq>,
) -> UnboundedReceiverStream<Result<BatchAppendResp, Status>> {
    let (answers, answered) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut parts: HashMap<_, (AppendOptions, Vec<Proposed>)> = HashMap::new();
        while let Ok(Some(request)) = requests.message().await {
            let id = request.correlation_id.clone().and_then(wire::Uuid::read).unwrap_or_default();
            let part = parts.entry(id).or_default();
            if let Some(options) = request.options {
                part.0 = options;
            }
            part.1.extend(request.proposed.into_iter().map(proposed));
            if !request.is_final {
                continue;
            }
            if cluster.takes_clean_end() {
                return;
            }
            let leader = cluster.leader_port();
            if leading.is_some_and(|port| port != leader) {
                let _ = answers.send(Err(super::not_leader(leader)));
                return;
            }
            let (options, events) = parts.remove(&id).unwrap_or_default();
            let answer = answer(&cluster, request.correlation_id, options, events).await;
            let ended = answer.is_err();
            if answers.send(answer).is_err() || ended {
                return;
            }
        }
    });
    UnboundedReceiverStream::new(answered)
}

async fn answer(
    cluster: &Cluster,
    correlation_id: Option<wire::Uuid>,
    options: AppendOptions,
    events: Vec<Proposed>,
) -> Result<BatchAppendResp, Status> {
    let (name, expected) = target(Some(options))?;
    let told = match perform(cluster, &name, expected, events).await {
        Ok(Ok(written)) => BatchResult::Success(success(written)),
        Ok(Err(refused)) => BatchResult::Error(in_band(refused)),
        // The server tells its own troubles in band too, "not ready" with the code of success.
        Err(status) if status.code() == Code::Aborted => BatchResult::Error(wire::Status {
            code: Code::DeadlineExceeded as i32,
            message: "Timeout".to_owned(),
        }),
        Err(status) if status.message().starts_with("Server Is") => {
            BatchResult::Error(wire::Status { code: 0, message: status.message().to_owned() })
        }
        Err(status) => return Err(status),
    };
    let stream = StreamIdentifier::of(&name);
    Ok(BatchAppendResp { correlation_id, result: Some(told), stream })
}

fn in_band(refused: Refused) -> wire::Status {
    let (code, message) = match refused {
        Refused::Conflict { .. } => (Code::AlreadyExists, "WrongExpectedVersion"),
        Refused::Deleted => (Code::NotFound, "StreamDeleted"),
        Refused::TooLarge => (Code::InvalidArgument, "MaximumAppendSizeExceeded"),
        Refused::NoType => (Code::InvalidArgument, "BadRequest"),
    };
    wire::Status { code: code as i32, message: message.to_owned() }
}

pub(super) fn delete(
    cluster: &Cluster,
    request: DeleteReq,
    hard: bool,
) -> Result<DeleteResp, Status> {
    let (stream, expected) = target(request.options)?;
    let (_, position) = cluster.log().delete(&stream, expected, hard).map_err(status)?;
    Ok(DeleteResp { position: position.map(|at| Position { commit: at, prepare: at }) })
}
