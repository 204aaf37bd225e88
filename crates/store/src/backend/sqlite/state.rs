//! What the database notes of its journal, and transactions that change it.

use rusqlite::{Connection, OptionalExtension};

use super::{Writer, sqlite_error};
use crate::StoreError;
use crate::audit::chain::SealKey;
use crate::audit::sql;
use crate::journal::mark::State;
use crate::store::KEY_CHECK;

/// The fact in `tenantry_store` that holds [`State`].
const STATE: &str = "journal";

const FACT: &str = "SELECT value FROM tenantry_store WHERE name = ?1";
const FACT_PUT: &str = "INSERT INTO tenantry_store (name, value) VALUES (?1, ?2) \
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// Adds an entry, or puts it in the place of another.
pub(super) fn entry_replace() -> String {
    sql::ENTRY_INSERT.replacen("INSERT INTO", "INSERT OR REPLACE INTO", 1)
}

fn fact(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    connection
        .prepare_cached(FACT)
        .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
        .map_err(|error| sqlite_error(&error))
}

fn put_fact(connection: &Connection, name: &str, value: &[u8]) -> Result<(), StoreError> {
    connection
        .prepare_cached(FACT_PUT)
        .and_then(|mut statement| statement.execute((name, value)))
        .map(drop)
        .map_err(|error| sqlite_error(&error))
}

/// What the database notes of its journal.
pub(super) fn read(connection: &Connection, key: &SealKey) -> Result<State, StoreError> {
    fact(connection, STATE)?
        .and_then(|value| State::read(key, &value))
        .ok_or(StoreError::Tampered { what: "the note of the audit's journal", why: "its seal does not fit" })
}

pub(super) fn put(connection: &Connection, key: &SealKey, state: &State) -> Result<(), StoreError> {
    put_fact(connection, STATE, &state.write(key))
}

/// Gives a store that never had a journal its first note of one. From then on the note must be there,
/// which the store remembers in how it knows its key again: a value that nobody else can make.
pub(super) fn begin(writer: &Writer, key: &SealKey) -> Result<(), StoreError> {
    writer.transaction(false, |connection| {
        if fact(connection, STATE)?.is_some() {
            return read(connection, key).map(drop);
        }
        if fact(connection, KEY_CHECK)?.is_none_or(|check| !key.check_fits(false, &check)) {
            return Err(StoreError::Tampered { what: "the note of the audit's journal", why: "it is missing" });
        }
        put(connection, key, &State::NONE)?;
        put_fact(connection, KEY_CHECK, &key.check(true))
    })
}
