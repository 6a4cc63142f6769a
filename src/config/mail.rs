//! How administrators are written to: our names first, then those of Chatwoot's environment.

use lettre::message::Mailbox;
use url::Url;

use super::sources::Sources;
use super::{Secret, read};

/// Chatwoot's `SMTP_PORT` where it is not set.
const CHATWOOT_PORT: u16 = 587;

/// A server that takes mail, and what stands in every mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// `smtp://USER:PASSWORD@HOST:PORT?tls=required`; may hold a password. `tls=none` is ours: it
    /// says that nobody forgot to say anything else.
    pub server: Secret,
    /// Who writes: `Relink <relink@example.com>`.
    pub from: Mailbox,
    /// Where Chatwoot's dashboard is, for links into it.
    pub frontend: Option<Url>,
}

pub(super) fn resolve(sources: &mut Sources<'_>) -> Option<MailSettings> {
    let from = sources.find("RELINK_MAIL_FROM", read::mailbox);
    let from = from.or_else(|| sources.theirs("MAILER_SENDER_EMAIL", read::mailbox));
    let frontend = sources.find("RELINK_FRONTEND_URL", read::frontend);
    let frontend = frontend.or_else(|| sources.theirs("FRONTEND_URL", read::frontend));
    let server = sources.find("RELINK_SMTP_URL", read::smtp_url).or_else(|| chatwoot(sources))?;
    if from.is_none() {
        let problem = "is needed where mail is sent; write one such as Relink <relink@example.com>";
        sources.mistake("RELINK_MAIL_FROM".to_owned(), problem.to_owned());
    }
    Some(MailSettings { server, from: from?, frontend })
}

/// The server that `SMTP_ADDRESS` and its companions name.
fn chatwoot(sources: &mut Sources<'_>) -> Option<Secret> {
    let host = sources.theirs("SMTP_ADDRESS", read::host)?;
    let port = sources.theirs("SMTP_PORT", read::port).unwrap_or(CHATWOOT_PORT);
    let wrapped =
        [sources.theirs("SMTP_TLS", read::switch), sources.theirs("SMTP_SSL", read::switch)];
    let starttls = sources.theirs("SMTP_ENABLE_STARTTLS_AUTO", read::switch).unwrap_or(true);
    let (scheme, query) = match (wrapped.contains(&Some(true)), starttls) {
        (true, _) => ("smtps", None),
        (false, true) => ("smtp", Some("tls=opportunistic")),
        (false, false) => ("smtp", None),
    };
    let mut url = Url::parse(&format!("{scheme}://{host}:{port}")).ok()?;
    url.set_query(query);
    let user = sources.theirs("SMTP_USERNAME", |text| Ok(Secret::new(text)));
    let password = sources.theirs("SMTP_PASSWORD", |text| Ok(Secret::new(text)));
    // A url with a host takes both.
    if let Some(user) = user {
        let _ = url.set_username(user.expose());
    }
    if let Some(password) = password {
        let _ = url.set_password(Some(password.expose()));
    }
    if read::sends_password_in_clear(&url) {
        let problem = "SMTP_PASSWORD would be sent in clear; remove it, or name the server in \
                       RELINK_SMTP_URL, with ?tls=none where the network may read it";
        sources.mistake("SMTP_ENABLE_STARTTLS_AUTO".to_owned(), problem.to_owned());
        return None;
    }
    Some(Secret::new(url.as_str()))
}
