//! Ends of acts that are put on record with the next entry.

use super::*;
use crate::journal::probe;
use crate::{Phase, Receipt};

/// Begins an act; answers what ends it, and the start's receipt.
fn begun(store: &Store, account: &str, number: i64) -> (Entry, Receipt) {
    let entry = entry(account, number);
    let receipt = store.append_blocking(&entry).unwrap();
    (entry.ended(&receipt, Phase::Completed, number + 1), receipt)
}

fn soon(store: &Store, entry: Entry) {
    wait(store.append_soon(entry)).unwrap();
}

/// The acts that have no end.
fn open(report: &VerifyReport) -> Vec<i64> {
    report.chains.iter().flat_map(|chain| chain.open.clone()).collect()
}

#[test]
fn an_end_goes_with_the_next_entry_in_its_order() {
    let place = Place::new();
    let store = place.open();
    let (first, _) = begun(&store, "acme", 1);
    let (second, start) = begun(&store, "globex", 2);
    let (third, _) = begun(&store, "acme", 3);
    let before = place.read_journal();
    for end in [first, second, third] {
        soon(&store, end);
    }
    assert_eq!(place.read_journal(), before, "nothing is written yet");
    // Their chains go on: the own entry stands behind the ends of its account.
    assert_eq!(append(&store, "acme", 4).unwrap().seq, 5);
    assert_eq!(frames(&place.read_journal()).len(), 1 + 7);
    assert_eq!(sound(&store, &[]), 7);
    assert_eq!(open(&verify(&store, &[])), [5], "the own one");
    assert_eq!(start.seq, 1);
}

#[test]
fn whoever_reads_the_audit_finds_the_ends() {
    let place = Place::new();
    let store = place.open();
    let (end, _) = begun(&store, "acme", 1);
    soon(&store, end);
    assert_eq!(sound(&store, &[]), 2);
    let (end, _) = begun(&store, "acme", 2);
    soon(&store, end);
    drop(store);
    // A store that is closed has written all.
    assert_eq!(sound(&place.open(), &[]), 4);
}

#[test]
fn a_killed_process_leaves_the_act_open() {
    let place = Place::new();
    let store = place.open();
    let (end, start) = begun(&store, "acme", 1);
    soon(&store, end);
    let left = place.copy();
    let report = verify(&left.open(), &[]);
    assert_eq!(problems(&report), Vec::<&str>::new());
    assert_eq!(open(&report), [start.seq]);
}

#[test]
fn a_full_disk_keeps_the_ends_for_later() {
    let place = Place::new();
    let store = place.open();
    let (end, _) = begun(&store, "acme", 1);
    soon(&store, end);
    let before = place.read_journal();
    for room in [0, 1, 300] {
        probe::set_room(Some(room));
        assert_eq!(append(&store, "acme", 2).unwrap_err(), StoreError::Full);
        assert_eq!(place.read_journal(), before, "{room}");
    }
    probe::set_room(None);
    assert_eq!(append(&store, "acme", 2).unwrap().seq, 3);
    assert_eq!(sound(&store, &[]), 3);
}

#[test]
fn one_changed_chain_holds_up_nobody_else() {
    let place = Place::new();
    let store = place.open();
    let (end, _) = begun(&store, "acme", 1);
    sound(&store, &[]);
    place.outside("UPDATE tenantry_audit_heads SET seq = 7 WHERE account = 'acme'");
    soon(&store, end);
    assert_eq!(append(&store, "globex", 1).unwrap().seq, 1);
}

#[test]
fn many_ends_are_not_kept() {
    let place = Place::new();
    let store = place.open();
    let ends: Vec<Entry> = (0..64).map(|number| begun(&store, "acme", number).0).collect();
    let before = place.read_journal().len();
    for end in ends {
        soon(&store, end);
    }
    assert!(place.read_journal().len() > before);
    assert_eq!(sound(&store, &[]), 128);
}

#[test]
fn an_end_that_nothing_follows_is_written_all_the_same() {
    let place = Place::new();
    let path = place.database();
    let keys = Keys::open(Some(beside(&path, ".keys.json"))).unwrap();
    let backend = Backend::Sqlite(Held::new(Sqlite::open(Some(&path)).unwrap()).unwrap());
    let store = wait(Store::over(backend, keys, Arc::new(Still), Arc::new(Still))).unwrap();
    let (end, _) = begun(&store, "acme", 1);
    soon(&store, end);
    // The thread that tends the journal does it, here or in the journal that follows.
    while !sqlite(&store).soon.lock().is_empty() {
        std::thread::yield_now();
    }
    drop(store);
    assert_eq!(sound(&place.open(), &[]), 2);
}

#[test]
fn what_is_on_record_is_moved_though_ends_cannot_be_written() {
    let place = Place::new();
    let store = place.open();
    let (end, _) = begun(&store, "acme", 1);
    append(&store, "globex", 2).unwrap();
    soon(&store, end);
    probe::set_room(Some(0));
    assert_eq!(sqlite(&store).settle(), Err(StoreError::Full));
    let moved: i64 = sqlite(&store)
        .with_reader(|connection| {
            Ok(connection.query_row("SELECT count(*) FROM tenantry_audit", [], |row| row.get(0)).unwrap())
        })
        .unwrap();
    assert_eq!(moved, 2);
    probe::set_room(None);
    assert_eq!(sound(&store, &[]), 3);
}
