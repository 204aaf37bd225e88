//! Somebody who can write the files, but has not the key.

use super::*;
use crate::journal::file::{Journal, Look};
use crate::journal::mark::Mark;

const BROKEN: &[&str] = &["AUDIT_JOURNAL_BROKEN"];

/// A store with 5 entries in its tables and 20 in its journal only, and its heads.
fn filled() -> (Place, Store, Vec<Head>) {
    let place = Place::new();
    let store = place.open();
    fill(&store, "acme", 5);
    sqlite(&store).settle().unwrap();
    fill(&store, "globex", 10);
    let heads = fill(&store, "acme", 10);
    (place, store, heads)
}

/// Nothing is appended, and verification says why.
#[track_caller]
fn refused(store: &Store, what: &str) {
    for account in ["acme", "globex", "new"] {
        assert_eq!(append(store, account, 1).unwrap_err().code(), "STORE_TAMPERED", "{what}");
    }
    assert_eq!(problems(&verify(store, &[])), BROKEN, "{what}");
    assert_eq!(wait(store.list(&crate::Filter::of("acme"))).unwrap_err().code(), "STORE_TAMPERED", "{what}");
}

#[test]
fn changed_frames_are_found() {
    let (place, store, _) = filled();
    let journal = place.read_journal();
    let at = frames(&journal);
    assert_eq!(at.len(), 26);
    let piece = |from: usize, to: usize| &journal[at[from]..at[to]];
    let (head, tail) = (&journal[..at[5]], |from: usize| &journal[at[from]..]);

    // A frame that fits in this place, sealed with another key.
    let forged = {
        let before = Mark { generation: 1, position: at[25] as u64, seal: *journal.last_chunk().unwrap() };
        let mut out = Vec::new();
        frame::write(&mut out, &SealKey::new(b"forged").unwrap(), &before, None).unwrap();
        out
    };
    let edited = |at: usize, by: u8| {
        let mut bytes = journal.clone();
        bytes[at] ^= by;
        bytes
    };
    let changes: Vec<(&str, Vec<u8>)> = vec![
        ("edit the header", edited(3, 1)),
        ("edit the generation", edited(27, 3)),
        ("edit the header's seal", edited(40, 1)),
        ("edit an entry", edited(at[9] + 120, 1)),
        ("edit the first entry", edited(at[5] + 120, 1)),
        ("edit the last entry", edited(at[24] + 120, 1)),
        ("edit a hash", edited(at[9] + 50, 1)),
        ("edit a seal", edited(at[10] - 1, 1)),
        ("edit the last seal", edited(at[25] - 1, 1)),
        ("edit a length", edited(at[9] + 3, 1)),
        ("edit the last length", edited(at[24] + 1, 1)),
        ("drop the first", [head, tail(6)].concat()),
        ("drop one", [head, piece(5, 12), tail(13)].concat()),
        ("drop some", [head, piece(5, 7), tail(20)].concat()),
        ("drop all but the last", [head, tail(24)].concat()),
        ("swap two", [head, piece(5, 8), piece(9, 10), piece(8, 9), tail(10)].concat()),
        ("one twice", [head, piece(5, 9), piece(8, 9), tail(9)].concat()),
        ("the last twice", [&journal, piece(24, 25)].concat()),
        ("an old one at the end", [&journal, piece(2, 3)].concat()),
        ("one from before in a place", [head, piece(0, 1), tail(6)].concat()),
        ("a forged one at the end", [&journal, forged.as_slice()].concat()),
        ("cut behind what the tables have", journal[..at[4]].to_vec()),
        ("cut in what the tables have", journal[..at[4] + 9].to_vec()),
        ("all but the header", journal[..at[0]].to_vec()),
        ("half of the header", journal[..30].to_vec()),
        ("empty", Vec::new()),
        ("another file", b"hello".repeat(100)),
    ];
    for (what, bytes) in &changes {
        let copy = place.copy();
        copy.write_journal(bytes);
        refused(&copy.open(), what);
    }
    let gone = place.copy();
    fs::remove_file(gone.journal()).unwrap();
    refused(&gone.open(), "removed");
    sound(&store, &[]);
}

