//! What the end of an attempt means: for its delivery, and for the endpoint.

use std::time::Duration;

use events::delivery::{
    AbandonReason, Abandoned, AttemptClass, AttemptFailed, Delivered, DisableRule,
    EndpointDisabled, EndpointFailing, EndpointRecovered, EndpointWarned, Event, Failing, Response,
    Standing, Warning,
};
use events::{Actor, DeliveryId, Timestamp};

use super::queue::Pending;
use super::schedule::{PROBE_EVERY, after_ours, asked, slowly, wait_after};
use super::{Ledger, Rejection, Report};
use crate::ports::Ended;

/// So many failures in a row, of so many deliveries and over so long a time, are the endpoint's
/// and not the deliveries'.
const FAILING: (u64, usize, Duration) = (5, 3, Duration::from_secs(5));

/// So are so many, however short the time.
const FAILING_FAST: (u64, usize) = (100, 8);

/// An attempt that failed.
struct Failure<'a> {
    class: AttemptClass,
    detail: &'a str,
    response: Option<&'a Response>,
    retry_after: Option<Duration>,
}

/// What it means for its delivery.
struct Verdict {
    retry_at: Option<Timestamp>,
    charged: bool,
    throttled_until: Option<Timestamp>,
    end: Option<AbandonReason>,
}

impl Verdict {
    /// Once more then, at no cost.
    fn free(at: Timestamp) -> Self {
        Self { retry_at: Some(at), charged: false, throttled_until: None, end: None }
    }

    fn end(reason: AbandonReason) -> Self {
        Self { retry_at: None, charged: true, throttled_until: None, end: Some(reason) }
    }
}

impl Failure<'_> {
    fn status(&self) -> Option<u16> {
        self.response.map(|response| response.status)
    }

    /// How long it asked to be left alone, if it is one of those who may.
    fn asked(&self) -> Option<Duration> {
        let may = matches!(self.status(), Some(429 | 503));
        self.retry_after.filter(|_| may).map(asked)
    }

    fn warning(&self) -> Option<Warning> {
        match (self.class, self.status()) {
            (_, Some(404)) => Some(Warning::NotFound),
            (AttemptClass::Auth, _) => Some(Warning::Unauthorized),
            (AttemptClass::Tls, _) => Some(Warning::Tls),
            (
                AttemptClass::Ok
                | AttemptClass::Client
                | AttemptClass::Gone
                | AttemptClass::Throttled
                | AttemptClass::Server
                | AttemptClass::Timeout
                | AttemptClass::Dns
                | AttemptClass::Connect
                | AttemptClass::Blocked
                | AttemptClass::Ours,
                _,
            ) => None,
        }
    }
}

impl Ledger {
    pub(super) fn record(&self, report: &Report) -> Result<Vec<Event>, Rejection> {
        let delivery = report.delivery;
        let Some(pending) = self.queue.get(delivery) else {
            return if self.knows(delivery) {
                Ok(vec![])
            } else {
                Err(Rejection::Unknown(delivery))
            };
        };
        if report.attempt != pending.attempts + 1 {
            return Ok(vec![]);
        }
        match &report.ended {
            Ended::Delivered(response) => Ok(self.succeed(report, response)),
            Ended::Failed { class, detail, response, retry_after } => {
                let response = response.as_ref();
                let failure =
                    Failure { class: *class, detail, response, retry_after: *retry_after };
                Ok(self.fail(report, pending, &failure))
            }
        }
    }

    fn succeed(&self, report: &Report, response: &Response) -> Vec<Event> {
        let delivered = Delivered {
            delivery: report.delivery,
            attempt: report.attempt,
            response: response.clone(),
            started_at: report.started_at,
            duration_us: micros(report.duration),
            address: report.address.clone(),
        };
        match self.tally.health.standing {
            Standing::Probing { since, .. } => {
                let recovered = EndpointRecovered { since, at: report.now };
                vec![delivered.into(), recovered.into()]
            }
            Standing::Free | Standing::Paused { .. } | Standing::Disabled { .. } => {
                vec![delivered.into()]
            }
        }
    }

    fn fail(&self, report: &Report, pending: &Pending, failure: &Failure<'_>) -> Vec<Event> {
        let verdict = self.judge(report, pending, failure);
        let failed = AttemptFailed {
            delivery: report.delivery,
            attempt: report.attempt,
            class: failure.class,
            detail: failure.detail.to_owned(),
            response: failure.response.cloned(),
            started_at: report.started_at,
            duration_us: micros(report.duration),
            address: report.address.clone(),
            retry_at: verdict.retry_at,
            charged: verdict.charged,
            throttled_until: verdict.throttled_until,
        };
        let endpoint = self.endpoint_after(report, failure, &failed);
        let mut events = vec![failed.into()];
        let delivery = report.delivery;
        events.extend(verdict.end.map(|reason| Event::from(Abandoned { delivery, reason })));
        events.extend(endpoint);
        events
    }

