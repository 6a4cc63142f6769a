//! Writes to administrators over SMTP: the adapter of [`actors::ports::Outbound`] for mail.

use std::time::{Duration, UNIX_EPOCH};

use actors::ports::{Attempt, Clock, Ended};
use events::delivery::{AttemptClass, Response};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::time::timeout;
use url::Url;

use crate::config::MailSettings;

mod disabled;
mod facts;
mod letter;
mod notice;
mod words;

use notice::Notice;

/// A server that takes mail, and who writes.
pub struct SmtpMail {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    frontend: Option<Url>,
    timeout: Duration,
    clock: std::sync::Arc<dyn Clock>,
}

/// Why there is no way to send mail. It does not repeat the address, which may hold a password.
#[derive(Debug, thiserror::Error)]
#[error("the mail server cannot be used")]
pub struct NoServer(#[source] Error);

impl SmtpMail {
    /// A sender over this server; `timeout` is for a whole exchange. Nothing is connected yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(
        settings: &MailSettings,
        timeout: Duration,
        clock: std::sync::Arc<dyn Clock>,
    ) -> Result<Self, NoServer> {
        let server = in_its_words(settings.server.expose());
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(&server)
            .map_err(NoServer)?
            .timeout(Some(timeout))
            .build();
        let (from, frontend) = (settings.from.clone(), settings.frontend.clone());
        Ok(Self { server, from, frontend, timeout, clock })
    }

    /// One attempt to send one mail.
    pub async fn attempt(&self, attempt: &Attempt) -> Ended {
        match timeout(self.timeout, self.send(attempt)).await {
            Ok(ended) => ended,
            Err(_) => {
                let detail = format!("the exchange took longer than {:?}", self.timeout);
                failed(AttemptClass::Timeout, detail, None)
            }
        }
    }

    async fn send(&self, attempt: &Attempt) -> Ended {
        let notice = match Notice::read(&attempt.body) {
            Ok(notice) => notice,
            Err(error) => return ours(format!("the mail cannot be read: {error}")),
        };
        let refused = match self.send_to(attempt, &notice, notice.to()).await {
            Ok(response) => return Ended::Delivered(response),
            Err(refused) => refused,
        };
        // One address that is no more must not keep the others from being told. The server took
        // the mail for nobody, so nobody is told twice.
        if notice.to().len() == 1 || !refused.is_permanent() {
            return refused.into();
        }
        let mut answers = vec![];
        let mut taken = None;
        for to in notice.to() {
            match self.send_to(attempt, &notice, std::slice::from_ref(to)).await {
                Ok(response) => {
                    answers.push(format!("{to}: {}", response.body));
                    taken = Some(response.status);
                }
                Err(refused) => answers.push(format!("{to}: {}", refused.detail())),
            }
        }
        match taken {
            Some(status) => {
                let body = answers.join("\n");
                Ended::Delivered(Response { status, body, truncated: false })
            }
            None => refused.into(),
        }
    }

    async fn send_to(
        &self,
        attempt: &Attempt,
        notice: &Notice,
        to: &[String],
    ) -> Result<Response, Refused> {
        let message = self.message(attempt, notice, to).map_err(Refused::Ours)?;
        let answer = self.server.send(message).await.map_err(Refused::Smtp)?;
        let lines: Vec<_> = answer.message().collect();
        Ok(Response { status: answer.code().into(), body: lines.join("\n"), truncated: false })
    }

    fn message(
        &self,
        attempt: &Attempt,
        notice: &Notice,
        to: &[String],
    ) -> Result<Message, String> {
        let letter = notice.letter(self.frontend.as_ref());
        let now = u64::try_from(self.clock.now().as_seconds()).unwrap_or_default();
        // The same on every attempt, so that a mailbox that was reached twice knows.
        let id = format!("<{}@{}>", attempt.delivery, self.from.email.domain());
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(letter.subject)
            .date(UNIX_EPOCH + Duration::from_secs(now))
            .message_id(Some(id))
            .header(AutoSubmitted);
        for to in to {
            let to = to.parse().map_err(|error| format!("{to:?} is no address: {error}"))?;
            message = message.to(Mailbox::new(None, to));
        }
        let body = MultiPart::alternative_plain_html(letter.text, letter.html);
        message.multipart(body).map_err(|error| format!("there is no mail of it: {error}"))
    }
}

/// The address as the library has it, which says `tls=none` by saying nothing.
fn in_its_words(url: &str) -> String {
    let Some((place, query)) = url.split_once('?') else { return url.to_owned() };
    let rest: Vec<_> = query.split('&').filter(|pair| *pair != "tls=none").collect();
    format!("{place}?{}", rest.join("&"))
}

/// RFC 3834: no holiday notice shall answer.
#[derive(Clone)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Why a mail was not taken.
enum Refused {
    Smtp(Error),
    Ours(String),
}

impl Refused {
    /// The server answered, and would answer the same again.
    fn is_permanent(&self) -> bool {
        matches!(self, Self::Smtp(error) if error.is_permanent())
    }

    fn detail(&self) -> String {
        match self {
            Self::Ours(detail) => detail.clone(),
            Self::Smtp(error) => {
                let mut detail = error.to_string();
                let mut cause = std::error::Error::source(error);
                while let Some(error) = cause {
                    let said = error.to_string();
                    if !detail.contains(&said) {
                        detail = format!("{detail}: {said}");
                    }
                    cause = error.source();
                }
                detail
            }
        }
    }
}

impl From<Refused> for Ended {
    fn from(refused: Refused) -> Self {
        let detail = refused.detail();
        let error = match &refused {
            Refused::Ours(_) => return ours(detail),
            Refused::Smtp(error) => error,
        };
        let class = if error.is_permanent() {
            AttemptClass::Client
        } else if error.is_transient() {
            AttemptClass::Server
        } else if error.is_timeout() {
            AttemptClass::Timeout
        } else if error.is_tls() {
            AttemptClass::Tls
        } else {
            AttemptClass::Connect
        };
        let response = error.status().map(|code| Response {
            status: code.into(),
            body: detail.clone(),
            truncated: false,
        });
        failed(class, detail, response)
    }
}

fn ours(detail: String) -> Ended {
    failed(AttemptClass::Ours, detail, None)
}

fn failed(class: AttemptClass, detail: String, response: Option<Response>) -> Ended {
    Ended::Failed { class, detail, response, retry_after: None }
}

#[cfg(test)]
mod tests;
