//! The journal, with a store that nobody tends: what is in the journal stays there until it is read.

mod changed;
mod crash;
mod shared;
mod soon;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tenantry_policy::ambient::NoEntropy;
use tenantry_policy::{Clock, Entropy};
use tokio::runtime::Runtime;

use super::{Held, Sqlite, state};
use crate::address::beside;
use crate::audit::chain::SealKey;
use crate::backend::Backend;
use crate::journal::frame;
use crate::keys::Keys;
use crate::{Entry, Head, Store, StoreError, VerifyReport};

struct Still;

impl Clock for Still {
    fn now_micros(&self) -> i64 {
        1
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl Entropy for Still {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        bytes.fill(42);
        Ok(())
    }
}

/// A folder with a store in it.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn database(&self) -> PathBuf {
        self.0.path().join("store.db")
    }

    fn journal(&self) -> PathBuf {
        beside(&self.database(), ".journal")
    }

    fn open(&self) -> Store {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<Store, StoreError> {
        let path = self.database();
        let keys = Keys::open(Some(beside(&path, ".keys.json")))?;
        let backend = Backend::Sqlite(Held::unwatched(Sqlite::open(Some(&path))?));
        wait(Store::over(backend, keys, Arc::new(Still), Arc::new(Still)))
    }

    /// The files as they are now, as a process that is killed now leaves them. What SQLite shares between
    /// processes is made anew from the others.
    fn copy(&self) -> Place {
        copy_of(self.0.path())
    }

    /// Runs statements behind the store's back.
    fn outside(&self, sql: &str) {
        rusqlite::Connection::open(self.database()).unwrap().execute_batch(sql).unwrap();
    }

    fn read_journal(&self) -> Vec<u8> {
        fs::read(self.journal()).unwrap()
    }

    fn write_journal(&self, bytes: &[u8]) {
        fs::write(self.journal(), bytes).unwrap();
    }
}

fn copy_of(folder: &Path) -> Place {
    let place = Place::new();
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        if !file.file_name().to_string_lossy().ends_with("-shm") {
            fs::copy(file.path(), place.0.path().join(file.file_name())).unwrap();
        }
    }
    place
}

/// Where the frames of a journal begin, and where the last one ends.
fn frames(journal: &[u8]) -> Vec<usize> {
    let mut places = vec![frame::HEADER_BYTES];
    while let Some(lengths) = journal.get(places[places.len() - 1]..).and_then(|rest| rest.first_chunk()) {
        places.push(places[places.len() - 1] + frame::size(*lengths).unwrap());
    }
    places
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    Runtime::new().unwrap().block_on(future)
}

fn sqlite(store: &Store) -> &Sqlite {
    match &store.backend {
        Backend::Sqlite(held) => held,
        Backend::Postgres(_) => panic!("not SQLite"),
    }
}

fn entry(account: &str, number: i64) -> Entry {
    let mut entry = Entry::started(&format!("{account}-{number}"), account, "query", number);
    entry.inputs = Some("{\"model\":\"orders\"}".repeat(1 + usize::try_from(number % 7).unwrap()));
    entry.reasons = vec!["role.viewer".to_owned()];
    entry
}

/// Appends one entry; answers the head that the caller then knows.
fn append(store: &Store, account: &str, number: i64) -> Result<Head, StoreError> {
    let receipt = store.append_blocking(entry(account, number))?;
    Ok(Head { account: account.to_owned(), seq: receipt.seq, hash: receipt.hash })
}

fn fill(store: &Store, account: &str, count: i64) -> Vec<Head> {
    (0..count).map(|number| append(store, account, number).unwrap()).collect()
}

fn verify(store: &Store, expected: &[Head]) -> VerifyReport {
    wait(store.verify(None, expected)).unwrap()
}

#[track_caller]
fn sound(store: &Store, expected: &[Head]) -> u64 {
    let report = verify(store, expected);
    assert!(report.is_sound(), "{report:?}");
    report.entries
}

/// Every kind of problem that there is.
fn problems(report: &VerifyReport) -> Vec<&'static str> {
    let all = report.chains.iter().flat_map(|chain| &chain.problems).chain(&report.roster);
    let mut codes: Vec<_> = all.map(|problem| problem.kind.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn key(place: &Place) -> SealKey {
    let keys = Keys::open(Some(beside(&place.database(), ".keys.json"))).unwrap();
    SealKey::new(&keys.get("audit-seal").unwrap()).unwrap()
}

fn generation(store: &Store) -> u64 {
    let sqlite = sqlite(store);
    let state = sqlite.with_reader(|connection| state::read(connection, sqlite.key().unwrap()));
    state.unwrap().mark.generation
}
