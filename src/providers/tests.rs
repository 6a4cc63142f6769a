mod cases;
mod real;

use events::evidence::{Class, Scope};

use proptest::prelude::*;

use super::pattern::{Key, Pattern};
use super::*;

fn about(provider: &str, code: &str, subcode: &str, status: u16, message: &str) -> Evidence {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Evidence {
        provider: text(provider),
        status: (status != 0).then_some(status),
        code: text(code),
        subcode: text(subcode),
        message: text(message),
        body: None,
    }
}

/// The evidence that the pattern describes; of a range its ends.
fn samples(provider: &str, Pattern { key, said }: &Pattern) -> Vec<Evidence> {
    let message = said.first().copied().unwrap_or_default();
    match key {
        Key::Pair(code, subcode) => vec![about(provider, code, subcode, 0, message)],
        Key::Code(code) => vec![about(provider, code, "", 0, message)],
        Key::Status(status) => vec![about(provider, "", "", *status, message)],
        Key::Hundred(hundred) => vec![about(provider, "", "", hundred * 100 + 98, message)],
        Key::Range(first, last) => {
            [first, last].map(|code| about(provider, &code.to_string(), "", 0, message)).to_vec()
        }
    }
}

#[test]
fn every_row_of_the_table_is_read_and_matches_itself() {
    let table = table::Table::read(include_str!("provider-errors.tsv")).unwrap();
    assert_eq!(table.rows.len(), 219);
    for row in &table.rows {
        assert!(!row.patterns.is_empty());
        for evidence in row.patterns.iter().flat_map(|pattern| samples(row.provider, pattern)) {
            assert_eq!(classify(&evidence), row.verdict, "{evidence:?}");
        }
    }
}

#[test]
fn a_row_tells_what_to_do_and_whether_it_is_confirmed() {
    let known = row("meta 190/460").unwrap();
    assert_eq!((known.meaning, known.action), ("Password changed", "reauth now"));
    assert!(known.confirmed);
    assert!(!row("meta 190/492").unwrap().confirmed, "its source is K");
    assert_eq!(row("meta 1/2/3"), None);
}

#[test]
fn a_wrong_client_secret_is_the_apps_whoever_says_so() {
    for code in ["invalid_client", "unauthorized_client"] {
        let verdict = classify(&about("acme", code, "", 401, ""));
        assert_eq!((verdict.class, verdict.scope), (Class::Config, Scope::App), "{code}");
        assert!(!verdict.counts());
    }
}

#[test]
fn a_code_that_can_be_told_without_a_provider_is_of_a_known_one() {
    let rows = &table::table().rows;
    assert!(matcher::PROVIDERS.iter().all(|one| rows.iter().any(|row| row.provider == *one)));
}

