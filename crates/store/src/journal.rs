//! The journal: an append-only file in front of a SQLite store's tables. An entry of the audit is on
//! record when it is in the journal, one `write` each; from there it is moved into the tables in batches.
//!
//! Here is the file: its bytes ([`frame`]), how it is locked, read and written ([`file`]), and what the
//! database notes of it ([`mark`]). When a journal begins and ends, and how its entries come into the
//! tables, is in `backend/sqlite/ledger.rs`. `docs/adr/0009-audit-journal.md` says why.

pub(crate) mod file;
pub(crate) mod frame;
pub(crate) mod mark;
pub(crate) mod probe;

use crate::StoreError;

/// What is said of a journal that somebody else than Tenantry changed.
pub(crate) fn changed(why: &'static str) -> StoreError {
    StoreError::Tampered { what: "the audit's journal", why }
}
