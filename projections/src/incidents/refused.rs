//! The trouble of an endpoint that refuses us: what it answers 401 or 403 is its evidence.

use events::delivery::{AttemptClass, AttemptFailed, Event as DeliveryEvent};
use events::evidence::Class;
use events::policy::threshold;
use events::reauthorization::Ending;
use events::webhook::Event as WebhookEvent;
use events::{Event, Recorded, Subject, Timestamp};

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

    /// Every other way to fail is the endpoint's health, and no question of authorization. What a
    /// recovery brought back says nothing of the endpoint now: see [`events::delivery::Tally`].
    pub(super) fn take_delivery(
        &mut self,
        subject: Subject,
        record: &Recorded<Event>,
        event: &DeliveryEvent,
    ) {
        match event {
            DeliveryEvent::Reopened(reopened) if reopened.recovery.is_some() => {
                self.replayed.insert(reopened.queued.delivery);
            }
            DeliveryEvent::Abandoned(abandoned) => {
                self.replayed.remove(&abandoned.delivery);
            }
            DeliveryEvent::Delivered(delivered) => {
                if !self.replayed.remove(&delivered.delivery) {
                    self.close(subject, record, Ending::Healed);
                }
            }
            DeliveryEvent::AttemptFailed(failed)
                if failed.class == AttemptClass::Auth
                    && !self.replayed.contains(&failed.delivery) =>
            {
                self.refuse(subject, record.at, failed);
            }
            DeliveryEvent::AttemptFailed(_)
            | DeliveryEvent::Reopened(_)
            | DeliveryEvent::Queued(_)
            | DeliveryEvent::RetryRequested(_)
            | DeliveryEvent::Parked(_)
            | DeliveryEvent::EndpointPaced(_)
            | DeliveryEvent::EndpointMoved(_)
            | DeliveryEvent::EndpointFailing(_)
            | DeliveryEvent::EndpointRecovered(_)
            | DeliveryEvent::EndpointWarned(_)
            | DeliveryEvent::EndpointDisabled(_)
            | DeliveryEvent::EndpointPaused(_)
            | DeliveryEvent::EndpointEnabled(_)
            | DeliveryEvent::RecoveryPlanned(_)
            | DeliveryEvent::RecoveryStarted(_)
            | DeliveryEvent::RecoveryPaused(_)
            | DeliveryEvent::RecoveryAdvanced(_)
            | DeliveryEvent::RecoveryFinished(_)
            | DeliveryEvent::RecoveryCancelled(_)
            | DeliveryEvent::SummedUp(_)
            | DeliveryEvent::Trimmed(_)
            | DeliveryEvent::Removed(_) => {}
        }
    }

    fn refuse(&mut self, subject: Subject, at: Timestamp, failed: &AttemptFailed) {
        let Some(track) = self.tracks.get_mut(&subject) else { return };
        let incident = track.opened(subject, at, &mut self.open);
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