/// An operator goes on without a journal on purpose: what the tables have stays sound, and no more is lost.
#[test]
fn a_loss_is_accepted_on_purpose_only() {
    let (place, store, _) = filled();
    assert_eq!(store.accept_journal_loss().unwrap(), None, "nothing is lost of a sound one");
    fill(&store, "acme", 5);
    let journal = place.read_journal();
    let at = frames(&journal);
    for (what, file) in
        [("missing", None), ("cut", Some(journal[..at[4]].to_vec())), ("another", Some(b"x".repeat(90)))]
    {
        let copy = place.copy();
        match file {
            None => fs::remove_file(copy.journal()).unwrap(),
            Some(bytes) => copy.write_journal(&bytes),
        }
        let store = copy.open();
        assert_eq!(append(&store, "acme", 1).unwrap_err().code(), "STORE_TAMPERED", "{what}");
        let lost = store.accept_journal_loss().unwrap().expect(what);
        assert_eq!((lost.generation, lost.aside.is_some()), (1, what != "missing"), "{what}");
        assert!(lost.aside.is_none_or(|path| path.exists()));
        fill(&store, "acme", 3);
        assert_eq!(store.accept_journal_loss().unwrap(), None);
        sound(&store, &[]);
        drop(store);
        let again = copy.open();
        fill(&again, "globex", 2);
        sound(&again, &[]);
    }
}

/// While the store is in use even its last entries cannot be cut off.
#[test]
fn changes_are_found_while_the_store_is_in_use() {
    let (place, store, heads) = filled();
    let journal = place.read_journal();
    let at = frames(&journal);
    let mut edited = journal.clone();
    edited[at[9] + 120] ^= 1;
    // In its place: it is found when the entries are moved.
    place.write_journal(&edited);
    assert_eq!(problems(&verify(&store, &[])), BROKEN);
    for (what, bytes) in [("cut one", &journal[..at[24]]), ("cut all", &journal[..at[5]]), ("empty", &[])] {
        place.write_journal(bytes);
        refused(&store, what);
    }
    // By another file of the same name.
    let other = place.journal().with_extension("other");
    let replace = |bytes: &[u8]| {
        fs::write(&other, bytes).unwrap();
        fs::rename(&other, place.journal()).unwrap();
    };
    // It shows at the next closer look, of which there is one a second.
    let refused = |what: &str| {
        assert_eq!(problems(&verify(&store, &[])), BROKEN, "{what}");
        refused(&store, what);
    };
    place.write_journal(&journal);
    replace(&journal[..at[24]]);
    refused("replaced by an older copy");
    fs::remove_file(place.journal()).unwrap();
    refused("removed");
    // What the process still had of it is in the tables.
    assert_eq!(verify(&store, &heads).entries, 25);
    // A copy that is what it was is as good as the first.
    replace(&journal);
    assert_eq!(sound(&store, &heads), 25);
    append(&store, "acme", 1).unwrap();
    assert_eq!(sound(&store, &heads), 26);
}

/// Like the end of SQLite's own log, and like what a loss of power takes: it shows against a head only.
#[test]
fn cutting_the_last_frames_of_a_store_at_rest_shows_against_a_head() {
    let (place, _store, heads) = filled();
    let journal = place.read_journal();
    let at = frames(&journal);
    for kept in [5, 15, 24] {
        let copy = place.copy();
        copy.write_journal(&journal[..at[kept]]);
        let store = copy.open();
        assert_eq!(sound(&store, &[]), kept as u64);
        assert_eq!(problems(&verify(&store, &heads)), ["AUDIT_ROLLED_BACK"]);
    }
}

#[test]
fn journals_of_other_generations_are_refused() {
    let place = Place::new();
    let mut journals = Vec::new();
    for _ in 0..3 {
        let store = place.open();
        fill(&store, "acme", 5);
        journals.push(place.read_journal());
    }
    let store = place.open();
    fill(&store, "acme", 5);
    let now = place.copy();
    for journal in &journals {
        let copy = now.copy();
        copy.write_journal(journal);
        refused(&copy.open(), "an older generation");
    }
    // A frame of an older generation behind the new one's.
    let (old, new) = (&journals[2], now.read_journal());
    now.write_journal(&[&new, &old[frames(old)[4]..]].concat());
    refused(&now.open(), "a frame of an older generation");
    drop(store);

    // Closed, there is no journal; one that is put back has nothing that the tables lack.
    place.write_journal(&journals[0]);
    let store = place.open();
    assert_eq!(sound(&store, &[]), 20);
    assert_eq!(append(&store, "acme", 1).unwrap().seq, 21);
    assert_eq!(generation(&store), 5);
    assert_eq!(sound(&store, &[]), 21);
}

#[test]
fn an_older_database_with_a_newer_journal() {
    let (place, store, heads) = filled();
    let before = place.copy();
    sound(&store, &heads);
    append(&store, "acme", 20).unwrap();
    // Of the same generation: the journal still has what the database lacks.
    fs::copy(place.journal(), before.journal()).unwrap();
    assert_eq!(sound(&before.open(), &heads), 26);
    drop(store);
    // Of an older one: it has not, and nothing is added to it.
    let (older, newer) = (place.copy(), place.open());
    fill(&newer, "acme", 1);
    fs::copy(place.journal(), older.journal()).unwrap();
    refused(&older.open(), "an older database");
}

