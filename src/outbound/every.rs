//! Every way out: HTTP for webhooks, SMTP for mail.

use actors::ports::{Attempt, Ended, Made, Outbound};
use events::EndpointId;
use events::delivery::AttemptClass;
use futures_core::future::BoxFuture;

use super::HttpOutbound;
use crate::mail::SmtpMail;

/// Sends each delivery by the way that its endpoint takes.
pub struct EveryWay {
    /// To webhooks, also those of inboxes.
    pub http: HttpOutbound,
    /// To administrators; none where no server is set.
    pub mail: Option<SmtpMail>,
}

impl Outbound for EveryWay {
    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Made> {
        match (attempt.endpoint.id, &self.mail) {
            (EndpointId::Webhook(_) | EndpointId::Inbox(_), _) => self.http.attempt(attempt),
            (EndpointId::Mail(_), Some(mail)) => {
                Box::pin(async move { mail.attempt(&attempt).await.into() })
            }
            // It was owed while there was one; it stays owed until the schedule is at its end, as
            // with a server that is not there.
            (EndpointId::Mail(_), None) => Box::pin(async {
                let (class, response) = (AttemptClass::Connect, None);
                let detail = "there is no mail server: set RELINK_SMTP_URL".to_owned();
                Ended::Failed { class, detail, response, retry_after: None }.into()
            }),
        }
    }
}

#[cfg(test)]
mod tests;
