//! One page of incidents, those that began last first.

use std::cmp::Reverse;

use events::{AccountId, Subject, Timestamp};
use projections::incidents::{AppIncident, Incident};
use serde_json::Value;

use crate::rendering::incidents as rendering;

/// Where an incident stands among all; one of the installation is of no subject.
pub(super) type Place = (Timestamp, Subject, u64);

const NOBODY: Subject = Subject::Account(AccountId(0));

/// Those that are shown, how many are wanted in all, and what to ask for to go on.
pub(super) struct Page<T> {
    pub(super) shown: Vec<T>,
    pub(super) total: usize,
    pub(super) next_before: Option<String>,
}

impl<T> Page<T> {
    /// At most `limit` of all that are wanted, which stand before a place.
    pub(super) fn of(mut wanted: Vec<(Place, T)>, before: Option<Place>, limit: usize) -> Self {
        let total = wanted.len();
        wanted.retain(|(place, _)| before.is_none_or(|before| *place < before));
        wanted.sort_by_key(|(place, _)| Reverse(*place));
        let more = wanted.len() > limit;
        wanted.truncate(limit);
        let next_before = wanted.last().map(|(place, _)| text(*place)).filter(|_| more);
        Self { shown: wanted.into_iter().map(|(_, one)| one).collect(), total, next_before }
    }
}

impl Page<Value> {
    /// As an answer says it.
    pub(super) fn put_into(self, answer: &mut Value) {
        answer["incidents"] = self.shown.into();
        answer["total"] = self.total.into();
        answer["next_before"] = self.next_before.into();
    }
}

pub(super) fn place(incident: &Incident) -> Place {
    (incident.first_at, incident.subject, incident.number)
}

pub(super) fn place_of_app(incident: &AppIncident) -> Place {
    (incident.first_at, NOBODY, incident.number)
}

fn text((at, subject, number): Place) -> String {
    let is_app = subject == NOBODY;
    let id = if is_app { rendering::app_id(number) } else { rendering::id(subject, number) };
    format!("{at}/{id}")
}

/// A moment, or the end of a page.
pub(super) fn before(text: &str) -> Result<Place, String> {
    let (at, id) = text.split_once('/').map_or((text, None), |(at, id)| (at, Some(id)));
    // A plus sign in a query is a blank by the time it gets here.
    let at = at.replace(' ', "+").parse::<Timestamp>().map_err(|problem| problem.to_string())?;
    let Some(id) = id else { return Ok((at, NOBODY, 0)) };
    let app = || rendering::parse_app_id(id).map(|number| (NOBODY, number));
    let (subject, number) =
        rendering::parse_id(id).or_else(app).ok_or_else(|| format!("{id:?} is no incident"))?;
    Ok((at, subject, number))
}
