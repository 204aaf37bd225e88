//! Killed at any step, or out of space: nothing acknowledged is lost, and nothing is there twice.

use std::cell::RefCell;
use std::os::unix::fs::PermissionsExt;
use std::rc::Rc;

use super::*;
use crate::journal::probe;

/// What a killed process leaves, after which step, and what it had acknowledged.
type Left = Rc<RefCell<Vec<(String, Place, Vec<Head>)>>>;

/// Does some work on a store, and keeps what a kill after each of its steps would leave.
fn watched(
    place: &Place,
    known: &[Head],
    work: impl FnOnce(&Place, &RefCell<Vec<Head>>),
) -> Vec<(String, Place, Vec<Head>)> {
    let acknowledged = Rc::new(RefCell::new(known.to_vec()));
    let left: Left = Rc::default();
    let (folder, heads, keep) = (place.0.path().to_owned(), Rc::clone(&acknowledged), Rc::clone(&left));
    probe::watch(move |step| {
        let kept = (step.to_owned(), copy_of(&folder), heads.borrow().clone());
        keep.borrow_mut().push(kept);
    });
    work(place, &acknowledged);
    probe::unwatch();
    left.take()
}

/// Two lives of a store with everything that happens in one.
fn two_lives(place: &Place, acknowledged: &RefCell<Vec<Head>>) {
    let known = |head| acknowledged.borrow_mut().push(head);
    for _ in 0..2 {
        let store = place.open();
        for number in 0..40 {
            known(append(&store, if number % 3 == 0 { "acme" } else { "globex" }, number).unwrap());
        }
        sqlite(&store).settle().unwrap();
        known(append(&store, "acme", 50).unwrap());
        known(append(&store, "initech", 51).unwrap());
        sqlite(&store).settle().unwrap();
        known(append(&store, "initech", 52).unwrap());
    }
}

#[test]
fn every_step_may_be_the_last() {
    let first = watched(&Place::new(), &[], two_lives);
    let steps: std::collections::BTreeSet<_> = first.iter().map(|(step, ..)| step.as_str()).collect();
    let all = ["begin noted", "begun", "drain noted", "drained", "end noted", "end written"];
    assert_eq!(steps.into_iter().collect::<Vec<_>>(), all);
    for (step, place, known) in first {
        // The next process may be killed as well, while it takes up what the first one left.
        let again = watched(&place, &known, |place, known| {
            let store = place.open();
            assert_eq!(sound(&store, &known.borrow()), known.borrow().len() as u64, "after {step}");
            let head = append(&store, "acme", 90).unwrap();
            known.borrow_mut().push(head);
        });
        for (next, place, known) in again {
            let store = place.open();
            assert_eq!(sound(&store, &known), known.len() as u64, "after {step} and {next}");
            append(&store, "globex", 91).unwrap();
            assert_eq!(sound(&store, &known), known.len() as u64 + 1, "after {step} and {next}");
        }
    }
}

#[test]
fn part_of_a_frame_is_cut_off() {
    let place = Place::new();
    let store = place.open();
    let heads = fill(&store, "acme", 5);
    let journal = place.read_journal();
    let places = frames(&journal);
    let (last, end) = (places[4], places[5]);
    for length in last + 1..end {
        // Every length near the edges, some between.
        if length > last + 12 && length < end - 36 && length % 37 != 0 {
            continue;
        }
        // What a loss of power leaves: zeros in the place of what was not written.
        let zeros = vec![0; 4096 - length % 4096];
        for tail in [&[][..], &zeros] {
            let copy = place.copy();
            copy.write_journal(&[&journal[..length], tail].concat());
            let store = copy.open();
            let next = append(&store, "acme", 9).unwrap();
            assert_eq!(next.seq, 5, "{length}");
            assert_eq!(sound(&store, &heads[..4]), 5, "{length}");
            assert_eq!(problems(&verify(&store, &heads)), ["AUDIT_ROLLED_BACK"], "it was acknowledged");
        }
    }
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let place = Place::new();
    let store = place.open();
    append(&store, "acme", 0).unwrap();
    let before = place.read_journal();
    for room in [0, 1, 7, 8, 9, 40, 100, 200] {
        probe::set_room(Some(room));
        assert_eq!(append(&store, "acme", 1).unwrap_err(), StoreError::Full);
        assert_eq!(append(&store, "globex", 1).unwrap_err(), StoreError::Full);
        assert_eq!(place.read_journal(), before, "{room}");
    }
    probe::set_room(None);
    assert_eq!(append(&store, "acme", 2).unwrap().seq, 2);
    assert_eq!(sound(&store, &[]), 2);
    drop(store);
    // No room for a new journal either.
    let store = place.open();
    for room in [0, 59] {
        probe::set_room(Some(room));
        assert_eq!(append(&store, "acme", 3).unwrap_err(), StoreError::Full);
    }
    probe::set_room(None);
    assert_eq!(append(&store, "acme", 3).unwrap().seq, 3);
    assert_eq!(sound(&store, &[]), 3);
}

#[test]
fn entries_wait_in_the_journal_while_the_tables_cannot_take_them() {
    let place = Place::new();
    let store = place.open();
    fill(&store, "acme", 3);
    sound(&store, &[]);
    let limit = |pages: &str| {
        let sql = format!("PRAGMA max_page_count = {pages}");
        sqlite(&store).writer.lock().connection.execute_batch(&sql).unwrap();
    };
    limit("1");
    let mut long = entry("acme", 1);
    long.inputs = Some("x".repeat(20_000));
    let mut kept = 3;
    let refused = loop {
        match store.append_blocking(long.clone()) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
        assert_eq!(sqlite(&store).settle(), Err(StoreError::Full));
    };
    // Not for ever: without room in the journal nobody acts.
    assert_eq!(refused, StoreError::Full);
    assert!((10..20).contains(&kept), "{kept}");
    assert_eq!(sqlite(&store).tend(), Err(StoreError::Full));
    assert_eq!(wait(store.verify(None, &[])), Err(StoreError::Full));
    limit("1000000");
    append(&store, "acme", 2).unwrap();
    assert_eq!(sound(&store, &[]), kept + 1);
}

#[test]
fn a_long_journal_is_followed_by_the_next() {
    let place = Place::new();
    let store = place.open();
    let mut heads = Vec::new();
    for number in 0..2_000 {
        heads.push(append(&store, "acme", number).unwrap());
        sqlite(&store).tend().unwrap();
    }
    assert!(generation(&store) > 3, "{}", generation(&store));
    assert_eq!(fs::metadata(place.journal()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(sound(&store, &heads[1_000..1_001]), 2_000);
    drop(store);
    assert!(!place.journal().exists());
    assert!(!beside(&place.journal(), ".next").exists());
    assert_eq!(sound(&place.open(), &heads[1_999..]), 2_000);
}