#[test]
fn the_note_of_the_journal_is_sealed() {
    let (place, store, _) = filled();
    let early = place.copy();
    for (change, at_open) in [
        ("DELETE FROM tenantry_store WHERE name = 'journal'", true),
        ("UPDATE tenantry_store SET value = x'00' WHERE name = 'journal'", true),
        (
            "UPDATE tenantry_store SET value = CAST(substr(value, 1, 48) || x'01' || substr(value, 50) AS BLOB) WHERE name = 'journal'",
            true,
        ),
    ] {
        let copy = early.copy();
        copy.outside(change);
        let opened = copy.try_open();
        assert_eq!(opened.err().map(|error| error.code()), at_open.then_some("STORE_TAMPERED"), "{change}");
    }
    // While it is in use.
    place.outside("DELETE FROM tenantry_store WHERE name = 'journal'");
    assert_eq!(problems(&verify(&store, &[])), BROKEN);
}

/// The journal's entries are genuine whatever was done to the tables: they come in, and what does not fit them
/// is found.
#[test]
fn tables_that_were_changed_before_the_journal_came_in() {
    let keep = "CREATE TABLE kept_audit AS SELECT * FROM tenantry_audit; CREATE TABLE kept_heads AS SELECT * FROM tenantry_audit_heads";
    let restore = "DELETE FROM tenantry_audit; INSERT INTO tenantry_audit SELECT * FROM kept_audit; \
        DELETE FROM tenantry_audit_heads; INSERT INTO tenantry_audit_heads SELECT * FROM kept_heads";
    let cases: [(&str, &[&str], bool); 5] = [
        (
            "UPDATE tenantry_audit_heads SET hash = zeroblob(32) WHERE account = 'acme'",
            &["AUDIT_BEYOND_HEAD", "AUDIT_SEAL_BROKEN"],
            false,
        ),
        ("DELETE FROM tenantry_audit_heads WHERE account = 'acme'", &["AUDIT_ROSTER_BROKEN"], true),
        (restore, &["AUDIT_GAP"], true),
        ("UPDATE tenantry_audit_roster SET accounts = 9", &["AUDIT_HEAD_MISSING", "AUDIT_ROSTER_BROKEN"], true),
        (
            "INSERT INTO tenantry_audit SELECT account, 7, id, phase, start_seq, time_micros, workspace, user_id, client, delegate, \
            tool, model, request_digest, inputs, decision, code, reasons, scopes, row_count, row_keys, rows_before, rows_after, \
            duration_micros, error, policy_version, hash FROM tenantry_audit WHERE account = 'acme' AND seq = 1",
            &[],
            true,
        ),
    ];
    for (change, expected, goes_on) in cases {
        let place = Place::new();
        let store = place.open();
        fill(&store, "acme", 3);
        sqlite(&store).settle().unwrap();
        place.outside(keep);
        fill(&store, "acme", 2);
        sqlite(&store).settle().unwrap();
        fill(&store, "acme", 5);
        fill(&store, "globex", 2);
        place.outside(change);
        assert_eq!(problems(&verify(&store, &[])), expected, "{change}");
        let rows: i64 = rusqlite::Connection::open(place.database())
            .unwrap()
            .query_row("SELECT count(*) FROM tenantry_audit WHERE seq > 5 OR account = 'globex'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 7, "what was on record is: {change}");
        match append(&store, "acme", 9) {
            Ok(_) => assert!(goes_on, "{change}"),
            Err(error) => assert!(!goes_on && error.code() == "STORE_TAMPERED", "{change}: {error}"),
        }
    }
}

#[test]
fn a_thousand_flipped_bytes() {
    let place = Place::new();
    let store = place.open();
    fill(&store, "acme", 20);
    let journal = place.read_journal();
    let key = key(&place);
    let file = place.journal().with_extension("flipped");
    let mut state = 11_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % below).unwrap()
    };
    let look = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let mut journal = Journal::open(&file, &key)?.unwrap();
        let locked = journal.lock()?;
        journal.look(&locked, &key, true, |_, _| {})
    };
    assert_eq!(look(&journal), Ok(Look::Open));
    for round in 0..1_000 {
        let mut bytes = journal.clone();
        let place_of = random(bytes.len() as u64);
        bytes[place_of] ^= u8::try_from(1 + random(255)).unwrap();
        assert_eq!(look(&bytes).map_err(|error| error.code()), Err("STORE_TAMPERED"), "byte {place_of}");
        if round % 50 == 0 {
            let copy = place.copy();
            copy.write_journal(&bytes);
            refused(&copy.open(), "a flipped byte");
        }
    }
}