    fn judge(&self, report: &Report, pending: &Pending, failure: &Failure<'_>) -> Verdict {
        let (delivery, now) = (report.delivery, report.now);
        match failure.class {
            AttemptClass::Blocked => return Verdict::end(AbandonReason::Blocked),
            // The endpoint's return must not wait for us.
            AttemptClass::Ours
                if matches!(self.tally.health.standing, Standing::Probing { .. }) =>
            {
                return Verdict::free(now.after(PROBE_EVERY));
            }
            AttemptClass::Ours => {
                return Verdict::free(now.after(after_ours(delivery, pending.ours)));
            }
            // It is held from here on, and due as soon as somebody enables the endpoint.
            AttemptClass::Gone => return Verdict::free(now),
            AttemptClass::Ok
            | AttemptClass::Client
            | AttemptClass::Auth
            | AttemptClass::Throttled
            | AttemptClass::Server
            | AttemptClass::Timeout
            | AttemptClass::Dns
            | AttemptClass::Connect
            | AttemptClass::Tls => {}
        }
        if let Some(wait) = failure.asked() {
            let until = now.after(wait);
            return Verdict { throttled_until: Some(until), ..Verdict::free(until) };
        }
        match self.tally.health.standing {
            Standing::Probing { .. } => return Verdict::free(now.after(PROBE_EVERY)),
            Standing::Paused { .. } | Standing::Disabled { .. } => return Verdict::free(now),
            Standing::Free => {}
        }
        match wait_after(&report.schedule, delivery, pending.charged + 1) {
            Some(wait) => {
                let slow = failure.class == AttemptClass::Auth || failure.status() == Some(404);
                let wait = if slow { slowly(wait) } else { wait };
                Verdict { charged: true, ..Verdict::free(now.after(wait)) }
            }
            None => Verdict::end(AbandonReason::Exhausted),
        }
    }

    /// What the failure means for the endpoint.
    fn endpoint_after(
        &self,
        report: &Report,
        failure: &Failure<'_>,
        failed: &AttemptFailed,
    ) -> Option<Event> {
        if self.tally.health.standing.holds() {
            return None;
        }
        let now = report.now;
        let row = self.row(failed);
        let disabled = |rule, reason| {
            let (by, since) = (Actor::DELIVERY, Some(row.since));
            // One that ends with this failure is not owed any more.
            let held = Some((self.pending() - usize::from(failed.retry_at.is_none())) as u64);
            EndpointDisabled { rule, reason, by, at: now, since, held }.into()
        };
        if failure.class == AttemptClass::Gone {
            let reason = format!("it answered 410: {}", failure.detail);
            return Some(disabled(DisableRule::Gone, reason));
        }
        let counts = self.tally.health.counts(report.delivery, failure.class);
        if !counts || failure.class == AttemptClass::Blocked {
            return None;
        }
        let overdue = report.disable_after.is_some_and(|after| now.since(row.since) >= after);
        if row.attempts >= FAILING.0 && overdue {
            let (since, detail) = (row.since, &row.detail);
            let reason = format!("nothing but failures since {since}, first: {detail}");
            return Some(disabled(DisableRule::Failing, reason));
        }
        let told = matches!(self.tally.health.standing, Standing::Probing { .. });
        if is_failing(&row, now) && !told && failed.throttled_until.is_none() {
            let Failing { since, class, detail, .. } = row;
            let probe_at = now.after(PROBE_EVERY);
            return Some(EndpointFailing { since, class, detail, probe_at }.into());
        }
        // Whoever is never disabled has no time to be warned of.
        let disable_after = report.disable_after?;
        let warning = failure.warning().filter(|it| !row.warned.contains(it));
        let warning = warning.or_else(|| nearly_overdue(&row, now, disable_after))?;
        let disables_at = row.since.after(disable_after);
        let detail = failure.detail.to_owned();
        Some(EndpointWarned { warning, detail, since: row.since, disables_at }.into())
    }

    /// The row of failures with this one.
    fn row(&self, failed: &AttemptFailed) -> Failing {
        match &self.tally.health.failing {
            Some(failing) => {
                let mut row = (**failing).clone();
                row.add(failed.delivery);
                row
            }
            None => Failing::begun_by(failed),
        }
    }
}

/// Whether the row is long enough to be the endpoint's fault.
fn is_failing(row: &Failing, now: Timestamp) -> bool {
    let more_than =
        |attempts, deliveries| row.attempts >= attempts && row.deliveries.len() >= deliveries;
    (more_than(FAILING.0, FAILING.1) && now.since(row.since) >= FAILING.2)
        || more_than(FAILING_FAST.0, FAILING_FAST.1)
}

/// What there is to warn of after so much of the time until it is disabled.
fn nearly_overdue(row: &Failing, now: Timestamp, disable_after: Duration) -> Option<Warning> {
    let failing_for = now.since(row.since);
    let parts = [(Warning::Nearly, 9), (Warning::Most, 7), (Warning::Half, 5)];
    let (warning, _) =
        parts.into_iter().find(|(_, part)| failing_for >= disable_after * *part / 10)?;
    (!row.warned.contains(&warning)).then_some(warning)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Abandons these.
pub(super) fn give_up(
    deliveries: impl IntoIterator<Item = DeliveryId>,
    reason: AbandonReason,
) -> Vec<Event> {
    deliveries.into_iter().map(|delivery| Abandoned { delivery, reason }.into()).collect()
}

/// Whether somebody said so, whatever attempts of it may be about to begin.
pub(super) fn is_withdrawal(reason: AbandonReason) -> bool {
    match reason {
        AbandonReason::Exhausted | AbandonReason::Blocked => false,
        AbandonReason::WebhookDeleted | AbandonReason::Skipped | AbandonReason::Backlog => true,
    }
}
