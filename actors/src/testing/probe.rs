//! An aggregate that does what tests want: it takes anything, refuses, or falls over.

use events::platform::{Event, EventReceived};
use events::{AccountId, Actor, Category, Fold};
use uuid::Uuid;

use super::NOON;
use crate::aggregate::{Aggregate, Nothing};
use crate::shell::Context;

/// Everything that was said to it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Probe {
    heard: Vec<String>,
}

/// What can be asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    Say(String),
    /// Say something of that many bytes.
    Shout(usize),
    Refuse,
    Fall,
    Look,
}

/// It was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no")]
pub(crate) struct No;

pub(crate) fn say(text: impl ToString) -> Ask {
    Ask::Say(text.to_string())
}

pub(crate) fn said(text: impl ToString) -> Event {
    EventReceived { account: AccountId(1), event: text.to_string(), data: String::new() }.into()
}

/// Somebody asks something new.
pub(crate) fn anew() -> Context {
    with_id(Uuid::new_v4())
}

/// Somebody asks what can be asked again.
pub(crate) fn repeatable(name: &str) -> Context {
    with_id(Uuid::new_v5(&Uuid::nil(), name.as_bytes()))
}

fn with_id(id: Uuid) -> Context {
    Context { id, correlation: id, actor: Actor::ADMIN, account: None, now: NOON }
}

/// Whether this is where nobody else waits: a test's actors all run on its own thread.
fn is_aside() -> bool {
    std::thread::current().name().is_some_and(|name| name.starts_with("tokio"))
}

impl Fold for Probe {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::EventReceived(it) => self.heard.push(it.event.clone()),
            Event::Removed(_) => {}
        }
    }
}

impl Aggregate for Probe {
    const CATEGORY: Category = Category::Platform;
    const KEPT: Option<u32> = Some(1);

    type Id = AccountId;
    type Command = Ask;
    type Answer = Vec<String>;
    type Effect = Nothing;
    type Rejection = No;

    fn narrow(event: events::Event) -> Option<Event> {
        if let events::Event::Platform(event) = event { Some(event) } else { None }
    }

    fn pack(&self) -> Option<Vec<u8>> {
        is_aside().then(|| postcard::to_stdvec(&self.heard).unwrap())
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        is_aside().then(|| Self { heard: postcard::from_bytes(bytes).unwrap() })
    }

    fn decide(&self, command: &Ask) -> Result<Vec<Event>, No> {
        match command {
            Ask::Say(text) => Ok(vec![said(text)]),
            Ask::Shout(bytes) => {
                let data = "!".repeat(*bytes);
                let (account, event) = (AccountId(1), "shout".into());
                Ok(vec![EventReceived { account, event, data }.into()])
            }
            Ask::Refuse => Err(No),
            Ask::Fall => panic!("it was told to fall over"),
            Ask::Look => Ok(vec![]),
        }
    }

    fn answer(&self, _: &Ask) -> Vec<String> {
        self.heard.clone()
    }
}
