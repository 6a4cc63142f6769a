//! The mail about an endpoint that a rule disabled; see `actors::fanout::disabled`.

use serde::Deserialize;
use url::Url;

use super::facts::Account;
use super::letter::{self, Letter};
use super::words::Words;

/// The body of such a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Facts {
    pub(super) to: Vec<String>,
    locale: Option<String>,
    account: Account,
    webhook: Webhook,
    rule: String,
    detail: String,
    since: String,
    disabled_at: String,
    held: Option<u64>,
}

/// A webhook of the account, or that of an API inbox.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Webhook {
    id: Option<u64>,
    inbox_id: Option<u64>,
    name: Option<String>,
    url: String,
}

/// What is said in one language; `{}` is where a value goes.
struct Phrases {
    subject: &'static str,
    opening: &'static str,
    webhook: &'static str,
    of_inbox: &'static str,
    gone: &'static str,
    failing: &'static str,
    detail: &'static str,
    disabled: &'static str,
    held: &'static str,
    enable: &'static str,
    look: &'static str,
}

const ENGLISH: Phrases = Phrases {
    subject: "Your webhook {} has been disabled",
    opening: "A webhook was disabled because it takes nothing any more. \
              What it is owed is held, and nothing is lost, until somebody enables it again.",
    webhook: "Webhook",
    of_inbox: "of inbox {}",
    gone: "It said that it is gone for good",
    failing: "It took nothing for too long",
    detail: "In detail",
    disabled: "Disabled",
    held: "Deliveries held",
    enable: "To enable it",
    look: "See the webhooks",
};

const PORTUGUESE: Phrases = Phrases {
    subject: "O seu webhook {} foi desativado",
    opening: "Um webhook foi desativado porque não aceita mais nada. As entregas pendentes \
              ficam retidas, e nada se perde, até que alguém o ative novamente.",
    webhook: "Webhook",
    of_inbox: "da caixa de entrada {}",
    gone: "Ele informou que não existe mais",
    failing: "Ele não aceitou nada por tempo demais",
    detail: "Em detalhe",
    disabled: "Desativado",
    held: "Entregas retidas",
    enable: "Para ativá-lo",
    look: "Ver os webhooks",
};

impl Phrases {
    fn of(words: &Words) -> &'static Self {
        if words.language == "pt-BR" { &PORTUGUESE } else { &ENGLISH }
    }
}

impl Webhook {
    /// Scheme, host and path: what stands behind them may be a secret.
    fn address(&self) -> String {
        match Url::parse(&self.url) {
            Ok(url) => format!("{}{}", url.origin().ascii_serialization(), url.path()),
            Err(_) => String::new(),
        }
    }

    fn called(&self, phrases: &Phrases) -> String {
        match (&self.name, self.inbox_id) {
            (Some(name), _) if !name.is_empty() => format!("{name} ({})", self.address()),
            (_, Some(inbox)) => {
                let of_inbox = phrases.of_inbox.replace("{}", &inbox.to_string());
                format!("{of_inbox} ({})", self.address())
            }
            (Some(_) | None, None) => self.address(),
        }
    }

    /// What is below the account's own paths, here and in Chatwoot's dashboard.
    fn paths(&self) -> (String, String) {
        match (self.id, self.inbox_id) {
            (None, Some(inbox)) => {
                (format!("inboxes/{inbox}/webhook/enable"), format!("settings/inboxes/{inbox}"))
            }
            (Some(id), _) => {
                (format!("webhooks/{id}/enable"), "settings/integrations/webhook".to_owned())
            }
            (None, None) => (String::new(), "settings/integrations/webhook".to_owned()),
        }
    }
}

/// The mail in the language of the account. Without an address of the dashboard it has no link.
pub(super) fn compose(facts: &Facts, frontend: Option<&Url>) -> Letter {
    let words = Words::of(facts.locale.as_deref());
    let phrases = Phrases::of(words);
    let called = facts.webhook.called(phrases);
    let subject = phrases.subject.replace("{}", &called);
    let reason = if facts.rule == "gone" { phrases.gone } else { phrases.failing };
    let account = facts.account.id;
    let (route, page) = facts.webhook.paths();
    let mut rows = vec![
        (phrases.webhook, called),
        (words.account, facts.account.name.clone()),
        (words.reason, reason.to_owned()),
        (phrases.detail, facts.detail.clone()),
        (words.since, letter::time(&facts.since)),
        (phrases.disabled, letter::time(&facts.disabled_at)),
    ];
    rows.extend(facts.held.map(|held| (phrases.held, held.to_string())));
    rows.push((phrases.enable, format!("POST /api/v1/accounts/{account}/{route}")));
    let link = frontend.map(|frontend| {
        let base = frontend.as_str().trim_end_matches('/');
        (phrases.look, format!("{base}/app/accounts/{account}/{page}"))
    });
    letter::put_together(words.language, subject, phrases.opening, &rows, link.as_ref())
}

#[cfg(test)]
mod tests;
