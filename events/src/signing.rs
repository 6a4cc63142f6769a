//! What a webhook signs with: its keys of now, and those before them whose time is not over.

use serde::{Deserialize, Serialize};

use crate::webhook::Event;
use crate::{Sealed, Timestamp, words};

/// As many keys as sign at once beside those of now, as with Svix: each is one more signature in
/// every request.
pub const FORMER_MAX: usize = 10;

words! {
    /// How a key signs.
    pub enum Algorithm {
        /// HMAC-SHA256, `v1` of Standard Webhooks; Chatwoot's signature too.
        Hmac = "hmac_sha256",
        /// Ed25519, `v1a` of Standard Webhooks.
        Ed25519 = "ed25519",
    }
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    /// How it signs.
    pub algorithm: Algorithm,
    /// The secret or the private key, sealed.
    pub secret: Sealed,
    /// The public key as receivers are given it (`whpk_...`), where there is one.
    pub public: Option<String>,
    /// From when on it signs no more; none for a key of now.
    pub until: Option<Timestamp>,
}

impl SigningKey {
    /// Whether it signs at this moment.
    pub fn signs_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// All keys of a webhook, the newest first. There always is a secret of now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKeys(Vec<SigningKey>);

impl SigningKeys {
    /// The keys of a webhook that has one secret.
    pub fn of(secret: Sealed) -> Self {
        let algorithm = Algorithm::Hmac;
        Self(vec![SigningKey { algorithm, secret, public: None, until: None }])
    }

    /// Of whom nothing is signed for.
    pub fn none() -> Self {
        Self(vec![])
    }

    /// The secret of now.
    pub fn secret(&self) -> &Sealed {
        let mut secrets = self.0.iter().filter(|key| key.algorithm == Algorithm::Hmac);
        &secrets
            .next()
            .expect("there is a secret from the beginning, and none is taken away")
            .secret
    }

    /// The key pair of now.
    pub fn pair(&self) -> Option<&SigningKey> {
        self.0.iter().find(|key| key.algorithm == Algorithm::Ed25519 && key.until.is_none())
    }

    /// Those that sign at this moment, the newest first.
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = &SigningKey> {
        self.0.iter().filter(move |key| key.signs_at(now))
    }

    /// How many of them are on their way out.
    pub fn former(&self, now: Timestamp) -> usize {
        self.live(now).filter(|key| key.until.is_some()).count()
    }

    /// Another key of the same kind takes over; those before it sign until `previous_until`, or
    /// for as long as they had before where that is shorter.
    fn take(&mut self, key: SigningKey, previous_until: Timestamp) {
        self.retire(key.algorithm, previous_until);
        self.0.insert(0, key);
        // A newer key never ends before an older one, so what is cut off here is long over.
        let mut former = 0;
        self.0.retain(|key| {
            former += usize::from(key.until.is_some());
            key.until.is_none() || former <= 2 * FORMER_MAX
        });
    }

    /// What an event of the webhook makes of them.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Created(created) => *self = Self::of(created.secret.clone()),
            Event::SecretRotated(rotated) => {
                let (algorithm, secret) = (Algorithm::Hmac, rotated.secret.clone());
                let key = SigningKey { algorithm, secret, public: None, until: None };
                self.take(key, rotated.previous_until);
            }
            Event::KeyPairRotated(rotated) => {
                let (algorithm, secret) = (Algorithm::Ed25519, rotated.secret.clone());
                let public = Some(rotated.public.clone());
                let key = SigningKey { algorithm, secret, public, until: None };
                self.take(key, rotated.previous_until);
            }
            Event::KeyPairRetired(retired) => self.retire(Algorithm::Ed25519, retired.until),
            Event::Renamed(_)
            | Event::UrlChanged(_)
            | Event::SubscriptionsChanged(_)
            | Event::InboxChanged(_)
            | Event::PolicyChanged(_)
            | Event::SecretRevealed(_)
            | Event::Deleted(_) => {}
        }
    }

    /// No key of this kind signs from `until` on.
    fn retire(&mut self, algorithm: Algorithm, until: Timestamp) {
        for key in self.0.iter_mut().filter(|key| key.algorithm == algorithm) {
            key.until = Some(key.until.map_or(until, |before| before.min(until)));
        }
    }
}

#[cfg(test)]
mod tests;
