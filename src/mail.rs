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
mod told;
mod words;

use notice::Notice;
use told::Told;

/// What is said where there is no server.
pub const NO_MAIL: &str = "no mail is sent: neither RELINK_SMTP_URL nor SMTP_ADDRESS is set";

/// A server that takes mail, and who writes.
pub struct SmtpMail {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    frontend: Option<Url>,
    timeout: Duration,
    clock: std::sync::Arc<dyn Clock>,
    told: Told,
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
        Ok(Self { server, from, frontend, timeout, clock, told: Told::default() })
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
        if !self.told.is_known(attempt.delivery) {
            match self.send_to(attempt, &notice, notice.to()).await {
                Ok(response) => return Ended::Delivered(response),
                Err(refused) if notice.to().len() == 1 || !refused.is_of_one() => {
                    return refused.into();
                }
                // The server took the mail for nobody, so nobody is told twice.
                Err(_) => {}
            }
        }
        self.send_to_each(attempt, &notice).await
    }

    /// One address that is no more, or takes nothing now, must not keep the others from being
    /// told. While one may still take it the mail is owed, to those who have not.
    async fn send_to_each(&self, attempt: &Attempt, notice: &Notice) -> Ended {
        let mut answers = vec![];
        let (mut taken, mut refused, mut later) = (None, None, None);
        for to in notice.to() {
            let sent = match self.told.of(attempt.delivery, to) {
                Some(response) => Ok(response),
                None => self.send_to(attempt, notice, std::slice::from_ref(to)).await,
            };
            match sent {
                Ok(response) => {
                    self.told.add(attempt.delivery, to, &response);
                    answers.push(format!("{to}: {}", response.body));
                    taken = Some(response.status);
                }
                Err(refusal) => {
                    answers.push(format!("{to}: {}", refusal.detail()));
                    let goes_on = refusal.is_of_one();
                    let reason = if refusal.is_final() { &mut refused } else { &mut later };
                    reason.get_or_insert(refusal);
                    if !goes_on {
                        break;
                    }
                }
            }
        }
        let body = answers.join("\n");
        match (taken, later.or(refused)) {
            (Some(status), reason) if reason.as_ref().is_none_or(Refused::is_final) => {
                self.told.forget(attempt.delivery);
                Ended::Delivered(Response { status, body, truncated: false })
            }
            (_, Some(reason)) => reason.ended(body),
            (_, None) => Refused::Address("there is no address".to_owned()).into(),
        }
    }

    async fn send_to(
        &self,
        attempt: &Attempt,
        notice: &Notice,
        to: &[String],
    ) -> Result<Response, Refused> {
        let message = self.message(attempt, notice, to)?;
        let answer = self.server.send(message).await.map_err(Refused::Smtp)?;
        let lines: Vec<_> = answer.message().collect();
        Ok(Response { status: answer.code().into(), body: lines.join("\n"), truncated: false })
    }

    fn message(
        &self,
        attempt: &Attempt,
        notice: &Notice,
        to: &[String],
    ) -> Result<Message, Refused> {
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
            let to = to
                .parse()
                .map_err(|error| Refused::Address(format!("{to:?} is no address: {error}")))?;
            message = message.to(Mailbox::new(None, to));
        }
        let body = MultiPart::alternative_plain_html(letter.text, letter.html);
        let none = |error| Refused::Ours(format!("there is no mail of it: {error}"));
        message.multipart(body).map_err(none)
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
    /// What is to be an address is none.
    Address(String),
    Ours(String),
}

impl Refused {
    /// It would be the same again.
    fn is_final(&self) -> bool {
        match self {
            Self::Smtp(error) => error.is_permanent(),
            Self::Address(_) => true,
            Self::Ours(_) => false,
        }
    }

    /// It may be about one of several addresses.
    fn is_of_one(&self) -> bool {
        match self {
            Self::Smtp(error) => error.is_permanent() || error.is_transient(),
            Self::Address(_) => true,
            Self::Ours(_) => false,
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Ours(detail) | Self::Address(detail) => detail.clone(),
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
        refused.ended(detail)
    }
}

impl Refused {
    fn ended(&self, detail: String) -> Ended {
        let error = match self {
            Self::Ours(_) => return ours(detail),
            Self::Address(_) => return failed(AttemptClass::Client, detail, None),
            Self::Smtp(error) => error,
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
