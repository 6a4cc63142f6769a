//! One page of an endpoint's deliveries: what the view has, and then what only the ledger has.

use events::store::{PAGE_MAX, Slice, is_last};
use events::{Category, DeliveryId, EndpointId, Revision, StreamName};
use projections::delivery_log::{Delivery, Filter, Listed, Older};

use crate::app::App;
use crate::http::auth::Caller;
use crate::http::places::Places;
use crate::http::problem::Problem;

/// Deliveries, those queued last first.
pub(super) struct Page {
    pub(super) deliveries: Vec<Delivery>,
    /// What to ask for to go on; none where there are no more.
    pub(super) next_before: Option<Revision>,
}

/// The deliveries that the filter wants. The ledger is read only where the view's do not do, from
/// its end back, because how a delivery ended stands behind it: that takes a place.
pub(super) async fn of(
    app: &App,
    (places, caller): (&Places, &Caller),
    endpoint: EndpointId,
    filter: Filter,
) -> Result<Page, Problem> {
    let limit = filter.limit;
    // One more than is shown tells whether there are more.
    let filter = Filter { limit: limit.saturating_add(1), ..filter };
    let Listed { mut deliveries, left } =
        app.views.delivery_log.read(|view| view.list(endpoint, &filter));
    if let Some(left) = left
        && behind(&deliveries, left) < filter.limit
    {
        let _place = places.wait(app, caller.account).await?;
        deliveries = with_older(app, endpoint, deliveries, filter, left).await?;
    }
    let more = deliveries.len() > limit;
    deliveries.truncate(limit);
    let next_before = deliveries.last().map(|last| last.revision).filter(|_| more);
    Ok(Page { deliveries, next_before })
}

/// How many stand behind a place of the ledger.
fn behind(deliveries: &[Delivery], place: Revision) -> usize {
    deliveries.partition_point(|delivery| delivery.revision > place)
}

async fn with_older(
    app: &App,
    endpoint: EndpointId,
    known: Vec<Delivery>,
    filter: Filter,
    left: Revision,
) -> Result<Vec<Delivery>, Problem> {
    let stream = StreamName::new(Category::Ledger, endpoint);
    let limit = filter.limit;
    let mut older = Older::new(filter, left);
    let (mut found, mut before, mut more) = (vec![], None, true);
    while more {
        let page = app.store.read_stream(&stream, Slice::Before(before), PAGE_MAX).await?;
        more = !is_last(&page, PAGE_MAX);
        before = page.last().map(|last| last.revision);
        for record in page {
            if found.len() + behind(&known, record.revision) >= limit {
                more = false;
                break;
            }
            // A record that this build does not understand tells nothing.
            let Ok(record) = record.decode() else { continue };
            if older.is_over(&record) {
                more = false;
                break;
            }
            found.extend(older.take(&record).filter(|it| !is_known(app, &known, it.id)));
        }
        more &= before.is_some();
    }
    let mut all = known;
    all.append(&mut found);
    all.sort_by_key(|delivery| std::cmp::Reverse(delivery.revision));
    all.truncate(limit);
    Ok(all)
}

/// Whether it is the view's to tell, or was when it was asked.
fn is_known(app: &App, known: &[Delivery], id: DeliveryId) -> bool {
    known.iter().any(|known| known.id == id) || app.views.delivery_log.read(|view| view.knows(id))
}

#[cfg(test)]
mod tests;
