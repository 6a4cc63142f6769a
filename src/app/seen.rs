//! As of when an answer is that is made of views.

use events::{Position, Timestamp};
use projections::Reading;

use super::App;

/// How far the views have seen that an answer is made of: as far as the one that is behind the
/// others.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Seen(Option<(Position, Option<Timestamp>)>);

impl Seen {
    /// Something is told by this view.
    pub fn by<P>(&mut self, view: &Reading<'_, P>) {
        self.add(view.position(), view.as_of());
    }

    fn add(&mut self, position: Position, last: Option<Timestamp>) {
        let one = (position, last);
        self.0 = Some(self.0.map_or(one, |known| known.min(one)));
    }

    /// The last position that all of them have seen.
    pub fn position(self) -> Position {
        self.0.unwrap_or_default().0
    }
}

impl App {
    /// The moment up to which the views are known to be complete: now, where the log holds nothing
    /// that they have not seen, else the time of the last record that they have.
    pub async fn as_of(&self, seen: Seen) -> Timestamp {
        // In this order: what is recorded after now may be beyond the end that is asked for then.
        let now = self.clock.now();
        complete_until(seen, now, self.head().await)
    }
}

/// An end that nobody can tell just now may be anywhere.
fn complete_until(seen: Seen, now: Timestamp, head: Option<Position>) -> Timestamp {
    let (position, last) = seen.0.unwrap_or_default();
    let last = last.unwrap_or_default();
    if head.is_some_and(|head| head <= position) { last.max(now) } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_at_the_end_of_the_log_are_complete_until_now_and_others_until_their_last_record() {
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let mut seen = Seen::default();
        seen.add(Position(9), Some(at(20)));
        seen.add(Position(7), Some(at(10)));
        assert_eq!(seen.position(), Position(7));
        assert_eq!(complete_until(seen, at(90), Some(Position(7))), at(90));
        assert_eq!(complete_until(seen, at(90), Some(Position(8))), at(10));
        assert_eq!(complete_until(seen, at(90), None), at(10), "the log does not answer");
        assert_eq!(complete_until(seen, at(5), Some(Position(7))), at(10), "another's clock");
    }
}
