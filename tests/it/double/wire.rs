//! The messages that EventStoreDB and its clients exchange, as far as they are used here. Written
//! by hand after the public protocol; the numbers are its field numbers.

use std::collections::HashMap;

use bytes::Bytes;
use prost::{Message, Oneof};

/// `event_store.client.UUID`
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Uuid {
    #[prost(oneof = "UuidValue", tags = "1, 2")]
    pub(crate) value: Option<UuidValue>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum UuidValue {
    #[prost(message, tag = "1")]
    Structured(Structured),
    #[prost(string, tag = "2")]
    Text(String),
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Structured {
    #[prost(int64, tag = "1")]
    pub(crate) most: i64,
    #[prost(int64, tag = "2")]
    pub(crate) least: i64,
}

impl Uuid {
    pub(crate) fn text(id: uuid::Uuid) -> Self {
        Self { value: Some(UuidValue::Text(id.to_string())) }
    }

    pub(crate) fn read(self) -> Option<uuid::Uuid> {
        match self.value? {
            UuidValue::Structured(Structured { most, least }) => {
                Some(uuid::Uuid::from_u64_pair(most.cast_unsigned(), least.cast_unsigned()))
            }
            UuidValue::Text(text) => text.parse().ok(),
        }
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamIdentifier {
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) name: Bytes,
}

impl StreamIdentifier {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(Self { name: Bytes::copy_from_slice(name.as_bytes()) })
    }

    pub(crate) fn text(self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Position {
    #[prost(uint64, tag = "1")]
    pub(crate) commit: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) prepare: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SupportedMethods {
    #[prost(message, repeated, tag = "1")]
    pub(crate) methods: Vec<SupportedMethod>,
    #[prost(string, tag = "2")]
    pub(crate) version: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SupportedMethod {
    #[prost(string, tag = "1")]
    pub(crate) method: String,
    #[prost(string, tag = "2")]
    pub(crate) service: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) features: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ClusterInfo {
    #[prost(message, repeated, tag = "1")]
    pub(crate) members: Vec<Member>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Member {
    #[prost(int64, tag = "2")]
    pub(crate) time_stamp: i64,
    /// 6 follows, 8 leads.
    #[prost(int32, tag = "3")]
    pub(crate) state: i32,
    #[prost(bool, tag = "4")]
    pub(crate) is_alive: bool,
    #[prost(message, optional, tag = "5")]
    pub(crate) http_end_point: Option<EndPoint>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct EndPoint {
    #[prost(string, tag = "1")]
    pub(crate) address: String,
    #[prost(uint32, tag = "2")]
    pub(crate) port: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ProposedMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) id: Option<Uuid>,
    #[prost(map = "string, string", tag = "2")]
    pub(crate) metadata: HashMap<String, String>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) custom_metadata: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) data: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendReq {
    #[prost(oneof = "AppendContent", tags = "1, 2")]
    pub(crate) content: Option<AppendContent>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum AppendContent {
    #[prost(message, tag = "1")]
    Options(AppendOptions),
    #[prost(message, tag = "2")]
    Proposed(ProposedMessage),
}

/// Of Append, Delete and Tombstone alike.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendOptions {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<StreamIdentifier>,
    #[prost(oneof = "ExpectedRevision", tags = "2, 3, 4, 5")]
    pub(crate) expected: Option<ExpectedRevision>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum ExpectedRevision {
    #[prost(uint64, tag = "2")]
    Revision(u64),
    #[prost(message, tag = "3")]
    NoStream(()),
    #[prost(message, tag = "4")]
    Any(()),
    #[prost(message, tag = "5")]
    StreamExists(()),
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct AppendResp {
    #[prost(oneof = "AppendResult", tags = "1, 2")]
    pub(crate) result: Option<AppendResult>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum AppendResult {
    #[prost(message, tag = "1")]
    Success(Success),
    #[prost(message, tag = "2")]
    WrongExpectedVersion(WrongExpectedVersion),
}

/// Of Append and BatchAppend alike.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Success {
    #[prost(oneof = "CurrentRevision", tags = "1, 2")]
    pub(crate) current: Option<CurrentRevision>,
    #[prost(oneof = "SuccessPosition", tags = "3, 4")]
    pub(crate) position: Option<SuccessPosition>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum CurrentRevision {
    #[prost(uint64, tag = "1")]
    Revision(u64),
    #[prost(message, tag = "2")]
    NoStream(()),
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum SuccessPosition {
    #[prost(message, tag = "3")]
    Position(Position),
    #[prost(message, tag = "4")]
    NoPosition(()),
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct WrongExpectedVersion {
    #[prost(oneof = "ConflictCurrent", tags = "6, 7")]
    pub(crate) current: Option<ConflictCurrent>,
    #[prost(oneof = "ConflictExpected", tags = "8, 9, 10, 11")]
    pub(crate) expected: Option<ConflictExpected>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum ConflictCurrent {
    #[prost(uint64, tag = "6")]
    Revision(u64),
    #[prost(message, tag = "7")]
    NoStream(()),
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum ConflictExpected {
    #[prost(uint64, tag = "8")]
    Revision(u64),
    #[prost(message, tag = "9")]
    Any(()),
    #[prost(message, tag = "10")]
    StreamExists(()),
    #[prost(message, tag = "11")]
    NoStream(()),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct BatchAppendReq {
    #[prost(message, optional, tag = "1")]
    pub(crate) correlation_id: Option<Uuid>,
    #[prost(message, optional, tag = "2")]
    pub(crate) options: Option<AppendOptions>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) proposed: Vec<ProposedMessage>,
    #[prost(bool, tag = "4")]
    pub(crate) is_final: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct BatchAppendResp {
    #[prost(message, optional, tag = "1")]
    pub(crate) correlation_id: Option<Uuid>,
    #[prost(oneof = "BatchResult", tags = "2, 3")]
    pub(crate) result: Option<BatchResult>,
    #[prost(message, optional, tag = "4")]
    pub(crate) stream: Option<StreamIdentifier>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum BatchResult {
    #[prost(message, tag = "2")]
    Error(Status),
    #[prost(message, tag = "3")]
    Success(Success),
}

/// `google.rpc.Status`; the client throws the details away, so there are none.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeleteReq {
    #[prost(message, optional, tag = "1")]
    pub(crate) options: Option<AppendOptions>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct DeleteResp {
    #[prost(message, optional, tag = "1")]
    pub(crate) position: Option<Position>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadReq {
    #[prost(message, optional, tag = "1")]
    pub(crate) options: Option<ReadOptions>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadOptions {
    #[prost(oneof = "ReadOf", tags = "1, 2")]
    pub(crate) of: Option<ReadOf>,
    /// 0 forwards, 1 backwards.
    #[prost(int32, tag = "3")]
    pub(crate) direction: i32,
    #[prost(oneof = "ReadCount", tags = "5, 6")]
    pub(crate) count: Option<ReadCount>,
    #[prost(oneof = "ReadFilter", tags = "7, 8")]
    pub(crate) filter: Option<ReadFilter>,
    #[prost(message, optional, tag = "9")]
    pub(crate) uuid_option: Option<UuidOption>,
}

impl ReadOptions {
    /// The position that a forward read of all streams begins at.
    pub(crate) fn begins_at(&self) -> Option<u64> {
        match &self.of {
            Some(ReadOf::All(ReadAll { from: Some(AllOption::Position(position)) })) => {
                (self.direction == 0).then_some(position.commit)
            }
            Some(ReadOf::All(_) | ReadOf::Stream(_)) | None => None,
        }
    }

    /// Whether it is a read of all streams from the end.
    pub(crate) fn begins_at_end(&self) -> bool {
        matches!(&self.of, Some(ReadOf::All(ReadAll { from: Some(AllOption::End(())) })))
    }
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum ReadOf {
    #[prost(message, tag = "1")]
    Stream(ReadStream),
    #[prost(message, tag = "2")]
    All(ReadAll),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadStream {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<StreamIdentifier>,
    #[prost(oneof = "RevisionOption", tags = "2, 3, 4")]
    pub(crate) from: Option<RevisionOption>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum RevisionOption {
    #[prost(uint64, tag = "2")]
    Revision(u64),
    #[prost(message, tag = "3")]
    Start(()),
    #[prost(message, tag = "4")]
    End(()),
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct ReadAll {
    #[prost(oneof = "AllOption", tags = "1, 2, 3")]
    pub(crate) from: Option<AllOption>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum AllOption {
    #[prost(message, tag = "1")]
    Position(Position),
    #[prost(message, tag = "2")]
    Start(()),
    #[prost(message, tag = "3")]
    End(()),
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum ReadCount {
    #[prost(uint64, tag = "5")]
    Count(u64),
    #[prost(message, tag = "6")]
    Subscription(Empty),
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum ReadFilter {
    #[prost(message, tag = "7")]
    Filter(Filter),
    #[prost(message, tag = "8")]
    None(()),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Filter {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<Expression>,
    #[prost(message, optional, tag = "2")]
    pub(crate) kind: Option<Expression>,
    #[prost(oneof = "Window", tags = "3, 4")]
    pub(crate) window: Option<Window>,
}

/// As many events as the server looks at in one step.
#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum Window {
    #[prost(uint32, tag = "3")]
    Max(u32),
    #[prost(message, tag = "4")]
    Count(()),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Expression {
    #[prost(string, tag = "1")]
    pub(crate) regex: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) prefixes: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct UuidOption {
    #[prost(message, optional, tag = "1")]
    pub(crate) structured: Option<Empty>,
    #[prost(message, optional, tag = "2")]
    pub(crate) text: Option<Empty>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Empty {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadResp {
    #[prost(oneof = "ReadContent", tags = "1, 4, 5, 6")]
    pub(crate) content: Option<ReadContent>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum ReadContent {
    #[prost(message, tag = "1")]
    Event(ReadEvent),
    #[prost(message, tag = "4")]
    NotFound(StreamNotFound),
    #[prost(uint64, tag = "5")]
    FirstRevision(u64),
    #[prost(uint64, tag = "6")]
    LastRevision(u64),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamNotFound {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<StreamIdentifier>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadEvent {
    #[prost(message, optional, tag = "1")]
    pub(crate) event: Option<RecordedEvent>,
    #[prost(uint64, optional, tag = "3")]
    pub(crate) commit_position: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RecordedEvent {
    #[prost(message, optional, tag = "1")]
    pub(crate) id: Option<Uuid>,
    #[prost(message, optional, tag = "2")]
    pub(crate) stream: Option<StreamIdentifier>,
    #[prost(uint64, tag = "3")]
    pub(crate) revision: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) prepare_position: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) commit_position: u64,
    #[prost(map = "string, string", tag = "6")]
    pub(crate) metadata: HashMap<String, String>,
    #[prost(bytes = "bytes", tag = "7")]
    pub(crate) custom_metadata: Bytes,
    #[prost(bytes = "bytes", tag = "8")]
    pub(crate) data: Bytes,
}
