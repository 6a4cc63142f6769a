//! The languages that mail is written in. A locale without a language of ours is English.

use super::facts::{About, News};

/// The words of one language; `{}` is where a value goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) language: &'static str,
    facebook: &'static str,
    instagram: &'static str,
    tiktok: &'static str,
    whatsapp: &'static str,
    email: &'static str,
    channel: &'static str,
    slack: &'static str,
    application: &'static str,
    rule_disabled: &'static str,
    reconnected: &'static str,
    application_reconnected: &'static str,
    rule_corrected: &'static str,
    expiring: &'static str,
    application_expiring: &'static str,
    of_inbox: [Said; 3],
    of_hook: [Said; 3],
    of_rule: [Said; 2],
    pub(super) inbox: &'static str,
    pub(super) hook: &'static str,
    pub(super) rule: &'static str,
    pub(super) account: &'static str,
    pub(super) reason: &'static str,
    pub(super) unknown: &'static str,
    pub(super) since: &'static str,
    pub(super) until: &'static str,
    pub(super) ends: &'static str,
    pub(super) evidence: &'static str,
}

/// How a mail begins, and what its link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) opening: &'static str,
    pub(super) action: &'static str,
}

/// The subjects are Chatwoot's, as far as it writes such mails
/// (`app/mailers/administrator_notifications`).
const ENGLISH: Words = Words {
    language: "en",
    facebook: "Your Facebook page connection has expired",
    instagram: "Your Instagram connection has expired",
    tiktok: "Your TikTok connection has expired",
    whatsapp: "Your Whatsapp connection has expired",
    email: "Your email inbox has been disconnected. Please update the credentials for SMTP/IMAP",
    channel: "Your {} connection has expired",
    slack: "Your Slack integration has expired",
    application: "Your {} integration was disconnected",
    rule_disabled: "Automation rule disabled due to validation errors.",
    reconnected: "Your {} connection works again",
    application_reconnected: "Your {} integration works again",
    rule_corrected: "Automation rule corrected.",
    expiring: "Your {} connection expires soon",
    application_expiring: "Your {} integration expires soon",
    of_inbox: [
        Said {
            opening: "An inbox has lost its connection. Somebody must authorize it again.",
            action: "Authorize it again",
        },
        Said {
            opening: "An inbox that had lost its connection is connected again. \
                      Nothing is left to do.",
            action: "See the inbox",
        },
        Said {
            opening: "The authorization of an inbox ends soon. \
                      Somebody must authorize it again before it does.",
            action: "Authorize it again",
        },
    ],
    of_hook: [
        Said {
            opening: "An integration does not work any more and is disabled. \
                      Somebody must connect it again.",
            action: "Connect it again",
        },
        Said {
            opening: "An integration that did not work is connected again. Nothing is left to do.",
            action: "See the integration",
        },
        Said {
            opening: "The authorization of an integration ends soon. \
                      Somebody must connect it again before it does.",
            action: "Connect it again",
        },
    ],
    of_rule: [
        Said {
            opening: "An automation rule could not be applied and is not active any more. \
                      Somebody must correct its conditions.",
            action: "Correct it",
        },
        Said {
            opening: "An automation rule that could not be applied is corrected. \
                      Where it is not active, somebody must activate it.",
            action: "See the rules",
        },
    ],
    inbox: "Inbox",
    hook: "Integration",
    rule: "Automation rule",
    account: "Account",
    reason: "Reason",
    unknown: "not told",
    since: "Since",
    until: "Until",
    ends: "Ends",
    evidence: "Failed calls counted",
};

const PORTUGUESE: Words = Words {
    language: "pt-BR",
    facebook: "A conexão da sua página do Facebook expirou",
    instagram: "A sua conexão com o Instagram expirou",
    tiktok: "A sua conexão com o TikTok expirou",
    whatsapp: "A sua conexão com o Whatsapp expirou",
    email: "A sua caixa de entrada de e-mail foi desconectada. \
            Atualize as credenciais de SMTP/IMAP",
    channel: "A sua conexão com {} expirou",
    slack: "A sua integração com o Slack expirou",
    application: "A sua integração com {} foi desconectada",
    rule_disabled: "Regra de automação desativada devido a erros de validação.",
    reconnected: "A sua conexão com {} voltou a funcionar",
    application_reconnected: "A sua integração com {} voltou a funcionar",
    rule_corrected: "Regra de automação corrigida.",
    expiring: "A sua conexão com {} expira em breve",
    application_expiring: "A sua integração com {} expira em breve",
    of_inbox: [
        Said {
            opening: "Uma caixa de entrada perdeu a conexão. É preciso autorizá-la novamente.",
            action: "Autorizar novamente",
        },
        Said {
            opening: "Uma caixa de entrada que tinha perdido a conexão está conectada novamente. \
                      Não há mais nada a fazer.",
            action: "Ver a caixa de entrada",
        },
        Said {
            opening: "A autorização de uma caixa de entrada termina em breve. \
                      É preciso autorizá-la novamente antes disso.",
            action: "Autorizar novamente",
        },
    ],
    of_hook: [
        Said {
            opening: "Uma integração deixou de funcionar e foi desativada. \
                      É preciso conectá-la novamente.",
            action: "Conectar novamente",
        },
        Said {
            opening: "Uma integração que não funcionava está conectada novamente. \
                      Não há mais nada a fazer.",
            action: "Ver a integração",
        },
        Said {
            opening: "A autorização de uma integração termina em breve. \
                      É preciso conectá-la novamente antes disso.",
            action: "Conectar novamente",
        },
    ],
    of_rule: [
        Said {
            opening: "Uma regra de automação não pôde ser aplicada e não está mais ativa. \
                      É preciso corrigir as suas condições.",
            action: "Corrigir",
        },
        Said {
            opening: "Uma regra de automação que não pôde ser aplicada foi corrigida. \
                      Se ela não estiver ativa, é preciso ativá-la.",
            action: "Ver as regras",
        },
    ],
    inbox: "Caixa de entrada",
    hook: "Integração",
    rule: "Regra de automação",
    account: "Conta",
    reason: "Motivo",
    unknown: "não informado",
    since: "Desde",
    until: "Até",
    ends: "Termina",
    evidence: "Chamadas com falha contadas",
};

