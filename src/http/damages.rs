//! Naming the record that keeps a history from being told: that is read from its beginning.

use events::{Failure, StreamName};

use super::auth::Caller;
use super::places::Places;
use super::problem::Problem;
use crate::app::App;
use crate::damage;

/// What requests have in common that meet with damage.
#[derive(Debug, Clone)]
pub(super) struct Damages(Places);

impl Damages {
    pub(super) fn new() -> Self {
        Self(Places::of_pasts())
    }

    /// What is read of these streams, unless the service stops. Where an engine cannot read on, a
    /// place is taken to find which record that is.
    ///
    /// # Errors
    /// When it was not read, or is damaged; or there is no place, or the service stops.
    pub(super) async fn named<T>(
        &self,
        app: &App,
        caller: &Caller,
        streams: &[StreamName],
        reading: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Problem> {
        let read = app.unless_it_stops(reading).await?;
        let is_damaged = matches!(read, Err(Failure::Corrupt { .. }));
        let place = if is_damaged { Some(self.0.wait(app, caller.account).await?) } else { None };
        let named = damage::named(&*app.store, streams, read);
        let named = app.unless_it_stops(named).await;
        drop(place);
        named?.map_err(Problem::from)
    }
}

#[cfg(test)]
mod tests;
