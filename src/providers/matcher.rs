//! Finds the row that matches a piece of evidence best: the more it names, the better.

use std::borrow::Cow;

use events::evidence::{Evidence, Verdict};

use super::pattern::{BY_STATUS, Key};
use super::table::{Row, Table};

/// The verdict of the best row; none when no row matches.
pub(super) fn find(table: &Table, evidence: &Evidence) -> Option<Verdict> {
    let asked = Asked::about(evidence);
    let row = match evidence.provider {
        Some(_) => asked.among(table, family(&&*asked.provider)),
        None => asked.anywhere(table),
    };
    row.map(|row| row.verdict.clone())
}

/// What a provider is called in the table, after what it is called elsewhere.
pub(super) fn canonical(provider: &str) -> Cow<'_, str> {
    let name = lower(provider.trim());
    let known = match &*name {
        "facebook" | "facebook_page" => "messenger",
        "whatsapp_cloud" | "whatsapp-cloud" => "whatsapp",
        "gmail" => "google",
        "outlook" | "office365" | "azure" => "microsoft",
        "twitter" => "x",
        _ => return name,
    };
    known.into()
}

/// In lower case, as nearly all that is reported is already.
fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        text.to_ascii_lowercase().into()
    } else {
        text.into()
    }
}

/// Whose rows apply, the provider's own first. Meta's products share the codes of its Graph API.
fn family<'a>(provider: &'a &'a str) -> &'a [&'a str] {
    match *provider {
        "meta" => &["meta", "whatsapp", "messenger", "instagram"],
        "messenger" => &["messenger", "meta"],
        "instagram" => &["instagram", "messenger", "meta"],
        "whatsapp" => &["whatsapp", "whatsapp-health", "meta"],
        "whatsapp-health" => &["whatsapp-health", "whatsapp", "meta"],
        "dialogflow" => &["dialogflow", "google"],
        _ => std::slice::from_ref(provider),
    }
}

struct Asked<'e> {
    provider: Cow<'e, str>,
    /// The keys to try, the most telling first.
    keys: [Option<Key<'e>>; 4],
    number: Option<u32>,
    status: Option<u16>,
    said: Cow<'e, str>,
}

impl<'e> Asked<'e> {
    fn about(evidence: &'e Evidence) -> Self {
        let provider = evidence.provider.as_deref().map(canonical).unwrap_or_default();
        let said = lower(evidence.message.as_deref().unwrap_or_default());
        let read = |text: &'e Option<String>| text.as_deref().map(|text| plain(&provider, text));
        let (mut code, mut subcode) = (read(&evidence.code), read(&evidence.subcode));
        let mut status = evidence.status;
        if provider == "smtp" {
            (code, subcode) = smtp(code, subcode, status.take(), &said);
        } else if subcode.is_none()
            && let Some((first, second)) = code.as_deref().and_then(|code| code.split_once('/'))
            && [first, second].iter().all(|part| part.parse::<u64>().is_ok())
        {
            let parts = (first.to_owned().into(), second.to_owned().into());
            (code, subcode) = (Some(parts.0), Some(parts.1));
        }
        let number = code.as_deref().and_then(|code| code.parse().ok());
        if status.is_none() && BY_STATUS.contains(&&*provider) {
            status = number.and_then(|number| u16::try_from(number).ok());
        }
        let both = code.clone().zip(subcode.clone());
        let keys = [
            both.map(|(code, subcode)| Key::Pair(code, subcode)),
            // A subcode that is a word says more than the code beside it.
            subcode.filter(|text| text.parse::<u64>().is_err()).map(Key::Code),
            in_words(&provider, &said).map(|word| Key::Code(word.into())),
            code.map(Key::Code),
        ];
        Self { provider, keys, number, status, said }
    }

    fn among<'a>(&self, table: &'a Table, family: &[&str]) -> Option<&'a Row> {
        let exact = |key: &Key<'_>| family.iter().find_map(|one| table.exact(one, key, &self.said));
        let range = |number| family.iter().find_map(|one| table.range(one, number));
        let status = |status: u16| {
            exact(&Key::Status(status)).or_else(|| exact(&Key::Hundred(status / 100)))
        };
        let by_code = self.keys.iter().flatten().find_map(exact);
        by_code.or_else(|| self.number.and_then(range)).or_else(|| self.status.and_then(status))
    }

    /// The row of whichever provider, if all that have one under the key are of one mind.
    fn anywhere<'a>(&self, table: &'a Table) -> Option<&'a Row> {
        self.keys.iter().flatten().find_map(|key| {
            let mut found = PROVIDERS.iter().filter_map(|one| table.exact(one, key, &self.said));
            let first = found.next()?;
            found.all(|row| row.verdict.class == first.verdict.class).then_some(first)
        })
    }
}

/// The providers whose codes can be told without their name. The rest speak in HTTP statuses.
pub(super) const PROVIDERS: [&str; 13] = [
    "meta",
    "messenger",
    "instagram",
    "whatsapp",
    "slack",
    "google",
    "dialogflow",
    "microsoft",
    "imap",
    "tiktok",
    "twilio",
    "stripe",
    "x",
];

/// A code without what some put around it.
fn plain<'e>(provider: &str, text: &'e str) -> Cow<'e, str> {
    let text = lower(text.trim());
    let plain = match provider {
        "imap" => text.strip_prefix("no [").unwrap_or(&text).trim_matches(['[', ']']),
        "slack" => text.strip_prefix("event ").unwrap_or(&text),
        "tiktok" => text.strip_prefix("webhook ").unwrap_or(&text),
        "dialogflow" => text.strip_prefix("grpc ").unwrap_or(&text),
        "microsoft" if text.parse::<u64>().is_ok() => return format!("aadsts{text}").into(),
        _ => return text,
    };
    plain.to_owned().into()
}

/// The code that some providers tell only in the words of their message.
fn in_words(provider: &str, said: &str) -> Option<String> {
    match provider {
        "microsoft" => {
            let (_, rest) = said.split_once("aadsts")?;
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (digits > 0).then(|| format!("aadsts{}", &rest[..digits]))
        }
        "imap" => match said.split_once('[').and_then(|(_, rest)| rest.split_once(']')) {
            Some((code, _)) => Some(code.to_owned()),
            None => said.split_whitespace().take(2).find(|word| *word == "no").map(str::to_owned),
        },
        _ => None,
    }
}

/// SMTP's reply code and enhanced status code (RFC 3463), wherever they were put: the reply code is
/// no HTTP status, though some report it as one.
fn smtp<'e>(
    code: Option<Cow<'_, str>>,
    subcode: Option<Cow<'_, str>>,
    status: Option<u16>,
    said: &str,
) -> (Option<Cow<'e, str>>, Option<Cow<'e, str>>) {
    let status = status.map(|status| status.to_string().into());
    let given: Vec<_> = [status, code, subcode].into_iter().flatten().collect();
    let given = if given.is_empty() { said.to_owned() } else { given.join(" ") };
    let mut words = given.split([' ', '-']).filter(|word| !word.is_empty());
    let reply = words.next();
    let enhanced = words.next().or_else(|| said.split([' ', '-']).find(|word| is_enhanced(word)));
    let owned = |word: &str| Cow::Owned(word.to_owned());
    (reply.map(owned), enhanced.map(owned))
}

fn is_enhanced(word: &str) -> bool {
    let parts: Vec<_> = word.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u16>().is_ok())
}