impl Words {
    /// The language of this locale: `pt` and `pt_BR` are Portuguese.
    pub(super) fn of(locale: Option<&str>) -> &'static Self {
        let language = locale.and_then(|locale| locale.split(['_', '-']).next());
        match language {
            Some(language) if language.eq_ignore_ascii_case("pt") => &PORTUGUESE,
            Some(_) | None => &ENGLISH,
        }
    }

    /// The subject of a mail.
    pub(super) fn subject(&self, about: &About, news: News) -> String {
        match (about, news) {
            (About::Inbox { channel_type, .. }, News::Broken) => self.disconnected(channel_type),
            (About::Inbox { channel_type, .. }, News::Mended) => {
                self.reconnected.replace("{}", channel(channel_type))
            }
            (About::Inbox { channel_type, .. }, News::Expiring) => {
                self.expiring.replace("{}", channel(channel_type))
            }
            (About::Hook { app_id }, News::Broken) if app_id == "slack" => self.slack.to_owned(),
            (About::Hook { app_id }, News::Broken) => {
                self.application.replace("{}", application(app_id))
            }
            (About::Hook { app_id }, News::Mended) => {
                self.application_reconnected.replace("{}", application(app_id))
            }
            (About::Hook { app_id }, News::Expiring) => {
                self.application_expiring.replace("{}", application(app_id))
            }
            (About::Rule { .. }, News::Broken | News::Expiring) => self.rule_disabled.to_owned(),
            (About::Rule { .. }, News::Mended) => self.rule_corrected.to_owned(),
        }
    }

    /// How it begins, and what its link is for.
    pub(super) fn said(&self, about: &About, news: News) -> Said {
        let [of_inbox, of_hook] = [&self.of_inbox, &self.of_hook].map(|said| match news {
            News::Broken => said[0],
            News::Mended => said[1],
            News::Expiring => said[2],
        });
        match about {
            About::Inbox { .. } => of_inbox,
            About::Hook { .. } => of_hook,
            About::Rule { .. } => match news {
                // It has no credential that could end.
                News::Broken | News::Expiring => self.of_rule[0],
                News::Mended => self.of_rule[1],
            },
        }
    }

    fn disconnected(&self, channel_type: &str) -> String {
        match channel_type {
            "Channel::FacebookPage" => self.facebook.to_owned(),
            "Channel::Instagram" => self.instagram.to_owned(),
            "Channel::Tiktok" => self.tiktok.to_owned(),
            "Channel::Whatsapp" => self.whatsapp.to_owned(),
            "Channel::Email" => self.email.to_owned(),
            other => self.channel.replace("{}", channel(other)),
        }
    }
}

/// What people call an application: its own name, else its id.
pub(super) fn application(app_id: &str) -> &str {
    match app_id {
        "slack" => "Slack",
        "dialogflow" => "Dialogflow",
        "openai" => "OpenAI",
        "linear" => "Linear",
        "notion" => "Notion",
        "google_translate" => "Google Translate",
        "dyte" => "Dyte",
        "shopify" => "Shopify",
        "leadsquared" => "LeadSquared",
        other => other,
    }
}

/// What people call a channel.
pub(super) fn channel(channel_type: &str) -> &str {
    match channel_type {
        "Channel::FacebookPage" => "Facebook",
        "Channel::Tiktok" => "TikTok",
        "Channel::TwilioSms" | "Channel::Sms" => "SMS",
        "Channel::TwitterProfile" => "Twitter",
        "Channel::WebWidget" => "website",
        other => other.strip_prefix("Channel::").unwrap_or(other),
    }
}
