//! Opening the store.

use std::borrow::{Borrow, Cow};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use tenantry_policy::{Clock, Entropy};

use crate::audit::chain::SealKey;
use crate::backend::{Backend, Lost, Param, Reading};
use crate::epochs::Epochs;
use crate::keys::{self, Keys};
use crate::{Entry, Phase, Receipt, StoreError, StoreUrl};

/// The name of the key that seals heads and approvals.
const SEAL_KEY: &str = "audit-seal";

/// How many bytes a seal key has.
const SEAL_KEY_BYTES: usize = 32;

/// The fact in `tenantry_store` by which a store knows its keys again.
pub(crate) const KEY_CHECK: &str = "key-check";

/// What the store is given.
#[derive(Clone)]
pub struct Options {
    /// The time, for approvals.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for keys.
    pub entropy: Arc<dyn Entropy>,
    /// Where this machine keeps the store's keys. By default beside a SQLite database
    /// (`PATH.keys.json`); required for PostgreSQL, where every server that shares the store needs
    /// the same file.
    pub key_file: Option<PathBuf>,
}

/// What Tenantry itself keeps. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Store {
    pub(crate) backend: Backend,
    pub(crate) seal_key: SealKey,
    pub(crate) clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    keys: Arc<Keys>,
    pub(crate) epochs: Arc<Epochs>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.backend.name()).finish()
    }
}

impl Store {
    /// Opens the store, creates it when absent, and brings its tables up to date.
    ///
    /// A SQLite file is created with mode 0600 in a folder of mode 0700.
    ///
    /// # Errors
    /// [`StoreError::Keys`] when the key file is open to others, or is not the one that this store
    /// was made with: it must then be restored, since no new key could ever fit the old seals.
    /// [`StoreError::Tampered`] when a SQLite store no longer knows of its journal. Otherwise when the
    /// file or database cannot be opened.
    pub async fn open(url: &StoreUrl, options: Options) -> Result<Store, StoreError> {
        let key_file = options.key_file.or_else(|| url.default_key_file());
        if key_file.is_none() && *url != StoreUrl::Memory {
            return Err(StoreError::KeyFileNeeded);
        }
        let keys = Keys::open(key_file)?;
        Store::over(Backend::open(url).await?, keys, options.clock, options.entropy).await
    }

    /// The store over a database that is open.
    pub(crate) async fn over(
        backend: Backend,
        keys: Keys,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Store, StoreError> {
        let seal_key = seal_key(&backend, &keys, entropy.as_ref()).await?;
        backend.unlock(seal_key.clone())?;
        let store = Store { backend, seal_key, clock, entropy, keys: Arc::new(keys), epochs: Arc::default() };
        store.look_for_changes().await?;
        Ok(store)
    }

    /// The installation's key of that name, `length` bytes (1 to 65,536), made from the machine's
    /// entropy the first time that anybody asks for it. It is kept in the key file, not in the
    /// database. Later calls answer the key that was made, whatever length they ask for.
    ///
    /// # Errors
    /// When there is no entropy or the key file cannot be written.
    pub fn secret(&self, name: &str, length: usize) -> Result<Vec<u8>, StoreError> {
        self.secret_or_make(name, |entropy| keys::random(entropy, length))
    }

    /// The same for a key that is not just random bytes: `make` is called at most once in the
    /// installation's life.
    ///
    /// # Errors
    /// Those of `make`, or when the key file cannot be written.
    pub fn secret_or_make(
        &self,
        name: &str,
        make: impl FnOnce(&dyn Entropy) -> Result<Vec<u8>, StoreError>,
    ) -> Result<Vec<u8>, StoreError> {
        if name.is_empty()
            || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        {
            return Err(StoreError::Invalid { what: "key name", why: "not of a-z, 0-9 and -" });
        }
        self.keys.get_or_make(name, || make(self.entropy.as_ref()))
    }

    /// Appends an entry to its account's chain. When it returns, the entry outlives the process; on
    /// PostgreSQL also the machine, as far as the database's own settings promise that.
    ///
    /// On SQLite it is one write to the journal on the calling thread (a few microseconds).
    ///
    /// # Errors
    /// [`StoreError::Invalid`], [`StoreError::Full`] and [`StoreError::Busy`] wrote nothing.
    /// [`StoreError::Tampered`] when the chain's head or the journal was changed from outside: nothing is
    /// appended then, because that would seal the change. After [`StoreError::Unavailable`] the
    /// entry may have been written or not. In every case the act must not go on.
    pub async fn append(&self, entry: impl Borrow<Entry> + Send) -> Result<Receipt, StoreError> {
        let entry = entry.borrow().checked()?;
        self.backend.append(&entry).await
    }

    /// Appends the end of an act that changed nothing which its end alone would tell. On SQLite it is on record with
    /// the next entry or 5 milliseconds later; a process that is killed before that leaves the act open, as its
    /// start says. On PostgreSQL as [`Store::append`].
    ///
    /// # Errors
    /// As [`Store::append`]; what goes wrong later is logged.
    pub async fn append_soon(&self, entry: Entry) -> Result<(), StoreError> {
        let entry = match entry.checked()? {
            Cow::Owned(changed) => changed,
            Cow::Borrowed(_) => entry,
        };
        self.backend.append_soon(entry).await
    }

    /// [`Store::append`] of an act that is over when it is put on record: its start, and its end in that phase and at
    /// that time (microseconds since 1970). The receipt is the start's.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub async fn append_ended(
        &self,
        entry: impl Borrow<Entry> + Send,
        phase: Phase,
        time_micros: i64,
    ) -> Result<Receipt, StoreError> {
        let entry = entry.borrow().checked()?;
        self.backend.append_ended(&entry, phase, time_micros).await
    }

