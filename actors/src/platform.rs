//! What the platform reports of an account is taken as it comes, in the order it comes.

use events::platform::{Event, EventReceived};
use events::{AccountId, Category, Fold};

use crate::aggregate::{Aggregate, Nothing};

/// The platform's reports on one account; nothing needs to be remembered of them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Platform;

/// Why a report is refused: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {}

impl Fold for Platform {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::EventReceived(_) | Event::Removed(_) => {}
        }
    }
}

impl Aggregate for Platform {
    const CATEGORY: Category = Category::Platform;
    const STATELESS: bool = true;

    type Id = AccountId;
    type Command = EventReceived;
    type Answer = ();
    type Effect = Nothing;
    type Rejection = Rejection;

    fn narrow(event: events::Event) -> Option<Event> {
        if let events::Event::Platform(event) = event { Some(event) } else { None }
    }

    fn decide(&self, command: &EventReceived) -> Result<Vec<Event>, Rejection> {
        Ok(vec![command.clone().into()])
    }

    fn answer(&self, _: &EventReceived) {}
}

#[cfg(test)]
mod tests;
