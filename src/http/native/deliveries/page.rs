//! One page of an endpoint's deliveries: what the view has, and then what only the ledger has.

mod following;
mod older;

use events::{Category, EndpointId, Failure, Revision, StreamName};
use projections::delivery_log::{Delivery, Filter, Listed};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::damages::Damages;
use crate::http::places::{Place, Places};
use crate::http::problem::Problem;
use crate::timeline;
use following::{Ledger, Turn};
use older::Older;

/// A request that has read so many pages of a ledger goes no further back: whoever asks for the
/// next page goes on there.
const READS_MAX: usize = 16;

/// Where deliveries ended here and there in a very long ledger, following them takes more: after so
/// many pages it is somebody else's turn.
const TURN_READS: usize = 64;

/// What requests have in common that read a ledger back to deliveries that have left the view.
#[derive(Clone)]
pub(in crate::http) struct Paging {
    /// What has left the view is in the past, too.
    places: Places,
    damages: Damages,
    reads_max: usize,
    turn_reads: usize,
}

/// Deliveries, those queued last first.
pub(super) struct Page {
    pub(super) deliveries: Vec<Delivery>,
    /// What to ask for to go on; none where there are no more.
    pub(super) next_before: Option<Revision>,
}

impl Paging {
    pub(in crate::http) fn new(damages: Damages) -> Self {
        let places = Places::of_pasts();
        Self { places, damages, reads_max: READS_MAX, turn_reads: TURN_READS }
    }

    /// For whoever meets with damage.
    pub(super) fn damages(&self) -> &Damages {
        &self.damages
    }

    /// A place for whoever asks of one delivery, where only its ledger tells where it was queued.
    ///
    /// # Errors
    /// When there is none for some seconds, or the service stops.
    pub(in crate::http) async fn place(
        &self,
        app: &App,
        caller: &Caller,
        queued: Option<Revision>,
    ) -> Result<Option<Place>, Problem> {
        match queued {
            Some(_) => Ok(None),
            None => self.places.wait(app, caller.account).await.map(Some),
        }
    }

    /// The deliveries that the filter wants. The ledger is read only where the view's do not do;
    /// that takes a place. However much has to be read for it, each page goes on where the one
    /// before has ended.
    pub(super) async fn page(
        &self,
        app: &App,
        caller: &Caller,
        endpoint: EndpointId,
        filter: Filter,
    ) -> Result<Page, Problem> {
        // One more than is shown tells whether there are more.
        let wanted = Filter { limit: filter.limit.saturating_add(1), ..filter.clone() };
        let Listed { mut deliveries, left } =
            app.views.delivery_log.read(|view| view.list(endpoint, &wanted));
        if let Some(left) = left
            && behind(&deliveries, left) < wanted.limit
        {
            let place = Some(self.places.wait(app, caller.account).await?);
            let stream = StreamName::new(Category::Ledger, endpoint);
            let named = [stream.clone()];
            // Whoever looks for damage has a place among those who do, and gives this one back.
            let reading = async move {
                let (places, reads_max) = (self.places.clone(), self.turn_reads);
                let mut turn = Turn { places, place, reads_max };
                let store = &*app.store;
                let ledger = Ledger { store, endpoint, stream, turn: &mut turn, reads: 0 };
                self.with_older(app, ledger, deliveries, filter, left).await
            };
            return self.damages.named(app, caller, &named, reading).await;
        }
        let more = deliveries.len() > filter.limit;
        deliveries.truncate(filter.limit);
        let next_before = deliveries.last().map(|last| last.revision).filter(|_| more);
        Ok(Page { deliveries, next_before })
    }

    async fn with_older(
        &self,
        app: &App,
        ledger: Ledger<'_>,
        known: Vec<Delivery>,
        mut filter: Filter,
        left: Revision,
    ) -> Result<Page, Failure> {
        // From here on it is a place that parts what is told from what is not.
        if let Some(before) = filter.before {
            let first = timeline::first_where(&*app.store, &ledger.stream, |it| it.at >= before);
            let first = first.await?;
            filter.below = [filter.below, first].into_iter().flatten().min();
        }
        // What stands behind it the view has told, or is not wanted.
        let from = filter.below.unwrap_or(Revision(u64::MAX)).min(left.next());
        let mut older = Older::new(app, ledger, &filter, from);
        let mut found = vec![];
        while let Some(reached) = older.reached()
            && found.len() + behind(&known, reached) < filter.limit
            && older.reads() < self.reads_max
        {
            let told = older.step().await?;
            // One may have left the view since that was asked.
            found.extend(told.into_iter().filter(|it| !known.iter().any(|one| one.id == it.id)));
        }
        Ok(together(known, found, filter.limit, older.reached()))
    }
}

/// What of the view and of the ledger is one page, where nothing is left out down to `reached`, or
/// at all.
fn together(
    known: Vec<Delivery>,
    mut found: Vec<Delivery>,
    limit: usize,
    reached: Option<Revision>,
) -> Page {
    let mut deliveries = known;
    deliveries.append(&mut found);
    deliveries.sort_by_key(|delivery| std::cmp::Reverse(delivery.revision));
    if let Some(reached) = reached {
        // Before that, something may be missing in between.
        deliveries.retain(|delivery| delivery.revision >= reached);
    }
    let next_before = match deliveries.len() {
        len if len > limit => deliveries.get(limit.saturating_sub(1)).map(|last| last.revision),
        len if len == limit => reached.and(deliveries.last().map(|last| last.revision)),
        _ => reached,
    };
    deliveries.truncate(limit);
    Page { deliveries, next_before }
}

/// How many stand behind a place of the ledger.
fn behind(deliveries: &[Delivery], place: Revision) -> usize {
    deliveries.partition_point(|delivery| delivery.revision > place)
}

#[cfg(test)]
mod tests;
