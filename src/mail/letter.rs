//! A mail in words: its subject, and its text as such and as HTML.

use std::fmt::Write;

use url::Url;

use super::facts::{About, Facts, News, Reason};
use super::words::{Words, application, channel};

/// What somebody reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// The mail in the language of the account. Without an address of the dashboard it has no link.
pub(super) fn compose(facts: &Facts, frontend: Option<&Url>) -> Letter {
    let words = Words::of(facts.locale.as_deref());
    let news = facts.news();
    let (subject, said) = (words.subject(&facts.about, news), words.said(&facts.about, news));
    let rows = rows(facts, words);
    let link = frontend.map(|frontend| (said.action, link(frontend, facts)));
    put_together(words.language, subject, said.opening, &rows, link.as_ref())
}

/// A sentence, rows of facts, and where to act.
pub(super) fn put_together(
    language: &str,
    subject: String,
    opening: &str,
    rows: &[(&str, String)],
    link: Option<&(&str, String)>,
) -> Letter {
    let text = text(opening, rows, link);
    let html = html(language, &subject, opening, rows, link);
    Letter { subject, text, html }
}

fn rows(facts: &Facts, words: &Words) -> Vec<(&'static str, String)> {
    let subject = match &facts.about {
        About::Inbox { name, channel_type, .. } => {
            (words.inbox, format!("{name} ({})", channel(channel_type)))
        }
        About::Hook { app_id } => (words.hook, application(app_id).to_owned()),
        About::Rule { name } => (words.rule, name.clone()),
    };
    let mut rows = vec![subject, (words.account, facts.account.name.clone())];
    if let Some(end) = &facts.expires_at {
        rows.push((words.ends, time(end)));
        return rows;
    }
    if facts.news() == News::Broken {
        let reason = facts.reason.as_ref().and_then(reason);
        rows.push((words.reason, reason.unwrap_or_else(|| words.unknown.to_owned())));
    }
    rows.push((words.since, time(&facts.since)));
    rows.extend(facts.until.as_ref().map(|until| (words.until, time(until))));
    rows.push((words.evidence, facts.evidence_count.to_string()));
    rows
}

/// `meta 190: Error validating access token`, as far as it is known.
fn reason(reason: &Reason) -> Option<String> {
    let source = [reason.provider.as_deref(), reason.code.as_deref()];
    let source: Vec<_> = source.into_iter().flatten().collect();
    let parts = [Some(source.join(" ")), reason.message.clone()];
    let parts: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

/// `2026-11-21T12:00:00.000Z` as people read it.
pub(super) fn time(rfc3339: &str) -> String {
    match rfc3339.get(..16) {
        Some(minute) => format!("{} UTC", minute.replace('T', " ")),
        None => rfc3339.to_owned(),
    }
}

/// Where Chatwoot's own mails lead, and its mail about Dialogflow does not.
fn link(frontend: &Url, facts: &Facts) -> String {
    let base = frontend.as_str().trim_end_matches('/');
    let place = match &facts.about {
        About::Inbox { id, .. } => format!("inboxes/{id}"),
        About::Hook { app_id } => format!("integrations/{app_id}"),
        About::Rule { .. } => "automation/list".to_owned(),
    };
    format!("{base}/app/accounts/{}/settings/{place}", facts.account.id)
}

fn text(opening: &str, rows: &[(&str, String)], link: Option<&(&str, String)>) -> String {
    let mut text = format!("{opening}\n\n");
    for (name, value) in rows {
        // What somebody called an inbox stays on its line.
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        put(&mut text, format_args!("{name}: {value}\n"));
    }
    if let Some((action, link)) = link {
        put(&mut text, format_args!("\n{action}: {link}\n"));
    }
    text
}

fn html(
    language: &str,
    subject: &str,
    opening: &str,
    rows: &[(&str, String)],
    link: Option<&(&str, String)>,
) -> String {
    let (subject, opening) = (escaped(subject), escaped(opening));
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head><meta charset=\"utf-8\">\
         <title>{subject}</title></head>\n<body>\n<p>{opening}</p>\n<table>\n"
    );
    for (name, value) in rows {
        let (name, value) = (escaped(name), escaped(value));
        let row = format_args!("<tr><th align=\"left\">{name}</th><td>{value}</td></tr>\n");
        put(&mut html, row);
    }
    html.push_str("</table>\n");
    if let Some((action, link)) = link {
        let (action, link) = (escaped(action), escaped(link));
        put(&mut html, format_args!("<p><a href=\"{link}\">{action}</a></p>\n"));
    }
    html.push_str("</body>\n</html>\n");
    html
}

fn put(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a string takes all that is written");
}

/// The five characters that mean something in HTML, in text and in attributes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
