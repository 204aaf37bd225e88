//! The audit's chains in the tables: their heads are read, and entries are put in.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection};

use super::{sqlite_error, state};
use crate::audit::chain::{Roster, SealKey, Tail};
use crate::audit::sql;
use crate::backend::Row;
use crate::journal::frame::Written;
use crate::{Hash, StoreError};

const HEAD_CHANGED: &str = "an audit chain's head";
const ROSTER_CHANGED: &str = "the audit's roster";

fn changed<T>(what: &'static str, why: &'static str) -> Result<T, StoreError> {
    Err(StoreError::Tampered { what, why })
}

/// The end of an account's chain as the tables have it; for a new account, that of an empty one.
///
/// # Errors
/// [`StoreError::Tampered`] when a seal does not fit.
pub(super) fn tail(connection: &Connection, key: &SealKey, account: &str) -> Result<Tail, StoreError> {
    match head(connection, key, account)? {
        Some(tail) => Ok(tail),
        // A chain is begun only when the roster that it will be put into is sound.
        None => roster(connection, key).map(|_| Tail::empty(0)),
    }
}

fn head(connection: &Connection, key: &SealKey, account: &str) -> Result<Option<Tail>, StoreError> {
    let failed = |error: rusqlite::Error| sqlite_error(&error);
    let mut statement = connection.prepare_cached(sql::HEAD).map_err(failed)?;
    let mut rows = statement.query([account]).map_err(failed)?;
    let Some(row) = rows.next().map_err(failed)? else { return Ok(None) };
    let row = Row::Sqlite(row);
    // INVARIANT: a head is extended only when its seal fits. Otherwise the next commit would seal
    // what somebody else had put there.
    match (row.int(0), row.array(1), row.int(2), row.bytes(3)) {
        (Some(seq), Some(hash), Some(ordinal), Some(seal)) => {
            let tail = Tail { ordinal, seq, hash: Hash(hash) };
            if key.head_fits(account, &tail, &seal) {
                Ok(Some(tail))
            } else {
                changed(HEAD_CHANGED, "its seal does not fit")
            }
        }
        _ => changed(HEAD_CHANGED, "it is not of the right shape"),
    }
}

fn roster(connection: &Connection, key: &SealKey) -> Result<Roster, StoreError> {
    let failed = |error: rusqlite::Error| sqlite_error(&error);
    let mut statement = connection.prepare_cached(sql::ROSTER).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let Some(row) = rows.next().map_err(failed)? else { return Ok(Roster::EMPTY) };
    let row = Row::Sqlite(row);
    let (Some(accounts), Some(hash), Some(seal)) = (row.int(0), row.array(1), row.bytes(2)) else {
        return changed(ROSTER_CHANGED, "it is not of the right shape");
    };
    let roster = Roster { accounts, hash: Hash(hash) };
    if key.roster_fits(&roster, &seal) { Ok(roster) } else { changed(ROSTER_CHANGED, "its seal does not fit") }
}

/// Entries on their way into the tables, within one transaction.
pub(super) struct Chains<'c> {
    connection: &'c Connection,
    key: &'c SealKey,
    insert: CachedStatement<'c>,
    open: HashMap<String, Open>,
}

/// A chain that is extended.
struct Open {
    tail: Tail,
    is_new: bool,
    /// Was its head, or the roster, as Tenantry had left it? Otherwise the entries are put in all the
    /// same, since they are genuine, but the head stays as it is: verification then finds the change.
    is_sound: bool,
}

impl<'c> Chains<'c> {
    pub(super) fn new(connection: &'c Connection, key: &'c SealKey) -> Result<Chains<'c>, StoreError> {
        let insert = connection.prepare_cached(&state::entry_replace()).map_err(|error| sqlite_error(&error))?;
        Ok(Chains { connection, key, insert, open: HashMap::new() })
    }

    /// Puts an entry in. One that stands in its place already was put there by somebody else: what the
    /// journal holds is sealed, and goes before it.
    pub(super) fn put(&mut self, written: &Written<'_>) -> Result<(), StoreError> {
        let failed = |error: rusqlite::Error| sqlite_error(&error);
        let Some((account, seq)) = written.place() else {
            return changed("an audit entry", "it is not of the shape that Tenantry writes");
        };
        if !self.open.contains_key(account) {
            let chain = self.open(account)?;
            if chain.is_sound && (chain.tail.seq.checked_add(1) != Some(seq) || chain.tail.hash != written.previous) {
                tracing::error!(seq, "an audit chain was put back or cut behind what its journal holds");
            }
            self.open.insert(account.to_owned(), chain);
        }
        for (place, cell) in written.cells.iter().enumerate() {
            self.insert.raw_bind_parameter(place + 1, cell).map_err(failed)?;
        }
        self.insert.raw_bind_parameter(written.cells.len() + 1, written.hash.0.as_slice()).map_err(failed)?;
        self.insert.raw_execute().map_err(failed)?;
        if let Some(chain) = self.open.get_mut(account) {
            chain.tail.seq = seq;
            chain.tail.hash = written.hash;
        }
        Ok(())
    }

    /// Reads the head of a chain, or adds the account to the roster.
    fn open(&self, account: &str) -> Result<Open, StoreError> {
        let not_sound = |error| match error {
            StoreError::Tampered { .. } => {
                tracing::error!(%error, "an audit chain is not sealed again");
                Ok(Open { tail: Tail::empty(0), is_new: false, is_sound: false })
            }
            error => Err(error),
        };
        match head(self.connection, self.key, account) {
            Ok(Some(tail)) => return Ok(Open { tail, is_new: false, is_sound: true }),
            Ok(None) => {}
            Err(error) => return not_sound(error),
        }
        let mut roster = match roster(self.connection, self.key) {
            Ok(roster) => roster,
            Err(error) => return not_sound(error),
        };
        let ordinal = roster.add(account);
        let seal = self.key.seal_roster(&roster);
        self.connection
            .prepare_cached(sql::ROSTER_PUT)
            .and_then(|mut put| put.execute((roster.accounts, roster.hash.0.as_slice(), seal.as_slice())))
            .map_err(|error| sqlite_error(&error))?;
        Ok(Open { tail: Tail::empty(ordinal), is_new: true, is_sound: true })
    }

    /// Seals the heads.
    pub(super) fn seal(self) -> Result<(), StoreError> {
        let failed = |error: rusqlite::Error| sqlite_error(&error);
        for (account, Open { tail, is_new, .. }) in self.open.iter().filter(|(_, chain)| chain.is_sound) {
            let (hash, seal) = (tail.hash.0.as_slice(), self.key.seal_head(account, tail));
            let seal = seal.as_slice();
            if *is_new {
                let mut put = self.connection.prepare_cached(sql::HEAD_INSERT).map_err(failed)?;
                put.execute((account, tail.ordinal, tail.seq, hash, seal)).map_err(failed)?;
            } else {
                let mut put = self.connection.prepare_cached(sql::HEAD_UPDATE).map_err(failed)?;
                put.execute((tail.seq, hash, seal, account)).map_err(failed)?;
            }
        }
        Ok(())
    }
}
