//! The trouble of an endpoint that refuses us: what it answers 401 or 403 is its evidence.

use events::delivery::{AttemptClass, Event as DeliveryEvent};
use events::evidence::Class;
use events::policy::threshold;
use events::reauthorization::Ending;
use events::webhook::Event as WebhookEvent;
use events::{Event, Recorded, Subject};

use super::Incidents;

impl Incidents {
    pub(super) fn take_webhook(
        &mut self,
        subject: Subject,
        record: &Recorded<Event>,
        event: &WebhookEvent,
    ) {
        match event {
            WebhookEvent::Created(created) => self.begin(subject, created.account),
            // It is another endpoint now.
            WebhookEvent::UrlChanged(_) => self.close(subject, record, Ending::Reauthorized),
            WebhookEvent::Deleted(_) => self.close(subject, record, Ending::Removed),
            WebhookEvent::Renamed(_)
            | WebhookEvent::InboxChanged(_)
            | WebhookEvent::SubscriptionsChanged(_)
            | WebhookEvent::PolicyChanged(_)
            | WebhookEvent::SecretRotated(_)
            | WebhookEvent::KeyPairRotated(_)
            | WebhookEvent::KeyPairRetired(_)
            | WebhookEvent::SecretRevealed(_) => {}
        }
    }

    /// Every other way to fail is the endpoint's health, and no question of authorization.
    pub(super) fn take_delivery(
        &mut self,
        subject: Subject,
        record: &Recorded<Event>,
        event: &DeliveryEvent,
    ) {
        if let DeliveryEvent::Delivered(_) = event {
            self.close(subject, record, Ending::Healed);
        }
        let DeliveryEvent::AttemptFailed(failed) = event else { return };
        if failed.class != AttemptClass::Auth {
            return;
        }
        let Some(track) = self.tracks.get_mut(&subject) else { return };
        let incident = track.opened(subject, record.at, &mut self.open);
        incident.count += 1;
        incident.class = Some(Class::Auth);
        if incident.required {
            return;
        }
        let status = failed.response.as_ref().map(|response| format!(" ({})", response.status));
        let (count, status) = (incident.count, status.unwrap_or_default());
        let threshold = threshold("Webhook");
        incident.required = count >= threshold;
        incident.cause = match incident.required {
            true => format!("threshold: {count} of {threshold}, auth{status}").into(),
            false => format!("auth{status}").into(),
        };
    }
}

#[cfg(test)]
mod tests;
