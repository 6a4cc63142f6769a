//! The incidents of the whole installation, told by the whole log.

use std::collections::HashMap;

use events::store::{PAGE_MAX, Tail};
use events::{Category, EventStore, Failure, Fold, Position, Record, StreamName, Timestamp, Until};
use projections::incidents::Incidents;

use super::Known;
use crate::damage::Damage;

/// The incidents of the whole installation as of a moment. What many have in common is told by the
/// records of all of them, so that the log is read from its beginning, and their chains are checked
/// as those of one subject are. Of a stream with a record that is not what was written, or means
/// nothing, what stands before that, and where it is.
///
/// # Errors
/// When the log cannot be read up to the moment.
pub async fn of_installation(
    store: &dyn EventStore,
    until: Until,
) -> Result<(Known<Incidents>, Vec<Damage>), Failure> {
    let mut told = Told::begin(until);
    let mut from = Position::START;
    loop {
        let (page, limit) = told.readable(store, from).await?;
        let Some(last) = page.last() else { break };
        from = last.position;
        let mut any = false;
        for record in page {
            any |= told.take(&record);
        }
        // Times of different streams are out of order, and by less than a whole page.
        if !any && limit == PAGE_MAX {
            break;
        }
    }
    Ok(told.end())
}

/// What the whole log has told of incidents so far.
struct Told {
    until: Until,
    known: Known<Incidents>,
    chains: HashMap<StreamName, Chain>,
    /// When the record was written that was read last.
    read_at: Timestamp,
}

/// How far a stream is told.
enum Chain {
    /// The next record is to follow from this one.
    Goes(Tail),
    /// The moment is before its next record.
    Ended,
    Broken(Damage),
}

impl Told {
    fn begin(until: Until) -> Self {
        let (known, chains, read_at) = (Known::default(), HashMap::new(), Timestamp::default());
        Self { until, known, chains, read_at }
    }

    /// The next page, and how many were asked for; where it has a bad place in it, what stands
    /// before that place.
    async fn readable(
        &self,
        store: &dyn EventStore,
        from: Position,
    ) -> Result<(Vec<Record>, usize), Failure> {
        let mut limit = PAGE_MAX;
        loop {
            match store.read_all(from, limit).await {
                Err(Failure::Corrupt { .. }) if limit > 1 => limit /= 2,
                Err(failure @ Failure::Corrupt { .. }) => {
                    // When it was is not known, but no earlier than what stands before it.
                    let within = self.until.covers(Position(from.0 + 1), self.read_at);
                    return if within { Err(failure) } else { Ok((vec![], limit)) };
                }
                page => return page.map(|page| (page, limit)),
            }
        }
    }

    /// Whether it is within the moment.
    fn take(&mut self, record: &Record) -> bool {
        self.read_at = record.at;
        let within = self.until.covers(record.position, record.at);
        if within {
            self.known.last = self.known.last.max(Some((record.position, record.at)));
        }
        let telling = [Category::Inbox, Category::Hook, Category::Rule, Category::Installation];
        if !telling.map(Category::as_str).contains(&record.stream.category()) {
            return within;
        }
        let chain = self.chains.entry(record.stream.clone());
        let chain = chain.or_insert(Chain::Goes(Tail::default()));
        let Chain::Goes(tail) = chain else { return within };
        // Where records are missing before it, they may have been within the moment.
        if !within && record.revision == tail.expected().first() {
            *chain = Chain::Ended;
            return within;
        }
        let followed = tail.follow(record).map_err(|broken| Damage::at(record, &broken));
        let recorded = followed.and_then(|()| {
            record.clone().decode().map_err(|undecodable| Damage::at(record, &undecodable))
        });
        match recorded {
            Ok(recorded) => self.known.view.evolve(&recorded),
            Err(damage) => *chain = Chain::Broken(damage),
        }
        within
    }

    fn end(mut self) -> (Known<Incidents>, Vec<Damage>) {
        let mut damaged: Vec<_> = self
            .chains
            .into_values()
            .filter_map(|chain| match chain {
                Chain::Broken(damage) => Some(damage),
                Chain::Goes(_) | Chain::Ended => None,
            })
            .collect();
        damaged.sort_by(|one, other| one.stream.as_str().cmp(other.stream.as_str()));
        self.known.damage = damaged.iter().min_by_key(|damage| damage.position).cloned();
        (self.known, damaged)
    }
}
