//! Incidents as JSON: of a subject, and of the whole installation.

use events::{AccountId, Subject, Timestamp};
use projections::incidents::{AppEnding, AppIncident, Incident, Incidents};
use serde_json::{Value, json};

/// As many affected subjects of an incident of the installation as are named.
const NAMED_MAX: usize = 100;

/// A subject's incident as it is asked for by name: `inbox-42-1`.
pub fn id(subject: Subject, number: u64) -> String {
    format!("{subject}-{number}").replace('/', "-")
}

/// The same of one of the installation's: `app-3`.
pub fn app_id(number: u64) -> String {
    format!("app-{number}")
}

/// The subject and number that a name stands for; none when it is none of ours.
pub fn parse_id(text: &str) -> Option<(Subject, u64)> {
    let (subject, number) = text.rsplit_once('-')?;
    Some((subject.replacen('-', "/", 1).parse().ok()?, number.parse().ok()?))
}

/// The number that the name of one of the installation's stands for: `app-3`.
pub fn parse_app_id(text: &str) -> Option<u64> {
    text.strip_prefix("app-")?.parse().ok()
}

/// A subject's incident.
pub fn incident(incident: &Incident, now: Timestamp) -> Value {
    let ended = incident.ended.as_ref();
    let end = ended.map_or(now, |(_, by)| by.at);
    json!({
        "id": id(incident.subject, incident.number),
        "subject": incident.subject.to_string(),
        "inbox_id": inbox(incident.subject),
        "state": if ended.is_some() { "closed" } else { "open" },
        "first_seen": incident.first_at,
        "last_seen": incident.last_at,
        "count": incident.count,
        "cause": incident.cause,
        "class": incident.class.map(|class| class.as_str()),
        "reauthorization_required": incident.required,
        "part_of": incident.app.map(app_id),
        "muted": incident.muted.is_some(),
        "muted_by": incident.muted.as_ref().map(|by| &*by.actor),
        "muted_at": incident.muted.as_ref().map(|by| by.at),
        "ended": ended.map(|(how, _)| how.as_str()),
        "ended_at": ended.map(|(_, by)| by.at),
        "ended_by": ended.map(|(_, by)| &*by.actor),
        "duration_s": end.since(incident.first_at).as_secs(),
    })
}

/// An incident of the installation, as one account may see it, or, without one, as it is; none
/// where it does not touch the account.
pub fn app(
    incident: &AppIncident,
    all: &Incidents,
    account: Option<AccountId>,
    now: Timestamp,
) -> Option<Value> {
    let theirs = |subject: &&Subject| {
        account.is_none_or(|account| all.account_of(**subject) == Some(account))
    };
    let affected: Vec<_> = incident.affected.iter().filter(theirs).collect();
    if affected.is_empty() {
        return None;
    }
    let ended = incident.ended.as_ref();
    let (how, by) = match ended {
        Some(AppEnding::Healed { .. }) => (Some("healed"), None),
        Some(AppEnding::ByHand(by)) => (Some("by_hand"), Some(&*by.actor)),
        None => (None, None),
    };
    let named = affected.iter().take(NAMED_MAX).map(ToString::to_string);
    Some(json!({
        "id": app_id(incident.number),
        "provider": incident.provider,
        "suspected": incident.suspected,
        "state": if ended.is_some() { "closed" } else { "open" },
        "first_seen": incident.first_at,
        "last_seen": incident.last_at,
        "cause": incident.cause,
        "class": incident.class.as_str(),
        "affected": affected.len(),
        "subjects": named.collect::<Vec<_>>(),
        "muted": incident.muted.is_some(),
        "muted_by": incident.muted.as_ref().map(|by| &*by.actor),
        "muted_at": incident.muted.as_ref().map(|by| by.at),
        "ended": how,
        "ended_at": ended.map(AppEnding::at),
        "ended_by": by,
        "duration_s": ended.map_or(now, AppEnding::at).since(incident.first_at).as_secs(),
    }))
}

fn inbox(subject: Subject) -> Option<u64> {
    match subject {
        Subject::Inbox(id) => Some(id.0),
        Subject::Account(_) | Subject::Webhook(_) | Subject::Hook(_) | Subject::Rule(_) => None,
    }
}

#[cfg(test)]
mod tests;
