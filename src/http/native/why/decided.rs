//! The reports that decided a state, read from the subject's own stream.

use std::collections::BTreeSet;

use events::policy::Version;
use events::reauthorization::{AuthorizationErrorRecorded, Cause, Event as Authorization};
use events::store::{Slice, is_last};
use events::{Event, EventStore, Failure, Position, Recorded, Subject};
use projections::inbox_health::HealthState;
use serde_json::{Value, json};

use crate::providers;

/// As many records as are read at once, and as many times.
const PAGE: usize = 200;
const PAGES_MAX: usize = 10;

/// As many reports as are shown where no transition says which decided it.
const REPORTS_MAX: usize = 10;

#[derive(Debug, Default)]
pub(super) struct Decided {
    /// The policy of the transition, where there is one.
    pub(super) policy: Option<Version>,
    /// Where the transition stands in the log.
    pub(super) transition: Option<Position>,
    /// The reports, the last one first.
    pub(super) evidence: Vec<Value>,
}

/// What is still looked for, going back in time.
struct Search {
    found: Decided,
    /// The numbers of the errors that decided the transition, once it was met.
    numbers: Option<BTreeSet<u64>>,
    /// How many of them are wanted where they had no numbers yet.
    unnumbered: usize,
    over: bool,
}

impl Decided {
    pub(super) async fn read(
        store: &dyn EventStore,
        subject: Subject,
        state: HealthState,
    ) -> Result<Self, Failure> {
        let required = match state {
            HealthState::ActionNeeded => true,
            HealthState::Degraded | HealthState::Blocked => false,
            HealthState::Healthy | HealthState::Expiring | HealthState::Unknown => {
                return Ok(Self::default());
            }
        };
        let found = Self::default();
        let mut search = Search { found, numbers: None, unnumbered: 0, over: false };
        let stream = subject.stream();
        let mut before = Slice::Before(None);
        for _ in 0..PAGES_MAX {
            let page = store.read_stream(&stream, before, PAGE).await?;
            let last = is_last(&page, PAGE);
            let Some(oldest) = page.last().map(|record| record.revision) else { break };
            for record in page {
                let Ok(record) = record.decode() else { continue };
                if let Some(event) = record.event.reauthorization() {
                    search.meet(&record, event, required);
                }
            }
            if last || search.over {
                break;
            }
            before = Slice::Before(Some(oldest));
        }
        Ok(search.found)
    }
}

impl Search {
    fn meet(&mut self, record: &Recorded<Event>, event: &Authorization, required: bool) {
        if self.over {
            return;
        }
        match event {
            Authorization::ReauthorizationRequired(it) if required && self.numbers.is_none() => {
                self.numbers = Some(it.evidence.iter().copied().collect());
                self.found.policy = Some(it.policy);
                self.found.transition = Some(record.position);
                self.unnumbered = match &it.cause {
                    Cause::Threshold { count, .. } if it.evidence.is_empty() => *count as usize,
                    Cause::Threshold { .. } | Cause::AtOnce { .. } | Cause::Prompted { .. } => 0,
                };
                self.over = it.evidence.is_empty() && self.unnumbered == 0;
            }
            Authorization::AuthorizationErrorRecorded(error) => {
                self.meet_error(record, error, required);
            }
            Authorization::AuthorizationSucceeded(_) | Authorization::Reauthorized(_) => {
                self.over = !required || self.numbers.is_some();
            }
            Authorization::ReauthorizationRequired(_)
            | Authorization::PolicySet(_)
            | Authorization::ExpirySet(_)
            | Authorization::Expiring(_)
            | Authorization::IncidentMuted(_)
            | Authorization::IncidentUnmuted(_) => {}
        }
    }

    fn meet_error(
        &mut self,
        record: &Recorded<Event>,
        error: &AuthorizationErrorRecorded,
        required: bool,
    ) {
        let wanted = match &mut self.numbers {
            Some(numbers) if self.unnumbered == 0 => numbers.remove(&error.number),
            Some(_) => error.verdict.counts(),
            None => !required && error.verdict.troubles(),
        };
        if !wanted {
            return;
        }
        self.found.evidence.push(shown(record, error));
        let enough = match &self.numbers {
            Some(numbers) if self.unnumbered == 0 => numbers.is_empty(),
            Some(_) => self.found.evidence.len() >= self.unnumbered,
            None => self.found.evidence.len() >= REPORTS_MAX,
        };
        self.over |= enough;
    }
}

fn shown(record: &Recorded<Event>, error: &AuthorizationErrorRecorded) -> Value {
    let AuthorizationErrorRecorded { evidence, verdict, table, number, count, .. } = error;
    let row = verdict.rule.as_deref().and_then(providers::row);
    json!({
        "number": number,
        "position": record.position,
        "at": record.at,
        "class": verdict.class.as_str(),
        "scope": verdict.scope.as_str(),
        "rule": verdict.rule,
        "confirmed": row.map(|row| row.confirmed),
        "action": row.map(|row| row.action),
        "meaning": row.map(|row| row.meaning),
        "table": table,
        "count": count,
        "provider": evidence.provider,
        "status": evidence.status,
        "code": evidence.code,
        "subcode": evidence.subcode,
        "message": evidence.message,
    })
}
