//! Records by stream and revision, whether the table has them, memory, or a bit of each.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::store::embedded::schema;

/// A log of bare rows, and what it must find.
struct Log {
    folder: tempfile::TempDir,
    connection: Connection,
    places: Places,
    model: BTreeMap<Key, i64>,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relink.db");
        std::fs::File::create(&file).unwrap();
        let connection = schema::open_writer(&file).unwrap();
        Self { folder, connection, places: Places::default(), model: BTreeMap::new() }
    }

    /// One transaction of a record for each of these streams.
    fn commit(&mut self, streams: &[i64]) {
        let transaction = self.connection.unchecked_transaction().unwrap();
        let mut written = vec![];
        for stream in streams {
            let of_stream = self.model.range((*stream, 0)..(*stream + 1, 0));
            let revision = of_stream.last().map_or(0, |(key, _)| key.1 + 1);
            let sql = "INSERT INTO events VALUES (NULL, ?1, ?2, '', 1, '', 0, '', '', '')";
            transaction.execute(sql, [*stream, revision]).unwrap();
            let position = transaction.last_insert_rowid();
            self.model.insert((*stream, revision), position);
            written.push(((*stream, revision), position));
        }
        let swept = self.places.sweep(&transaction, 2 * streams.len()).unwrap();
        transaction.commit().unwrap();
        self.places.committed(written.into_iter(), swept);
    }

    /// As after `kill -9`: nothing is left in memory.
    fn kill(&mut self) {
        self.connection = schema::open_writer(&self.folder.path().join("relink.db")).unwrap();
        self.places = Places::default();
        self.places.look(&self.connection).unwrap();
    }

    fn agrees(&self, places: &Places) -> Result<(), TestCaseError> {
        for stream in 0..4 {
            let model: Vec<_> = self.model.range((stream, 0)..(stream + 1, 0)).collect();
            let model: Vec<_> = model.into_iter().map(|(key, at)| (key.1, *at)).collect();
            let last = places.last(&self.connection, stream).unwrap();
            prop_assert_eq!(last, model.last().map(|last| last.0));
            for (from, limit) in [(0, 100), (2, 3), (9, 1)] {
                let found = places.upwards(&self.connection, stream, from, limit).unwrap();
                let expected = model.iter().copied().filter(|place| place.0 >= from);
                prop_assert_eq!(found, expected.take(limit).collect::<Vec<_>>());
                let found = places.downwards(&self.connection, stream, 9, from, limit).unwrap();
                let expected = model.iter().rev().copied();
                let expected = expected.filter(|place| place.0 >= from && place.0 < 9);
                prop_assert_eq!(found, expected.take(limit).collect::<Vec<_>>());
            }
        }
        Ok(())
    }

    fn in_table(&self) -> i64 {
        number(&self.connection, "SELECT count(*) FROM places").unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_was_committed_is_found_at_any_moment(
        commits in prop::collection::vec(prop::collection::vec(0_i64..4, 0..9), 1..30),
        killed in 0_usize..30,
        truncated in 0_usize..30,
    ) {
        let mut log = Log::new();
        let beside = Places::default();
        for (number, streams) in commits.iter().enumerate() {
            log.commit(streams);
            if number == killed {
                log.kill();
            }
            if number == truncated {
                let transaction = log.connection.unchecked_transaction().unwrap();
                let delete = "DELETE FROM events WHERE position = ?1";
                for (_, position) in log.model.range((1, 0)..(1, 3)) {
                    transaction.execute(delete, [*position]).unwrap();
                }
                Places::remove(&transaction, 1, 0, 3).unwrap();
                transaction.commit().unwrap();
                log.places.forget(1, 0, 3);
                log.model.retain(|key, _| key.0 != 1 || key.1 >= 3);
            } else if number < truncated {
                beside.look(&log.connection).unwrap();
                log.agrees(&beside)?;
            }
            log.agrees(&log.places)?;
        }
        log.places.settle(&log.connection).unwrap();
        log.agrees(&log.places)?;
        prop_assert_eq!(log.in_table(), log.model.len() as i64);
        prop_assert_eq!(Places::check(&log.connection).unwrap(), Vec::<String>::new());
    }
}

#[test]
fn the_table_follows_in_step_and_never_lags_by_more_than_two_generations() {
    let mut log = Log::new();
    for round in 0..400 {
        log.commit(&[round % 4]);
        let behind = log.model.len() as i64 - log.in_table();
        assert!(behind <= 2 * GENERATION as i64, "{behind} after {round}");
    }
    let (there, all) = (log.in_table(), log.model.len());
    assert!(there > 350, "{there} of {all}");
}

#[test]
fn who_only_reads_keeps_no_more_than_the_table_has_not_got() {
    let mut log = Log::new();
    let beside = Places::default();
    for round in 0..400 {
        log.commit(&[round % 4]);
        beside.look(&log.connection).unwrap();
        let kept = beside.tail().open.len();
        assert!(kept <= 2 * GENERATION, "{kept} after {round}");
    }
}

#[test]
fn a_log_whose_table_is_far_behind_is_caught_up_at_once() {
    let mut log = Log::new();
    for _ in 0..200 {
        log.commit(&[0, 1]);
    }
    let lost = "DELETE FROM places; UPDATE places_through SET position = 0";
    log.connection.execute_batch(lost).unwrap();
    Places::catch_up(&mut log.connection).unwrap();
    assert_eq!(log.in_table(), 400);
    log.kill();
    log.agrees(&log.places).unwrap();
    assert_eq!(Places::check(&log.connection).unwrap(), Vec::<String>::new());
}

#[test]
fn a_row_that_leads_astray_and_one_that_is_missing_are_found() {
    let mut log = Log::new();
    log.commit(&[0, 1, 2]);
    log.places.settle(&log.connection).unwrap();
    log.connection.execute_batch("UPDATE places SET position = 1 WHERE stream = 1").unwrap();
    let astray = "1 rows of places lead to no record or to another one";
    assert_eq!(Places::check(&log.connection).unwrap(), [astray]);
    log.connection.execute_batch("DELETE FROM places WHERE stream = 1").unwrap();
    assert_eq!(Places::check(&log.connection).unwrap(), ["places has 2 rows for 3 records"]);
}
