//! One page of an endpoint's deliveries: what the view has, and then what only the ledger has.

mod walk;

use events::store::{PAGE_MAX, is_last};
use events::{Category, DeliveryId, EndpointId, Failure, Revision, StreamName};
use projections::delivery_log::{Delivery, Filter, Listed};

use crate::app::App;
use crate::damage;
use crate::http::auth::Caller;
use crate::http::places::Places;
use crate::http::problem::Problem;
use crate::timeline;
use walk::{Walk, Walks};

/// As many pages of a ledger as one request reads, and as many of what was written since the last:
/// whoever asks for the next is read on from there.
const READS_MAX: usize = 16;

/// What lists of deliveries have in common.
#[derive(Clone)]
pub(super) struct Paging {
    /// What has left the view is in the past, too.
    places: Places,
    walks: Walks,
    reads_max: usize,
}

/// Deliveries, those queued last first.
pub(super) struct Page {
    pub(super) deliveries: Vec<Delivery>,
    /// What to ask for to go on; none where there are no more.
    pub(super) next_before: Option<Revision>,
}

impl Paging {
    pub(super) fn new() -> Self {
        Self { places: Places::of_pasts(), walks: Walks::default(), reads_max: READS_MAX }
    }

    /// The deliveries that the filter wants. The ledger is read only where the view's do not do,
    /// from its end back, because how a delivery ended stands behind it: that takes a place.
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
            let _place = self.places.wait(app, caller.account).await?;
            let reading = self.with_older(app, endpoint, deliveries, filter, left);
            let told = app.unless_it_stops(reading).await?;
            let ledger = [StreamName::new(Category::Ledger, endpoint)];
            return damage::named(&*app.store, &ledger, told).await.map_err(Problem::from);
        }
        let more = deliveries.len() > filter.limit;
        deliveries.truncate(filter.limit);
        let next_before = deliveries.last().map(|last| last.revision).filter(|_| more);
        Ok(Page { deliveries, next_before })
    }

    async fn with_older(
        &self,
        app: &App,
        endpoint: EndpointId,
        known: Vec<Delivery>,
        mut filter: Filter,
        left: Revision,
    ) -> Result<Page, Failure> {
        let stream = StreamName::new(Category::Ledger, endpoint);
        // From here on it is a place that parts what is told from what is not.
        if let Some(before) = filter.before {
            let first = timeline::first_where(&*app.store, &stream, |it| it.at >= before).await?;
            filter.below = [filter.below, first].into_iter().flatten().min();
        }
        // What stands behind it the view has told, or is not wanted.
        let from = filter.below.unwrap_or(Revision(u64::MAX)).min(left.next());
        let mut walk = match self.walks.take(endpoint, from) {
            Some(walk) => walk.caught_up(&*app.store, &stream, self.reads_max).await?,
            None => Walk::default(),
        };
        let (mut found, mut full, mut ended) = (vec![], false, false);
        for _ in 0..self.reads_max {
            if full || ended {
                break;
            }
            let page = walk.read(&*app.store, &stream, PAGE_MAX).await?;
            ended = is_last(&page, PAGE_MAX);
            for record in page {
                full = found.len() + behind(&known, record.revision) >= filter.limit;
                let too_old = filter.after.is_some_and(|after| record.at <= after);
                if full || too_old {
                    ended = !full;
                    break;
                }
                let Some(one) = walk.take(record) else { continue };
                let is_meant = one.revision <= left && filter.takes(&one);
                if is_meant && !is_known(app, &known, one.id) {
                    found.push(one);
                }
            }
        }
        let reached = (!ended).then(|| walk.reached().min(from));
        if reached.is_some() {
            self.walks.keep(endpoint, walk);
        }
        Ok(together(known, found, filter.limit, reached))
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

/// Whether it is the view's to tell, or was when it was asked.
fn is_known(app: &App, known: &[Delivery], id: DeliveryId) -> bool {
    known.iter().any(|known| known.id == id) || app.views.delivery_log.read(|view| view.knows(id))
}

#[cfg(test)]
mod tests;
