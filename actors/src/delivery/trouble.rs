//! One line for whoever runs the service when an endpoint begins to fail, when it is disabled, and
//! when it takes deliveries again; and for each that was in trouble when the process began.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use events::delivery::{DisableRule, Failing, Standing, Tally, WebhookStatus};
use events::{EndpointId, Timestamp};

/// One failure is the delivery's; a row of so many over so long is worth a line.
const WORTH_A_LINE: (u64, Duration) = (3, Duration::from_secs(5));

/// As many are named that were in trouble before: where there are very many, health lists them.
const NAMED_MAX: usize = 32;

/// What is known of an endpoint that is not well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// It takes nothing, since then.
    Fails(Timestamp),
    /// What it is owed is held.
    Disabled,
}

/// What there is to say of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Fails {
        since: Timestamp,
        class: &'static str,
        pending: u64,
    },
    Disabled {
        since: Timestamp,
        rule: DisableRule,
        held: u64,
    },
    Enabled,
    Takes {
        since: Timestamp,
    },
    /// More than are named were in trouble before.
    More,
}

/// Those that are not well, as it was said last.
#[derive(Debug)]
pub(super) struct Troubles {
    said: DashMap<EndpointId, Trouble>,
    /// Who was in trouble before this process began is named once more by it.
    began: Timestamp,
    /// How many those are, so far.
    before: AtomicUsize,
}

impl Troubles {
    /// Nothing has been said yet by a process that begins at this moment.
    pub(super) fn new(began: Timestamp) -> Self {
        Self { said: DashMap::new(), began, before: AtomicUsize::new(0) }
    }

    /// Says what is new of an endpoint, where that is for this process to say.
    pub(super) fn look(&self, endpoint: EndpointId, tally: &Tally, is_ours: impl FnOnce() -> bool) {
        if let Some(line) = self.news(endpoint, tally, is_ours) {
            line.write(endpoint);
        }
    }

    /// Whose it is is asked last: it is looked at often, and there is seldom any news.
    fn news(
        &self,
        endpoint: EndpointId,
        tally: &Tally,
        is_ours: impl FnOnce() -> bool,
    ) -> Option<Line> {
        let before = self.said.get(&endpoint).map(|said| *said);
        let now = self.now(tally, before);
        if now == before || !is_ours() {
            return None;
        }
        match now {
            Some(trouble) => self.said.insert(endpoint, trouble),
            None => self.said.remove(&endpoint).map(|(_, trouble)| trouble),
        };
        self.line(before, tally)
    }

    /// How it is now, of which that was known before.
    fn now(&self, tally: &Tally, before: Option<Trouble>) -> Option<Trouble> {
        if let Standing::Disabled { .. } = &tally.health.standing {
            return Some(Trouble::Disabled);
        }
        match (before, row(tally)) {
            // As it was said: who goes on failing is not said to begin.
            (Some(Trouble::Fails(since)), Some(_)) => Some(Trouble::Fails(since)),
            // Who failed before and is owed nothing, as one that is deleted, fails in nothing now.
            (None | Some(Trouble::Disabled), Some(row))
                if is_worth_a_line(tally, row) && (is_owed(tally) || self.fails_now(tally)) =>
            {
                Some(Trouble::Fails(row.since))
            }
            (_, Some(_) | None) => None,
        }
    }

    fn line(&self, before: Option<Trouble>, tally: &Tally) -> Option<Line> {
        if let Standing::Disabled { since, rule, .. } = &tally.health.standing {
            let line = Line::Disabled { since: *since, rule: *rule, held: tally.counts.held };
            if *since >= self.began {
                return Some(line);
            }
            // Who did it by hand knows.
            let is_told = *rule != DisableRule::Asked && is_owed(tally);
            return is_told.then(|| self.of_before(line)).flatten();
        }
        match (before, row(tally)) {
            (Some(Trouble::Disabled), _) => Some(Line::Enabled),
            (None, Some(row)) => {
                let (since, class) = (row.since, row.class.as_str());
                let line = Line::Fails { since, class, pending: tally.counts.pending };
                if self.fails_now(tally) { Some(line) } else { self.of_before(line) }
            }
            // One that was given another url, or is owed nothing any more, has not taken anything.
            (Some(Trouble::Fails(since)), None) => {
                (tally.last_delivered_at >= Some(since)).then_some(Line::Takes { since })
            }
            (None, None) | (Some(Trouble::Fails(_)), Some(_)) => None,
        }
    }

    /// Whether anything has failed since this process began.
    fn fails_now(&self, tally: &Tally) -> bool {
        tally.last_failure.is_some_and(|last| last.at >= self.began)
    }

    /// What was so before this process began: whoever looks into its log sees it there too.
    fn of_before(&self, line: Line) -> Option<Line> {
        match self.before.fetch_add(1, Ordering::Relaxed) {
            ..NAMED_MAX => Some(line),
            NAMED_MAX => Some(Line::More),
            _ => None,
        }
    }
}

fn is_owed(tally: &Tally) -> bool {
    tally.counts.pending > 0
}

fn row(tally: &Tally) -> Option<&Failing> {
    tally.health.failing.as_deref()
}

/// Who asks to be left alone for a while does not fail.
fn is_worth_a_line(tally: &Tally, row: &Failing) -> bool {
    let (attempts, length) = WORTH_A_LINE;
    match tally.health.doing().0 {
        WebhookStatus::Probing => true,
        WebhookStatus::Failing => {
            let last = tally.last_failure.map_or(row.since, |failure| failure.at);
            row.attempts >= attempts && last.since(row.since) >= length
        }
        WebhookStatus::Healthy
        | WebhookStatus::Throttled
        | WebhookStatus::Paused
        | WebhookStatus::Disabled => false,
    }
}

/// What people call it.
struct Called(EndpointId);

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            EndpointId::Webhook(id) => write!(f, "webhook {id}"),
            EndpointId::Inbox(id) => write!(f, "the webhook of inbox {id}"),
            EndpointId::Mail(id) => write!(f, "the mail of account {id}"),
        }
    }
}

impl Line {
    /// Neither urls nor what was answered: both may tell what is a secret.
    fn write(self, endpoint: EndpointId) {
        let called = Called(endpoint);
        match self {
            Self::Fails { since, class, pending } => tracing::warn!(
                %endpoint, class, pending,
                "{called} takes nothing since {since} ({class}); it is owed {pending}"
            ),
            Self::Disabled { rule: DisableRule::Asked, held, .. } => {
                tracing::info!(%endpoint, held, "{called} is disabled by hand; {held} are held");
            }
            Self::Disabled { since, rule, held } => tracing::warn!(
                %endpoint, %since, rule = rule.as_str(), held,
                "{called} is disabled ({rule}); {held} are held until somebody enables it"
            ),
            Self::Enabled => tracing::info!(%endpoint, "{called} is enabled again"),
            Self::Takes { since } => tracing::info!(
                %endpoint,
                "{called} takes deliveries again; it failed since {since}"
            ),
            Self::More => tracing::warn!(
                "more endpoints are in trouble since before this start; GET /health lists them"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
