//! Whom a mail has reached already, so that its next attempt goes to the others alone.
//!
//! It is kept in memory: after a restart an administrator may be told twice, under one Message-ID,
//! and nobody is left out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use events::DeliveryId;
use events::delivery::Response;

/// As many mails as are known: those that were told last.
const MAILS_MAX: usize = 256;

type Mail = (DeliveryId, BTreeMap<String, Response>);

#[derive(Default)]
pub(super) struct Told(Mutex<VecDeque<Mail>>);

impl Told {
    /// Whether the mail has reached anybody.
    pub(super) fn is_known(&self, mail: DeliveryId) -> bool {
        self.mails().iter().any(|(known, _)| *known == mail)
    }

    /// What the server said when it took the mail for this address.
    pub(super) fn of(&self, mail: DeliveryId, to: &str) -> Option<Response> {
        let mails = self.mails();
        let (_, told) = mails.iter().find(|(known, _)| *known == mail)?;
        told.get(to).cloned()
    }

    /// The server took it for this address.
    pub(super) fn add(&self, mail: DeliveryId, to: &str, response: &Response) {
        let mut mails = self.mails();
        if let Some((_, told)) = mails.iter_mut().find(|(known, _)| *known == mail) {
            told.insert(to.to_owned(), response.clone());
            return;
        }
        if mails.len() == MAILS_MAX {
            mails.pop_front();
        }
        mails.push_back((mail, BTreeMap::from([(to.to_owned(), response.clone())])));
    }

    /// Nobody is left to be told.
    pub(super) fn forget(&self, mail: DeliveryId) {
        self.mails().retain(|(known, _)| *known != mail);
    }

    fn mails(&self) -> MutexGuard<'_, VecDeque<Mail>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
