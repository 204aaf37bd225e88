//! What may go wrong in the store.

use tenantry_policy::ambient::NoEntropy;
use tenantry_tls::{AddressError, Refusal};

/// An error of the store. No message holds a key, an entry's content or an SQL parameter.
/// Cloneable, because every caller of a shared commit gets the same answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store's address is not one.
    #[error("`{what}` is not a store address: expected `sqlite:PATH` or `postgres://…`")]
    Address {
        /// The scheme only, since the rest may hold a password.
        what: String,
    },
    /// The store's PostgreSQL address cannot be used.
    #[error("the store's address cannot be used: {0}")]
    Postgres(AddressError),
    /// TLS did not come about, or not with the server that the address names. Nothing was written.
    #[error("the store is not spoken to: {0}")]
    Tls(Refusal),
    /// The file system refused.
    #[error("cannot {act} `{path}`: {why}")]
    File {
        /// What was tried: `create`, `read`, ….
        act: &'static str,
        /// The file or folder.
        path: String,
        /// The operating system's words.
        why: String,
    },
    /// The key file is readable by others, damaged, lost, or belongs to another store.
    #[error("key file `{path}`: {why}")]
    Keys {
        /// The key file.
        path: String,
        /// What is wrong and what to do.
        why: &'static str,
    },
    /// A PostgreSQL store needs to know where this server keeps its keys.
    #[error(
        "a PostgreSQL store needs a key file on this machine (the same file on every server that shares the store)"
    )]
    KeyFileNeeded,
    /// The machine's random generator did not answer.
    #[error("{0}")]
    Entropy(#[from] NoEntropy),
    /// Something handed in does not fit. Nothing was written.
    #[error("{what} is not valid: {why}")]
    Invalid {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The disk is full. Nothing was written.
    #[error("the store's disk is full; nothing was written")]
    Full,
    /// Another process held the store's lock for longer than 5 s. Nothing was written.
    #[error("the store is locked by another process; nothing was written")]
    Busy,
    /// The database does not answer. What was asked last may or may not have been written.
    #[error("the store does not answer: {why}")]
    Unavailable {
        /// A code or short sentence from the driver; never a statement's parameters.
        why: String,
    },
    /// The database refused a statement.
    #[error("the store refused a statement: {why}")]
    Database {
        /// The database's code and its fixed text; never a statement's parameters.
        why: String,
    },
    /// What the store holds was changed by somebody else than Tenantry.
    #[error("{what} in the store was changed from outside: {why}")]
    Tampered {
        /// Which thing.
        what: &'static str,
        /// How it shows.
        why: &'static str,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::Address { .. } | StoreError::Postgres(_) => "STORE_ADDRESS",
            StoreError::Tls(_) => "STORE_TLS",
            StoreError::File { .. } => "STORE_FILE",
            StoreError::Keys { .. } => "STORE_KEYS",
            StoreError::KeyFileNeeded => "STORE_KEY_FILE_NEEDED",
            StoreError::Entropy(_) => "NO_ENTROPY",
            StoreError::Invalid { .. } => "STORE_INVALID",
            StoreError::Full => "STORE_FULL",
            StoreError::Busy => "STORE_BUSY",
            StoreError::Unavailable { .. } => "STORE_UNAVAILABLE",
            StoreError::Database { .. } => "STORE_DATABASE",
            StoreError::Tampered { .. } => "STORE_TAMPERED",
            StoreError::Closed => "STORE_CLOSED",
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            StoreError::Address { .. } => Some("for example `sqlite:tenantry.db` or `postgres://user@host/database`"),
            StoreError::Tls(refusal) => Some(refusal.hint()),
            StoreError::Keys { .. } | StoreError::KeyFileNeeded => {
                Some("keep the key file with the store's backups, readable by the server's user alone (mode 0600)")
            }
            StoreError::Full => Some("free some space; the store goes on by itself"),
            StoreError::Busy => Some("find the process that keeps a transaction open on the store's file"),
            StoreError::Tampered { .. } => Some("run `tenantry audit verify`"),
            _ => None,
        }
    }
}