#[test]
fn a_table_that_cannot_be_read_says_which_row() {
    for (row, problem) in [
        ("meta\t1\tm\tAUTH\taccount\ta", "row 2 of the table of provider errors: 6 columns"),
        ("meta\t1\tm\tODD\taccount\ta\ts", "there is no class \"ODD\""),
        ("meta\t1\tm\tAUTH\todd\ta\ts", "there is no scope \"odd\""),
        ("meta\tsome words\tm\tAUTH\taccount\ta\ts", "the code \"some words\" cannot be read"),
        ("meta\t1 / 1\tm\tAUTH\taccount\ta\ts", "is taken"),
    ] {
        let text = Box::leak(format!("head\n{row}").into_boxed_str());
        let error = table::Table::read(text).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

fn each_finds<const N: usize>(cases: [(Evidence, &str); N]) {
    for (evidence, rule) in cases {
        assert_eq!(classify(&evidence).rule.as_deref(), Some(rule), "{evidence:?}");
    }
}

#[test]
fn what_metas_products_say_finds_its_row() {
    each_finds([
        (about("meta", "190", "460", 400, ""), "meta 190/460"),
        (about("Meta", "190", "", 400, ""), "meta 190 (no subcode)"),
        (about("meta", "190", "999", 400, ""), "meta 190 (no subcode)"),
        (about("meta", "190/463", "", 0, ""), "meta 190/463"),
        (about("meta", "200", "", 403, ""), "meta 200-299"),
        (about("meta", "299", "5", 0, ""), "meta 200-299"),
        (about("meta", "200", "1349174", 0, ""), "meta 200/1349174"),
        (about("meta", "100", "33", 0, ""), "meta 100/33"),
        (about("meta", "131031", "", 0, ""), "whatsapp 131031"),
        (about("meta", "10", "2018278", 0, ""), "messenger 10/2018278"),
        (about("whatsapp", "190", "460", 0, ""), "meta 190/460"),
        (about("whatsapp", "0", "", 401, ""), "whatsapp 0"),
        (about("whatsapp", "131009", "", 0, ""), "whatsapp 131008/131009"),
        (about("whatsapp", "132005", "", 0, ""), "whatsapp 132000-132012"),
        (about("instagram", "190", "", 0, ""), "instagram 190"),
        (about("instagram", "190", "460", 0, ""), "meta 190/460"),
        (about("facebook", "4", "", 0, ""), "messenger 4 (send)"),
    ]);
}

#[test]
fn what_other_providers_say_finds_its_row() {
    each_finds([
        (about("telegram", "", "", 401, "Unauthorized"), "telegram 401 Unauthorized"),
        (about("telegram", "401", "", 0, "Unauthorized"), "telegram 401 Unauthorized"),
        (about("telegram", "400", "", 0, "Logged out"), "telegram 400 Logged out"),
        (
            about("slack", "ratelimited", "", 429, ""),
            "slack rate_limited / ratelimited + HTTP 429 Retry-After",
        ),
        (about("slack", "event tokens_revoked", "", 0, ""), "slack event tokens_revoked"),
        (about("google", "invalid_grant", "", 400, ""), "google 400 invalid_grant"),
        (about("gmail", "UNAUTHENTICATED", "", 401, ""), "google 401 UNAUTHENTICATED"),
        (about("dialogflow", "16", "", 0, ""), "dialogflow gRPC 16 UNAUTHENTICATED"),
        (
            about("dialogflow", "PERMISSION_DENIED", "", 403, ""),
            "dialogflow gRPC 7 PERMISSION_DENIED",
        ),
        (about("dialogflow", "invalid_grant", "", 400, ""), "google 400 invalid_grant"),
        (
            about("microsoft", "invalid_grant", "", 400, "AADSTS50173: The grant is expired"),
            "microsoft invalid_grant + AADSTS50173",
        ),
        (
            about("microsoft", "invalid_client", "7000222", 401, ""),
            "microsoft AADSTS7000215 / 7000222 / 70002 / 700027",
        ),
        (
            about("imap", "", "", 0, "NO [AUTHENTICATIONFAILED] Invalid credentials"),
            "imap NO [AUTHENTICATIONFAILED]",
        ),
        (about("imap", "[INUSE]", "", 0, ""), "imap NO [LIMIT] / [OVERQUOTA] / [INUSE]"),
        (
            about("imap", "", "", 0, "a1 NO LOGIN failed."),
            "imap NO LOGIN/AUTHENTICATE with no code, text match",
        ),
        (about("smtp", "535", "5.7.8", 0, ""), "smtp 535 5.7.8"),
        (about("smtp", "5.7.139", "", 535, ""), "smtp 535 5.7.139"),
        (about("smtp", "", "", 0, "535-5.7.8 Username not accepted"), "smtp 535 5.7.8"),
        (about("smtp", "535", "", 0, "535 5.7.3 unsuccessful"), "smtp 535 5.7.3"),
        (
            about("line", "", "", 429, "You have reached your monthly limit."),
            "line 429 monthly limit text",
        ),
        (about("line", "", "", 503, ""), "line 5xx"),
        (
            about("openai", "invalid_api_key", "", 401, ""),
            "openai 401 invalid authentication / incorrect key / not a member",
        ),
        (
            about("openai", "insufficient_quota", "", 429, ""),
            "openai 429 insufficient_quota / credit_balance_exhausted",
        ),
        (about("webhook-consumer", "", "", 308, ""), "webhook-consumer 3xx"),
        (about("", "token_revoked", "", 0, ""), "slack token_revoked"),
        (about("", "190", "460", 0, ""), "meta 190/460"),
    ]);
}

#[test]
fn without_a_row_the_general_meaning_holds() {
    for (evidence, class) in [
        (about("", "", "", 0, ""), Class::Auth),
        (about("", "", "", 0, "it failed"), Class::Unknown),
        (about("acme", "", "", 0, ""), Class::Unknown),
        (about("", "", "", 401, ""), Class::Auth),
        (about("acme", "", "", 403, ""), Class::Permission),
        (about("acme", "", "", 429, ""), Class::Rate),
        (about("acme", "", "", 502, ""), Class::Transient),
        (about("acme", "", "", 400, ""), Class::Request),
        (about("acme", "", "", 404, ""), Class::Request),
        (about("acme", "", "", 422, ""), Class::Request),
        (about("acme", "", "", 418, ""), Class::Unknown),
        (about("acme", "401", "", 0, ""), Class::Auth),
        (about("meta", "401", "", 0, ""), Class::Unknown),
        (about("meta", "99999", "", 400, ""), Class::Request),
        (about("acme", "invalid_grant", "", 400, ""), Class::Auth),
        (about("microsoft", "invalid_grant", "", 400, ""), Class::Auth),
        (about("google", "INVALID_ARGUMENT", "", 400, ""), Class::Request),
        (about("smtp", "", "", 535, ""), Class::Auth),
        (about("smtp", "550", "", 0, ""), Class::Request),
        (about("smtp", "450", "", 0, ""), Class::Transient),
        (about("telegram", "400", "", 0, "chat not found"), Class::Request),
        (about("", "3", "", 0, ""), Class::Unknown),
    ] {
        let verdict = classify(&evidence);
        assert_eq!((verdict.class, verdict.rule), (class, None), "{evidence:?}");
    }
    assert_eq!(classify(&about("", "", "", 401, "")).scope, Scope::Account);
}

#[test]
fn a_contact_who_blocks_the_bot_never_counts_against_the_channel() {
    let blocked = about("telegram", "", "", 403, "Forbidden: bot was blocked by the user");
    let verdict = classify(&blocked);
    assert_eq!((verdict.class, verdict.scope), (Class::Recipient, Scope::Recipient));
    assert!(!verdict.class.counts());
}

proptest! {
    #[test]
    fn whatever_is_reported_has_a_verdict(
        provider in prop::sample::select(vec!["", "meta", "smtp", "imap", "microsoft", "line"]),
        code in "([0-9]{0,4}|[A-Za-z/.\\[\\] -]{0,12}|.{0,6})",
        subcode in "([0-9]{0,9}|.{0,6})",
        status in 0_u16..1000,
        message in ".{0,40}",
    ) {
        let verdict = classify(&about(provider, &code, &subcode, status, &message));
        prop_assert!(verdict.rule.is_none_or(|rule| rule.contains(' ')));
    }
}

#[test]
fn a_provider_that_the_table_has_no_rows_of_is_told_of_those_that_it_has() {
    assert_eq!(others_than("meta"), None);
    assert_eq!(others_than(" WhatsApp "), None);
    let known = others_than("metta").unwrap();
    assert!(known.contains("meta") && known.contains("slack"), "{known:?}");
}
