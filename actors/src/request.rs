//! A request with an `Idempotency-Key`: its repetition is told what it was told.

use events::request::{Answered, Event, Received};
use events::{Category, Fold};
use uuid::Uuid;

use crate::aggregate::{Aggregate, Nothing};

/// Such a request as its events tell it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Request {
    fingerprint: Option<[u8; 32]>,
    answered: Option<Answered>,
}

/// What can be asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// It came.
    Receive {
        /// SHA-256 of its body.
        fingerprint: [u8; 32],
    },
    /// It was answered.
    Answer(Answered),
}

/// Why it is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The key was used with another body.
    #[error("the Idempotency-Key was used with another request")]
    OtherBody,
}

impl Fold for Request {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::Received(Received { fingerprint }) => self.fingerprint = Some(*fingerprint),
            Event::Answered(answered) => self.answered = Some(answered.clone()),
        }
    }
}

impl Aggregate for Request {
    const CATEGORY: Category = Category::Request;

    type Id = Uuid;
    type Command = Command;
    /// What it was told, if it was.
    type Answer = Option<Answered>;
    type Effect = Nothing;
    type Rejection = Rejection;

    fn narrow(event: events::Event) -> Option<Event> {
        if let events::Event::Request(event) = event { Some(event) } else { None }
    }

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Receive { fingerprint } => match self.fingerprint {
                None => Ok(vec![Received { fingerprint: *fingerprint }.into()]),
                Some(known) if known == *fingerprint => Ok(vec![]),
                Some(_) => Err(Rejection::OtherBody),
            },
            Command::Answer(_) if self.answered.is_some() => Ok(vec![]),
            Command::Answer(answered) => Ok(vec![answered.clone().into()]),
        }
    }

    fn answer(&self, _: &Command) -> Option<Answered> {
        self.answered.clone()
    }
}

#[cfg(test)]
mod tests;
