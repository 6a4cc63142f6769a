//! Takes credentials out of what a provider said, before it is kept.

use std::borrow::Cow;

use events::credentials::is_name;
use serde_json::Value;

const SHOWN: &str = "[redacted]";

/// Beginnings of credentials that tell themselves: Meta, Slack, OpenAI and Stripe, Google, GitHub,
/// Standard Webhooks, JSON Web Tokens, Relink.
const BEGINNINGS: [&str; 21] = [
    "EAA",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxe",
    "xapp-",
    "sk-",
    "sk_",
    "rk_",
    "ya29.",
    "1//",
    "AIza",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "github_pat_",
    "whsec_",
    "whsk_",
    "eyJ",
    "rl_",
];
const BEGINNING_LENGTH_MIN: usize = 20;

/// Takes credentials out of every text and from under every name that announces one.
pub(super) fn json(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if value.is_null() || value.is_boolean() || !is_name(name) {
                    json(value);
                } else {
                    *value = Value::from(SHOWN);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(json),
        Value::String(text) => {
            if let Cow::Owned(redacted) = self::text(text) {
                *text = redacted;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The text without `name=value`, `"name":"value"`, `Bearer value` and what looks like a token.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut done = 0;
    let mut at = 0;
    while let Some((start, end)) = word(text, at) {
        at = end;
        let hidden = if tells_itself(&text[start..end]) {
            Some((start, value_end(&text[start..], None) + start))
        } else {
            announced(text, start, end)
        };
        if let Some((from, to)) = hidden.filter(|(from, to)| from < to) {
            kept.push_str(&text[done..from]);
            kept.push_str(SHOWN);
            (done, at) = (to, to);
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(&text[done..]);
    Cow::Owned(kept)
}

/// The next word at or behind `at`: letters, digits and what names and tokens have in them.
fn word(text: &str, at: usize) -> Option<(usize, usize)> {
    let inside =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    let bytes = &text.as_bytes()[at..];
    let start = at + bytes.iter().position(inside)?;
    let length = text.as_bytes()[start..].iter().position(|byte| !inside(byte));
    Some((start, length.map_or(text.len(), |length| start + length)))
}

/// The credential that the word from `start` to `end` announces.
fn announced(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let name = &text[start..end];
    let rest = &text[end..];
    if is_scheme(name) && rest.starts_with(' ') {
        let from = end + (rest.len() - rest.trim_start_matches(' ').len());
        let to = from + value_end(&text[from..], None);
        return (to - from >= 8).then_some((from, to));
    }
    let mark = rest.trim_start_matches(['"', '\'', ' ', '\\']);
    let marked = mark.strip_prefix(['=', ':'])?;
    if !is_name(name) {
        return None;
    }
    let value = marked.trim_start_matches(['"', '\'', ' ', '\\', '>']);
    let quote =
        marked[..marked.len() - value.len()].chars().rfind(|char| matches!(char, '"' | '\''));
    let mut from = text.len() - value.len();
    let first = &value[..value_end(value, quote)];
    // "Error validating access token: The session ..." is prose, and no credential follows.
    let prose = mark.starts_with(':') && quote.is_none() && marked.starts_with(' ');
    let compound = name.contains(['_', '-']) || name.eq_ignore_ascii_case("authorization");
    if prose && !compound && !first.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // The scheme of `Authorization: Bearer value` may stay.
    if quote.is_none() && is_scheme(first) {
        let behind = &value[first.len()..];
        from += first.len() + behind.len() - behind.trim_start_matches(' ').len();
    }
    Some((from, from + value_end(&text[from..], quote)))
}

/// Where a value ends: at its quote, or else at what separates values.
fn value_end(text: &str, quote: Option<char>) -> usize {
    let ends = |char: char| match quote {
        Some(quote) => char == quote,
        None => {
            char.is_whitespace() || matches!(char, '&' | ',' | ';' | '"' | '\'' | '}' | ')' | '<')
        }
    };
    text.find(ends).unwrap_or(text.len())
}

fn is_scheme(word: &str) -> bool {
    ["bearer", "basic", "oauth"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

fn tells_itself(word: &str) -> bool {
    word.len() >= BEGINNING_LENGTH_MIN
        && BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
}

#[cfg(test)]
mod tests;
