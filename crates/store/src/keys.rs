//! The keys of an installation, in a file of their own.
//!
//! They lie beside the database and never in it: whoever can rewrite the audit's rows must not be
//! able to seal them again. The file is JSON, readable by its owner alone (0600), and is replaced
//! whole (write, flush, rename) under a lock, so that two processes never lose each other's keys.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tenantry_policy::Entropy;

use crate::StoreError;
use crate::address::beside;

/// The longest key that may be asked for, in bytes.
const MAX_KEY: usize = 64 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    keys: BTreeMap<String, String>,
}

/// The keys, read once and kept.
pub(crate) struct Keys {
    /// `None` keeps them in memory only.
    path: Option<PathBuf>,
    known: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Keys {
    /// Reads the file when there is one. Creates nothing yet.
    pub(crate) fn open(path: Option<PathBuf>) -> Result<Keys, StoreError> {
        let known = match &path {
            Some(path) => read(path)?,
            None => BTreeMap::new(),
        };
        Ok(Keys { path, known: Mutex::new(known) })
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> String {
        self.path.as_ref().map_or_else(|| "(memory)".to_owned(), |path| path.display().to_string())
    }

    /// The key of that name, or `None` when nobody has made it yet.
    pub(crate) fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.known.lock().get(name).cloned()
    }

    /// The key of that name, made by `make` the first time that anybody asks for it.
    pub(crate) fn get_or_make(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<Vec<u8>, StoreError>,
    ) -> Result<Vec<u8>, StoreError> {
        let mut known = self.known.lock();
        if let Some(key) = known.get(name) {
            return Ok(key.clone());
        }
        let Some(path) = &self.path else {
            let key = make()?;
            known.insert(name.to_owned(), key.clone());
            return Ok(key);
        };
        if let Some(folder) = path.parent() {
            create_folder(folder)?;
        }
        let lock_path = beside(path, ".lock");
        let lock = private_file(&lock_path)?;
        lock.lock().map_err(|error| file_error("lock", &lock_path, &error))?;
        // Another process may have made it since we read the file.
        let mut current = read(path)?;
        let key = match current.get(name) {
            Some(key) => key.clone(),
            None => {
                let key = make()?;
                current.insert(name.to_owned(), key.clone());
                write(path, &current)?;
                key
            }
        };
        *known = current;
        Ok(key)
    }
}

/// `length` bytes of entropy.
pub(crate) fn random(entropy: &dyn Entropy, length: usize) -> Result<Vec<u8>, StoreError> {
    if length == 0 || length > MAX_KEY {
        return Err(StoreError::Invalid { what: "key length", why: "not within 1 to 65536 bytes" });
    }
    let mut key = vec![0; length];
    entropy.fill(&mut key)?;
    Ok(key)
}

fn read(path: &Path) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
    let keys_error = |why| StoreError::Keys { path: path.display().to_string(), why };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(file_error("read", path, &error)),
    };
    let mode = file.metadata().map_err(|error| file_error("read", path, &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(keys_error("others may read or write it; run `chmod 600` on it and consider its keys known"));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| file_error("read", path, &error))?;
    let document: Document = serde_json::from_str(&text).map_err(|_| keys_error("it is not a key file"))?;
    if document.version != 1 {
        return Err(keys_error("it was written by a newer Tenantry"));
    }
    document
        .keys
        .into_iter()
        .map(|(name, key)| {
            STANDARD.decode(key).map(|key| (name, key)).map_err(|_| keys_error("a key in it is damaged"))
        })
        .collect()
}

fn write(path: &Path, keys: &BTreeMap<String, Vec<u8>>) -> Result<(), StoreError> {
    let keys = keys.iter().map(|(name, key)| (name.clone(), STANDARD.encode(key))).collect();
    let text = serde_json::to_string_pretty(&Document { version: 1, keys })
        .map_err(|_| StoreError::Invalid { what: "key file", why: "cannot be written as JSON" })?;
    let next = beside(path, ".next");
    let written = (|| {
        // A leftover of a crash may have other permissions.
        let _ = fs::remove_file(&next);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&next, path)?;
        match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => File::open(".")?.sync_all(),
        }
    })();
    written.map_err(|error| file_error("write", path, &error))
}

/// Opens or creates a file that only its owner may read.
pub(crate) fn private_file(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| file_error("create", path, &error))
}

/// Creates a folder that only its owner may enter. A folder that exists keeps its permissions.
pub(crate) fn create_folder(folder: &Path) -> Result<(), StoreError> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o700)))
        .map_err(|error| file_error("create", folder, &error))
}

pub(crate) fn file_error(act: &'static str, path: &Path, error: &std::io::Error) -> StoreError {
    if error.kind() == ErrorKind::StorageFull {
        return StoreError::Full;
    }
    StoreError::File { act, path: path.display().to_string(), why: error.kind().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(byte: u8) -> impl FnOnce() -> Result<Vec<u8>, StoreError> {
        move || Ok(vec![byte; 4])
    }

    #[test]
    fn keys_are_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/store.keys.json");
        let one = Keys::open(Some(path.clone())).unwrap();
        let other = Keys::open(Some(path.clone())).unwrap();
        assert_eq!(one.get("hash"), None);
        assert_eq!(one.get_or_make("hash", make(1)).unwrap(), [1; 4]);
        assert_eq!(one.get_or_make("hash", make(2)).unwrap(), [1; 4]);
        // A second process that read the file before the key was made.
        assert_eq!(other.get_or_make("cursor", make(3)).unwrap(), [3; 4]);
        assert_eq!(other.get_or_make("hash", make(4)).unwrap(), [1; 4]);
        assert_eq!(Keys::open(Some(path.clone())).unwrap().get("cursor").unwrap(), [3; 4]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn open_or_damaged_key_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        Keys::open(Some(path.clone())).unwrap().get_or_make("hash", make(1)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert_eq!(Keys::open(Some(path.clone())).err().unwrap().code(), "STORE_KEYS");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "{}").unwrap();
        assert_eq!(Keys::open(Some(path)).err().unwrap().code(), "STORE_KEYS");
    }
}
