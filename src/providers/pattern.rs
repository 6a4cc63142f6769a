//! Reads the `code` column of the table: what evidence must show for a row to match.

use std::borrow::Cow;

/// One way to match a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) key: Key<'static>,
    /// One of these must be in the message, in lower case; none means whatever is said.
    pub(super) said: Vec<&'static str>,
}

/// What a row is found under. Texts are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key<'a> {
    /// Code and subcode.
    Pair(Cow<'a, str>, Cow<'a, str>),
    /// Code, a number or a word.
    Code(Cow<'a, str>),
    /// Codes from the first to the last.
    Range(u32, u32),
    /// HTTP status.
    Status(u16),
    /// All HTTP statuses of one hundred: 5 for 5xx.
    Hundred(u16),
}

/// Providers whose `a/b` is code and subcode; with all others it is one code or the other.
const WITH_SUBCODES: [&str; 3] = ["meta", "messenger", "instagram"];
/// Providers whose three-digit numbers are HTTP statuses.
pub(super) const BY_STATUS: [&str; 4] = ["line", "openai", "telegram", "webhook-consumer"];

/// What the cell asks for; nothing when it cannot be read.
pub(super) fn patterns(provider: &str, cell: &str) -> Vec<Pattern> {
    let odd = odd(provider, cell);
    if odd.is_empty() { regular(provider, cell) } else { odd }
}

/// Cells that speak to people more than to programs.
fn odd(provider: &str, cell: &str) -> Vec<Pattern> {
    let start = cell.split([' ', ',', ':']).next().unwrap_or(cell);
    match (provider, start, cell) {
        ("telegram", "400", _) => vec![status(400).said(&["logged out"])],
        ("telegram", number, _) if number.parse::<u16>().is_ok() => numbers(number),
        ("telegram", "getWebhookInfo.last_error_date/message", _) => codes(&[
            "getwebhookinfo.last_error_date",
            "getwebhookinfo.last_error_message",
            "pending_update_count",
            "url mismatch",
        ]),
        ("line", _, "429 rate") => numbers("429"),
        ("line", _, "429 monthly limit text") => vec![status(429).said(&["monthly limit"])],
        ("openai", _, "401 IP not authorized") => {
            vec![status(401).said(&["ip not authorized", "ip is not authorized"])]
        }
        ("openai", "401", _) => numbers("401"),
        ("openai", "403", _) => {
            vec![status(403).said(&["country"]), code("unsupported_country_region_territory")]
        }
        ("openai", _, "429 rate limit / slow_down") => {
            vec![status(429), code("slow_down"), code("rate_limit_exceeded")]
        }
        ("stripe", "permission", _) => codes(&["permission error", "permission_error"]),
        ("twilio", "sender", _) => codes(&["offline"]),
        ("whatsapp-health", "LIMITED", _) => {
            vec![code("limited").said(&["not subscribed to the message webhook"])]
        }
        ("microsoft", "invalid_grant", _) => codes(&["aadsts50173"]),
        ("microsoft", "Graph", _) => {
            codes(&["reauthorizationrequired", "subscriptionremoved", "missed"])
        }
        ("imap", _, "NO LOGIN/AUTHENTICATE with no code, text match") => {
            vec![code("no").said(&["login", "authenticat"])]
        }
        ("imap", "BYE", _) => codes(&["bye", "econnrefused", "timeout", "tls error", "dns"]),
        ("x", _, "88 / 429") => vec![code("88"), status(429)],
        ("x", "webhook", _) => codes(&["webhook marked invalid"]),
        ("webhook-consumer", "410", _) => numbers("410"),
        ("webhook-consumer", "408/425/429/5xx", _) => {
            let mut patterns = numbers("408/425/429/5xx");
            patterns.extend(codes(&["timeout", "connect error"]));
            patterns
        }
        ("webhook-consumer", "DNS", _) => codes(&["blocked", "dns to private/reserved ip"]),
        _ => Vec::new(),
    }
}

/// Cells that follow a form: alternatives between ` / `, notes in brackets or after ` + `.
fn regular(provider: &str, cell: &str) -> Vec<Pattern> {
    let bare = without_notes(cell);
    let read = |alternative: &str| alternative_patterns(provider, alternative.trim());
    let all: Vec<_> = bare.split(" / ").map(read).collect();
    if all.iter().any(Vec::is_empty) { Vec::new() } else { all.concat() }
}

fn without_notes(cell: &str) -> String {
    let cell = cell.split(" + ").next().unwrap_or(cell);
    let mut bare = String::with_capacity(cell.len());
    for part in cell.split(" (") {
        // Behind the first one, each part begins inside brackets.
        bare +=
            if bare.is_empty() { part } else { part.split_once(')').map_or("", |(_, rest)| rest) };
    }
    bare
}

fn alternative_patterns(provider: &str, text: &str) -> Vec<Pattern> {
    let words: Vec<_> = text.split(' ').collect();
    match (provider, words.as_slice()) {
        ("microsoft", [word]) if is_number(word) => codes(&[&format!("aadsts{word}")]),
        ("smtp", [reply, enhanced]) => vec![pair(reply, enhanced)],
        ("imap", ["NO", word] | [word]) => codes(&[word.trim_matches(['[', ']'])]),
        ("slack", ["event", word]) | ("tiktok", ["webhook", word]) => codes(&[word]),
        ("dialogflow", ["gRPC", number, name] | [number, name]) => codes(&[number, name]),
        ("google" | "openai", [number, word]) if is_number(number) => codes(&[word]),
        (_, [word]) => word_patterns(provider, word),
        _ => Vec::new(),
    }
}

fn word_patterns(provider: &str, word: &str) -> Vec<Pattern> {
    if BY_STATUS.contains(&provider) && word.starts_with(|first: char| first.is_ascii_digit()) {
        return numbers(word);
    }
    if let Some((first, last)) = word.split_once('-')
        && let (Ok(first), Ok(last)) = (first.parse(), last.parse())
    {
        return vec![Pattern { key: Key::Range(first, last), said: Vec::new() }];
    }
    match word.split_once('/') {
        Some((code, subcode)) if WITH_SUBCODES.contains(&provider) => vec![pair(code, subcode)],
        Some(_) => codes(&word.split('/').collect::<Vec<_>>()),
        None => codes(&[word]),
    }
}

/// HTTP statuses between `/`, of which one may be a hundred such as `5xx`.
fn numbers(text: &str) -> Vec<Pattern> {
    let key = |one: &str| match one.strip_suffix("xx") {
        Some(hundred) => hundred.parse().map(Key::Hundred),
        None => one.parse().map(Key::Status),
    };
    let keys: Result<Vec<_>, _> = text.split('/').map(key).collect();
    keys.unwrap_or_default().into_iter().map(|key| Pattern { key, said: Vec::new() }).collect()
}

fn codes(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| code(text)).collect()
}

fn code(text: &str) -> Pattern {
    Pattern { key: Key::Code(text.to_ascii_lowercase().into()), said: Vec::new() }
}

fn pair(code: &str, subcode: &str) -> Pattern {
    let lower = |text: &str| Cow::Owned(text.to_ascii_lowercase());
    let key = Key::Pair(lower(code), lower(subcode));
    Pattern { key, said: Vec::new() }
}

fn status(status: u16) -> Pattern {
    Pattern { key: Key::Status(status), said: Vec::new() }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

impl Pattern {
    fn said(self, phrases: &[&'static str]) -> Self {
        Self { said: phrases.to_vec(), ..self }
    }
}
