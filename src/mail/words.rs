//! The languages that mail is written in. A locale without a language of ours is English.

/// The words of one language; `{}` is where a value goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) language: &'static str,
    facebook: &'static str,
    instagram: &'static str,
    tiktok: &'static str,
    whatsapp: &'static str,
    email: &'static str,
    other: &'static str,
    pub(super) reconnected: &'static str,
    pub(super) broken: &'static str,
    pub(super) mended: &'static str,
    pub(super) inbox: &'static str,
    pub(super) account: &'static str,
    pub(super) reason: &'static str,
    pub(super) unknown: &'static str,
    pub(super) since: &'static str,
    pub(super) until: &'static str,
    pub(super) evidence: &'static str,
    pub(super) act: &'static str,
    pub(super) look: &'static str,
}

/// The subjects are Chatwoot's (`administrator_notifications/channel_notifications_mailer.rb`).
const ENGLISH: Words = Words {
    language: "en",
    facebook: "Your Facebook page connection has expired",
    instagram: "Your Instagram connection has expired",
    tiktok: "Your TikTok connection has expired",
    whatsapp: "Your Whatsapp connection has expired",
    email: "Your email inbox has been disconnected. Please update the credentials for SMTP/IMAP",
    other: "Your {} connection has expired",
    reconnected: "Your {} connection works again",
    broken: "An inbox has lost its connection. Somebody must authorize it again.",
    mended: "An inbox that had lost its connection is connected again. Nothing is left to do.",
    inbox: "Inbox",
    account: "Account",
    reason: "Reason",
    unknown: "not told",
    since: "Since",
    until: "Until",
    evidence: "Failed calls counted",
    act: "Authorize it again",
    look: "See the inbox",
};

const PORTUGUESE: Words = Words {
    language: "pt-BR",
    facebook: "A conexão da sua página do Facebook expirou",
    instagram: "A sua conexão com o Instagram expirou",
    tiktok: "A sua conexão com o TikTok expirou",
    whatsapp: "A sua conexão com o Whatsapp expirou",
    email: "A sua caixa de entrada de e-mail foi desconectada. \
            Atualize as credenciais de SMTP/IMAP",
    other: "A sua conexão com {} expirou",
    reconnected: "A sua conexão com {} voltou a funcionar",
    broken: "Uma caixa de entrada perdeu a conexão. É preciso autorizá-la novamente.",
    mended: "Uma caixa de entrada que tinha perdido a conexão está conectada novamente. \
             Não há mais nada a fazer.",
    inbox: "Caixa de entrada",
    account: "Conta",
    reason: "Motivo",
    unknown: "não informado",
    since: "Desde",
    until: "Até",
    evidence: "Chamadas com falha contadas",
    act: "Autorizar novamente",
    look: "Ver a caixa de entrada",
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

    /// The subject of a mail about a connection that broke.
    pub(super) fn disconnected(&self, channel_type: &str) -> String {
        match channel_type {
            "Channel::FacebookPage" => self.facebook.to_owned(),
            "Channel::Instagram" => self.instagram.to_owned(),
            "Channel::Tiktok" => self.tiktok.to_owned(),
            "Channel::Whatsapp" => self.whatsapp.to_owned(),
            "Channel::Email" => self.email.to_owned(),
            other => self.other.replace("{}", channel(other)),
        }
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
