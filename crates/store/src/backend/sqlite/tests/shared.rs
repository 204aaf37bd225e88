//! Several processes on one store: here several stores on the same files, which share nothing else.

use super::*;

#[test]
fn ten_thousand_entries_of_two_stores_make_one_chain() {
    let place = Place::new();
    let stores = [place.open(), place.open()];
    std::thread::scope(|scope| {
        for (worker, store) in stores.iter().enumerate() {
            scope.spawn(move || {
                for number in 0..5_000 {
                    append(store, "acme", number).unwrap();
                    if number % 97 == 0 {
                        sqlite(store).tend().unwrap();
                    }
                    if number % 1_000 == 0 {
                        append(store, &format!("own-{worker}"), number).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(sound(&stores[1], &[]), 10_010);
    assert!(generation(&stores[0]) > 2);
}

#[test]
fn stores_that_come_and_go_leave_the_others_their_journal() {
    let place = Place::new();
    let stays = place.open();
    for round in 0..20 {
        assert_eq!(append(&stays, "acme", round).unwrap().seq, 3 * round + 1);
        // It ends the journal that both are writing when it goes.
        let goes = place.open();
        assert_eq!(append(&goes, "acme", round).unwrap().seq, 3 * round + 2);
        if round % 2 == 0 {
            sound(&goes, &[]);
        }
        drop(goes);
        assert_eq!(append(&stays, "acme", round).unwrap().seq, 3 * round + 3);
        // One that only reads ends nothing.
        let before = generation(&stays);
        let reads = place.open();
        assert_eq!(sound(&reads, &[]), u64::try_from(3 * round).unwrap() + 3);
        drop(reads);
        assert_eq!(generation(&stays), before);
    }
}

#[test]
fn a_store_from_before_the_journal_goes_on() {
    let place = Place::new();
    let store = place.open();
    let heads = fill(&store, "acme", 5);
    drop(store);
    let check: String = key(&place).check(false).iter().map(|byte| format!("{byte:02x}")).collect();
    place.outside(&format!(
        "DELETE FROM tenantry_store WHERE name = 'journal'; UPDATE tenantry_store SET value = x'{check}' WHERE name = 'key-check'"
    ));
    for round in 0..2 {
        let store = place.open();
        assert_eq!(append(&store, "acme", 6).unwrap().seq, 6 + round);
        sound(&store, &heads);
    }
}

#[test]
fn a_closed_store_is_whole_without_its_journal() {
    let place = Place::new();
    let heads = fill(&place.open(), "acme", 5);
    assert!(!place.journal().exists());
    assert_eq!(sound(&place.open(), &heads), 5);
    // Reading begins none.
    assert!(!place.journal().exists());
}
