//! What the client's errors mean. The same refusal comes in up to three shapes; text is never
//! matched, and whatever is not known for certain counts as unknown.

use events::{Failure, Revision};
use eventstore::{CurrentRevision, Error};
use tonic::Code;

/// What to do about an error of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Somebody else wrote, and this is where the stream is.
    Conflict(Option<Revision>),
    /// Somebody else wrote; only the other way of appending tells where the stream is.
    ConflictUntold,
    /// There is no such stream.
    Missing,
    /// An operator has deleted the stream for ever.
    Tombstoned,
    /// The request is not one that the server takes, as when it is too large.
    Invalid,
    /// Asking again changes nothing.
    Refused,
    /// Another node leads; the client goes there by itself.
    Elsewhere,
    /// The client is dead for good.
    Dead,
    /// Whether anything happened is unknown.
    Unknown,
}

pub(super) fn meaning(error: &Error) -> Meaning {
    match error {
        Error::WrongExpectedVersion { current, .. } => Meaning::Conflict(match current {
            CurrentRevision::Current(revision) => Some(Revision(*revision)),
            CurrentRevision::NoStream => None,
        }),
        Error::ResourceAlreadyExists => Meaning::ConflictUntold,
        Error::ResourceNotFound => Meaning::Missing,
        Error::ResourceDeleted => Meaning::Tombstoned,
        Error::AccessDenied | Error::UnsupportedFeature => Meaning::Refused,
        Error::NotLeaderException(_) => Meaning::Elsewhere,
        Error::ConnectionClosed
        | Error::GrpcConnectionError(_)
        | Error::InitializationError(_)
        | Error::IllegalStateError(_)
        | Error::InternalClientError => Meaning::Dead,
        Error::ServerError(_) | Error::DeadlineExceeded | Error::InternalParsingError(_) => {
            Meaning::Unknown
        }
        Error::Grpc { code: Code::AlreadyExists, .. } => Meaning::ConflictUntold,
        Error::Grpc { code: Code::NotFound, .. } => Meaning::Tombstoned,
        Error::Grpc { code: Code::InvalidArgument, .. } => Meaning::Invalid,
        Error::Grpc { code: Code::PermissionDenied | Code::Unauthenticated, .. } => {
            Meaning::Refused
        }
        // Aborted is a write timeout; OK, in a batch, is a server that is busy or not ready.
        Error::Grpc { .. } => Meaning::Unknown,
    }
}

/// Whether it may be how a server tells that no event stands where a read of all streams begins:
/// it has no code of its own for that, so it is one with the server's own troubles.
pub(super) fn may_tell_of_a_place(error: &Error) -> bool {
    matches!(error, Error::ServerError(_))
}

/// Of a read that can have no such answer: none of all streams, and none that is not even begun. It
/// is not the server that says so, but something between it and us.
pub(super) fn unfounded(error: Error) -> Error {
    if matches!(error, Error::ResourceNotFound) {
        return Error::InternalParsingError("nothing is found at its address".to_owned());
    }
    error
}

/// Why something was not read.
pub(super) fn unread(error: &Error) -> String {
    if matches!(error, Error::AccessDenied) {
        return "EventStoreDB denies it: user or password in --store are wrong, or the user may \
                not read $all, as members of $admins may"
            .to_owned();
    }
    format!("EventStoreDB cannot be read: {error}")
}

pub(super) fn unavailable(reason: impl Into<String>) -> Failure {
    Failure::Unavailable { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grpc(code: Code) -> Error {
        Error::Grpc { code, message: String::new() }
    }

    #[test]
    fn a_conflict_is_known_in_each_of_its_shapes() {
        let expected = eventstore::StreamState::NoStream;
        let current = CurrentRevision::Current(4);
        let told = Error::WrongExpectedVersion { expected, current };
        assert_eq!(meaning(&told), Meaning::Conflict(Some(Revision(4))));
        assert_eq!(meaning(&grpc(Code::AlreadyExists)), Meaning::ConflictUntold);
        assert_eq!(meaning(&Error::ResourceAlreadyExists), Meaning::ConflictUntold);
    }

    #[test]
    fn what_may_have_been_written_is_unknown() {
        for code in [Code::Aborted, Code::Cancelled, Code::Ok, Code::DeadlineExceeded] {
            assert_eq!(meaning(&grpc(code)), Meaning::Unknown);
        }
        assert_eq!(meaning(&Error::ServerError(String::new())), Meaning::Unknown);
    }

    #[test]
    fn a_client_that_never_comes_back_is_known_as_dead() {
        assert_eq!(meaning(&Error::ConnectionClosed), Meaning::Dead);
        let refused = eventstore::GrpcConnectionError::MaxDiscoveryAttemptReached(3);
        assert_eq!(meaning(&Error::GrpcConnectionError(refused)), Meaning::Dead);
    }
}
