//! What a refusal of an actor, or a view that is late, means to whoever sent the request.

use actors::{
    Refused, account, delivery, hook, inbox, installation, platform, request, rule, webhook,
};
use events::{Failure, untold_from};
use projections::Late;

use super::Problem;
use crate::app::Stopping;
use crate::damage::{Damage, Untold};

/// What an engine says names its hosts and files, which are the operator's and not every caller's.
fn no_log(reason: &dyn std::fmt::Display) -> Problem {
    tracing::warn!("a request is answered 503: {reason}");
    Problem::Unavailable("the log cannot be read or written now; try again in a second".into())
}

impl<R: std::error::Error + Into<Problem>> From<Refused<R>> for Problem {
    fn from(refused: Refused<R>) -> Self {
        match refused {
            Refused::Rejected(rejection) => rejection.into(),
            Refused::Full => Self::Busy,
            Refused::TooLarge { bytes: _, limit } => {
                Self::TooLarge { what: "what would be written", limit }
            }
            Refused::Unavailable { reason } => no_log(&reason),
            Refused::Restarted => Self::Unavailable("it was interrupted; try again".into()),
            Refused::Halted { stream, reason } => {
                Self::Halted { stream: stream.to_string(), reason }
            }
        }
    }
}

impl From<account::Rejection> for Problem {
    fn from(rejection: account::Rejection) -> Self {
        match rejection {
            account::Rejection::Unregistered => Self::NoResource,
            account::Rejection::Nameless => Self::invalid("name", "Name can't be blank"),
            account::Rejection::UrlTaken { by: _ } => {
                Self::invalid("url", "Url has already been taken")
            }
            account::Rejection::IntegrationTaken { by: _ } => {
                Self::invalid("app_id", "App has already been taken")
            }
        }
    }
}

impl From<inbox::Rejection> for Problem {
    fn from(rejection: inbox::Rejection) -> Self {
        match rejection {
            inbox::Rejection::Unknown => Self::NoResource,
            inbox::Rejection::Missing("a channel_type") => {
                Self::invalid("channel_type", "Channel type can't be blank")
            }
            inbox::Rejection::Changed(_) => Self::Changed(rejection.to_string()),
            inbox::Rejection::Missing(_) => Self::invalid("name", "Name can't be blank"),
        }
    }
}

impl From<webhook::Rejection> for Problem {
    fn from(rejection: webhook::Rejection) -> Self {
        match rejection {
            webhook::Rejection::Unknown => Self::NoResource,
            webhook::Rejection::Exists => Self::Conflict(rejection.to_string()),
            webhook::Rejection::TooManyKeys => Self::invalid("secret", rejection.to_string()),
            webhook::Rejection::Changed => Self::Busy,
        }
    }
}

impl From<hook::Rejection> for Problem {
    fn from(rejection: hook::Rejection) -> Self {
        match rejection {
            hook::Rejection::Unknown => Self::NoResource,
            hook::Rejection::Exists => Self::Conflict(rejection.to_string()),
        }
    }
}

impl From<rule::Rejection> for Problem {
    fn from(rejection: rule::Rejection) -> Self {
        match rejection {
            rule::Rejection::Unknown => Self::NoResource,
            rule::Rejection::Exists => Self::Conflict(rejection.to_string()),
        }
    }
}

impl From<delivery::Rejection> for Problem {
    fn from(rejection: delivery::Rejection) -> Self {
        match rejection {
            delivery::Rejection::Unknown(_) | delivery::Rejection::UnknownRecovery(_) => {
                Self::NoResource
            }
            delivery::Rejection::Recovery { .. }
            | delivery::Rejection::TooManyRecoveries(_)
            | delivery::Rejection::Disabled => Self::Conflict(rejection.to_string()),
        }
    }
}

impl From<request::Rejection> for Problem {
    fn from(rejection: request::Rejection) -> Self {
        match rejection {
            request::Rejection::OtherBody => Self::KeyReused,
        }
    }
}

impl From<platform::Rejection> for Problem {
    fn from(rejection: platform::Rejection) -> Self {
        match rejection {}
    }
}

impl From<installation::Rejection> for Problem {
    fn from(rejection: installation::Rejection) -> Self {
        match rejection {
            installation::Rejection::NoToken(_) => Self::NoResource,
            // The service does not start under another key: the log was changed behind its back.
            installation::Rejection::OtherKey(_) | installation::Rejection::NoKey => {
                Self::Unavailable(rejection.to_string())
            }
        }
    }
}

impl From<Late> for Problem {
    fn from(late: Late) -> Self {
        Self::Unavailable(late.to_string())
    }
}

impl From<Stopping> for Problem {
    fn from(stopping: Stopping) -> Self {
        Self::Unavailable(stopping.to_string())
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Corrupt { position, reason: _ } => {
                tracing::error!("a request is answered 503: {failure}");
                let place = match position {
                    Some(position) => format!(" behind position {position}"),
                    None => String::new(),
                };
                // That does not pass by itself.
                let reason = format!("it is damaged{place}; `relink verify` says where and how");
                Self::Halted { stream: "the log".to_owned(), reason }
            }
            Failure::Conflict { .. } | Failure::Size { .. } | Failure::Unavailable { .. } => {
                no_log(&failure)
            }
        }
    }
}

impl From<Damage> for Problem {
    fn from(damage: Damage) -> Self {
        let Damage { stream, position, reason } = damage;
        let reason = untold_from(position, &reason);
        Self::Halted { stream: stream.to_string(), reason }
    }
}

impl From<Untold> for Problem {
    fn from(untold: Untold) -> Self {
        match untold {
            Untold::Log(failure) => failure.into(),
            Untold::Damaged(damage) => damage.into(),
        }
    }
}