    /// [`Store::append`] for callers outside async code. On PostgreSQL it blocks the thread, which
    /// must not be one that runs async tasks.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub fn append_blocking(&self, entry: impl Borrow<Entry>) -> Result<Receipt, StoreError> {
        let entry = entry.borrow().checked()?;
        self.backend.append_blocking(&entry)
    }

    /// Moves what is in the audit's journal into the tables, and so looks at all of it.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] when the journal is missing or was changed.
    pub async fn settle(&self) -> Result<(), StoreError> {
        self.backend.settle().await
    }

    /// Goes on without what is in the audit's journal, where that is missing or was changed: for an operator who
    /// knows why, say because a backup was made without it. Entries that were only there are lost; what was done is
    /// for the caller to put on record. `None` when nothing is lost, and on stores that have no journal.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn accept_journal_loss(&self) -> Result<Option<Lost>, StoreError> {
        self.backend.accept_loss()
    }

    /// `sqlite` or `postgres`.
    #[must_use]
    pub fn backend_name(&self) -> &'static str {
        self.backend.name()
    }
}

/// Finds the key of the seals, and makes one only for a store that never had any.
async fn seal_key(backend: &Backend, keys: &Keys, entropy: &dyn Entropy) -> Result<SealKey, StoreError> {
    let keys_error = |why| StoreError::Keys { path: keys.path(), why };
    let secret = match (keys.get(SEAL_KEY), key_check(backend).await?) {
        (None, Some(_)) => {
            return Err(keys_error("it is lost or empty, but the store has been sealed with it; restore it"));
        }
        (Some(secret), _) => secret,
        (None, None) => keys.get_or_make(SEAL_KEY, || keys::random(entropy, SEAL_KEY_BYTES))?,
    };
    let key = SealKey::new(&secret).ok_or_else(|| keys_error("a key in it is damaged"))?;
    let params = vec![Param::text(KEY_CHECK), Param::Bytes(key.check(false).to_vec())];
    const PUT: &str = "INSERT INTO tenantry_store (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    backend.write(PUT, params).await?;
    // Read again: another server may have been first, with keys of its own.
    match key_check(backend).await? {
        Some(check) if [false, true].iter().any(|journaled| key.check_fits(*journaled, &check)) => Ok(key),
        _ => Err(keys_error("it belongs to another store; use the file that this store was made with")),
    }
}

async fn key_check(backend: &Backend) -> Result<Option<Vec<u8>>, StoreError> {
    let reading = Reading {
        sql: "SELECT value FROM tenantry_store WHERE name = $1",
        params: vec![Param::text(KEY_CHECK)],
        step: |found: &mut Option<Vec<u8>>, row| {
            *found = Some(row.bytes(0).unwrap_or_default());
            ControlFlow::Break(())
        },
    };
    backend.read(vec![reading], None).await
}
